#pragma once

#include <optional>

#include "opdef/attrs.h"
#include "opdef/opdef.h"

namespace anyrt {

// What an operator's `cost` sees: shapes with symbols replaced by the sizes asked for.
class CostContext : public AttrReader {
 public:
  CostContext(const Graph& graph, NodeId id, const Dim::Bindings& bindings)
      : AttrReader(graph.node(id)), graph_(graph), bindings_(bindings) {}
  std::optional<Dims> input_dims(size_t i) const;  // nullopt when omitted or not all sizes are known
  std::optional<Dims> output_dims(size_t i) const;
  DType input_dtype(size_t i) const;
  DType output_dtype(size_t i) const;

 private:
  std::optional<Dims> dims_of(ValueId id) const;

  const Graph& graph_;
  const Dim::Bindings& bindings_;
};

// The operator's own cost, or one operation for each output element; bytes of all inputs and outputs.
Cost node_cost(const Graph& graph, NodeId id, const Dim::Bindings& bindings = {});

// Families. A multiplication and the addition that follows count as two.
Cost cost_conv(const CostContext& c);  // X, W, …: Conv, QLinearConv (W is input 3 there), ConvInteger
Cost cost_conv_transpose(const CostContext& c);
Cost cost_matmul(
    const CostContext& c);             // the last axis of input 0 is summed over: MatMul, MatMulInteger, QLinearMatMul
Cost cost_gemm(const CostContext& c);  // with attribute transA
Cost cost_recurrent(const CostContext& c);  // X, W, R: RNN, GRU, LSTM

}  // namespace anyrt
