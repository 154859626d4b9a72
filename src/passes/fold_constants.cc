#include <algorithm>

#include "interp/interp.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

double element_count(const std::vector<int64_t>& dims) {
  double count = 1;
  for (int64_t d : dims) count *= static_cast<double>(d);
  return count;
}

// Operators whose work is about that of reading their inputs and writing their outputs.
bool is_linear(const Node& node) {
  return (node.def->flags & (kElementwise | kView)) || is_one_of(node, {"ArgMax",
                                                                        "ArgMin",
                                                                        "Cast",
                                                                        "CastLike",
                                                                        "Compress",
                                                                        "Concat",
                                                                        "ConstantOfShape",
                                                                        "CumSum",
                                                                        "DepthToSpace",
                                                                        "EyeLike",
                                                                        "Expand",
                                                                        "Gather",
                                                                        "GatherElements",
                                                                        "GatherND",
                                                                        "NonZero",
                                                                        "OneHot",
                                                                        "Pad",
                                                                        "QuantizeLinear",
                                                                        "Range",
                                                                        "ReduceL1",
                                                                        "ReduceL2",
                                                                        "ReduceMax",
                                                                        "ReduceMean",
                                                                        "ReduceMin",
                                                                        "ReduceProd",
                                                                        "ReduceSum",
                                                                        "ReduceSumSquare",
                                                                        "Resize",
                                                                        "ScatterElements",
                                                                        "ScatterND",
                                                                        "Shape",
                                                                        "Size",
                                                                        "Slice",
                                                                        "Softmax",
                                                                        "SpaceToDepth",
                                                                        "Split",
                                                                        "Squeeze",
                                                                        "Tile",
                                                                        "TopK",
                                                                        "Transpose",
                                                                        "Trilu",
                                                                        "Unique",
                                                                        "Unsqueeze",
                                                                        "Where"});
}

// An upper bound of the arithmetic of a node.
double flops(const Graph& graph, const Node& node, double out_elements) {
  double largest = 1;
  for (ValueId v : node.inputs) {
    if (v != kNoValue) largest = std::max(largest, static_cast<double>(graph.value(v).constant.size()));
  }
  if (is_linear(node)) return out_elements + largest;
  if (is_op(node, "MatMul")) {
    const Tensor& a = graph.value(node.inputs[0]).constant;
    return 2 * out_elements * (a.rank() > 0 ? static_cast<double>(a.dims().back()) : 1.0);
  }
  return 2 * (out_elements + 1) * largest;
}

bool is_affordable(const Graph& graph, const Node& node, const PassOptions& options) {
  if (is_op(node, "Constant")) return true;
  double in_bytes = 0, out_bytes = 0, out_elements = 0;
  for (ValueId v : node.inputs) {
    if (v != kNoValue) in_bytes += static_cast<double>(graph.value(v).constant.bytes());
  }
  for (ValueId v : node.outputs) {
    if (v == kNoValue) continue;
    const Type& type = graph.value(v).type;
    const auto dims = fixed_shape(graph, v);
    // The others may come out of any size.
    if (!dims && !is_one_of(node, {"NonZero", "Compress", "Unique"})) return false;
    const double elements = dims ? element_count(*dims) : in_bytes;
    out_elements += elements;
    out_bytes += elements * static_cast<double>(element_size(type.dtype));
  }
  const double limit =
      std::max(static_cast<double>(options.fold_bytes), in_bytes * static_cast<double>(options.fold_growth));
  return out_bytes <= limit && flops(graph, node, out_elements) <= options.fold_flops;
}

bool is_foldable(const Graph& graph, const Node& node) {
  if (!node.def || (node.def->flags & kRandom) || node.outputs.empty() || !node.captures.empty()) return false;
  // A dequantised weight is what kernels for quantised data want to see.
  if (is_op(node, "DequantizeLinear")) return false;
  if (!node.subgraphs().empty()) return false;
  const auto is_fixed = [&](ValueId v) { return v == kNoValue || fixed_constant(graph, v); };
  const auto is_tensor = [&](ValueId v) {
    return v == kNoValue || (graph.value(v).type.is_tensor() && graph.value(v).type.dtype != DType::kUndefined);
  };
  return std::all_of(node.inputs.begin(), node.inputs.end(), is_fixed) &&
         std::all_of(node.outputs.begin(), node.outputs.end(), is_tensor);
}

}  // namespace

Status fold_constants(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    if (is_foldable(graph, node) && is_affordable(graph, node, context.options())) {
      std::vector<Value> inputs;
      for (ValueId v : node.inputs) inputs.push_back(v == kNoValue ? Value() : Value(graph.value(v).constant));
      const Expected<std::vector<Value>> results = interpret_node(node, inputs);
      // What cannot be computed is left to fail, with the node's name, when it is run.
      bool whole = results.ok();
      for (size_t i = 0; whole && i < node.outputs.size(); ++i) {
        whole = node.outputs[i] == kNoValue || (*results)[i].is_tensor();
      }
      if (whole) {
        Rewrite rewrite(graph, id);
        for (size_t i = 0; i < node.outputs.size(); ++i) {
          if (node.outputs[i] != kNoValue) rewrite.replace(node.outputs[i], rewrite.constant((*results)[i].tensor()));
        }
        ANYRT_TRY(rewrite.apply());
        context.count();
      }
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
