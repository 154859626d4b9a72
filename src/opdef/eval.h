#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "opdef/attrs.h"
#include "opdef/opdef.h"
#include "tensor/value.h"

namespace anyrt {

// What an operator's `eval`, and every CPU kernel, sees: inputs, a way to make outputs, attributes. Who runs the graph
// (interpreter, executor) derives from it and decides where outputs live.
class EvalContext : public AttrReader {
 public:
  explicit EvalContext(const Node& node) : AttrReader(node) {}
  virtual ~EvalContext() = default;
  EvalContext(const EvalContext&) = delete;
  EvalContext& operator=(const EvalContext&) = delete;

  virtual size_t num_inputs() const = 0;
  virtual size_t num_outputs() const = 0;
  virtual const Value& value(size_t i) const = 0;  // an empty value when omitted
  bool has_input(size_t i) const { return i < num_inputs() && !value(i).empty(); }
  // Inputs that the schema says are tensors; the driver has checked kind and dtype. An undefined tensor when omitted.
  const Tensor& input(size_t i) const;
  // The input converted to `dtype` (the same tensor when it has it already).
  Expected<Tensor> input_as(size_t i, DType dtype) const;
  // Integer tensor inputs (axes, shapes, k) as int64; empty when omitted.
  Expected<std::vector<int64_t>> input_ints(size_t i) const;
  // A scalar or one-element integer/float input.
  Expected<int64_t> input_int(size_t i) const;
  Expected<double> input_double(size_t i) const;

  virtual bool wants_output(size_t i) const = 0;  // false: the model does not name it, no need to compute it
  // Makes output i, not initialised (strings: empty), and returns it for writing; the pointer lives as long as the
  // context.
  virtual Expected<Tensor*> output(size_t i, DType dtype, const Dims& dims) = 0;
  virtual void set_output(size_t i, Value value) = 0;
  // Converts `tensor` to `dtype` and sets it as output i.
  Status set_output_as(size_t i, const Tensor& tensor, DType dtype);

  // Runs the subgraph in attribute `name` (captures are bound by the driver).
  virtual Expected<std::vector<Value>> run_subgraph(std::string_view name, std::vector<Value> inputs) = 0;
  // Splits [0, n) over the thread pool in pieces of at least `grain`; f must not throw. Serial by default.
  virtual void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& f);
  // Non-ok when the run is cancelled or out of time: long loops ask now and then.
  virtual Status check_cancelled() { return {}; }
  // Seed for operators that draw random numbers and have no `seed` attribute of their own.
  virtual uint64_t random_seed() { return 0x9e3779b97f4a7c15ull; }
};

}  // namespace anyrt
