#include <map>

#include "devices/cpu/passes/epilogue_match.h"
#include "devices/cpu/passes/passes.h"
#include "opdef/attrs.h"

namespace anyrt::cpu {
namespace {

// The vector as long as the rows of y that the only reader of y adds; kNoValue when there is none.
ValueId added_vector(const Graph& graph, ValueId y, NodeId& add) {
  add = single_use(graph, y);
  const SymShape* shape = shape_of(graph, y);
  if (add == kNoNode || !shape || shape->empty() || !is_op(graph.node(add), "Add")) return kNoValue;
  const Node& node = graph.node(add);
  const ValueId other = node.inputs[node.inputs[0] == y ? 1 : 0];
  const SymShape* s = shape_of(graph, other);
  const bool fits = s && s->size() == 1 && (*s)[0].is_const() && shape->back().is((*s)[0].value());
  return fits && other != y && dtype_of_value(graph, other) == DType::kFloat32 ? other : kNoValue;
}

}  // namespace

Status fuse_matmul_epilogue(Graph& graph, const PassSetup&, DevicePassReport& report) {
  std::map<std::string, size_t> done;
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    const Node& node = graph.node(id);
    if (!node.alive || !is_one_of(node, {"MatMul", "Gemm"}) || dtype_of_value(graph, node.inputs[0]) != DType::kFloat32)
      continue;
    const AttrReader c(node);
    ValueId y = node.outputs[0], bias = input(node, 2);
    if (!shape_of(graph, y) || (bias != kNoValue && c.f("beta", 1.0f) != 1.0f)) continue;
    std::string what = node.op, stop;
    NodeId last = kNoNode, add = kNoNode;
    if (bias == kNoValue) {
      bias = added_vector(graph, y, add);
      if (bias != kNoValue) {
        what += " + bias";
        last = add;
        y = graph.node(add).outputs[0];
      }
    }
    const MatchedEpilogue e = match_epilogue(graph, y, false, stop);
    if (e.last != kNoNode) last = e.last;
    if (last == kNoNode) continue;
    if (e.z != kNoValue && !e.add_after) what += " + Add";
    if (!e.activation.empty()) what += " + " + e.activation;
    if (e.add_after) what += " + Add";
    std::vector<ValueId> inputs = {node.inputs[0], node.inputs[1], bias, e.z};
    while (inputs.back() == kNoValue) inputs.pop_back();
    std::vector<Attr> attrs;
    if (node.op == "Gemm") {
      attrs = {{"transA", c.i("transA")}, {"transB", c.i("transB")}, {"alpha", c.f("alpha", 1.0f)}};
    }
    if (!e.activation.empty()) attrs.push_back({"activation", e.activation});
    if (!e.params.empty()) attrs.push_back({"activation_params", e.params});
    if (e.add_after) attrs.push_back({"add_after", int64_t{1}});
    const ValueId result = graph.node(last).outputs[0];
    Rewrite rewrite(graph, last);
    rewrite.replace(result, rewrite.add("anyrt", "FusedMatMul", std::move(inputs), std::move(attrs), 1)[0]);
    ANYRT_TRY(rewrite.apply());
    ++report.changes;
    ++done[what];
  }
  for (const auto& [what, count] : done) report.notes.push_back(fmt::format("{}: {}", what, count));
  return {};
}

}  // namespace anyrt::cpu
