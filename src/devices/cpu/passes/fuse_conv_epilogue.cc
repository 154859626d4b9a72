#include <cmath>
#include <limits>
#include <map>

#include "devices/cpu/passes/epilogue_match.h"
#include "devices/cpu/passes/passes.h"
#include "opdef/attrs.h"
#include "opdef/opdef.h"
#include "opdef/window.h"

namespace anyrt::cpu {
namespace {

struct NamedActivation {
  std::string name;
  std::vector<float> params;
};

// A limit of Clip: `otherwise` when there is none, nullopt when it is not known.
std::optional<float> limit(const Graph& graph, ValueId v, float otherwise) {
  if (v == kNoValue) return otherwise;
  const auto c = uniform_constant(graph, v);
  return c ? std::optional(static_cast<float>(*c)) : std::nullopt;
}

// The constant number that the node takes beside x.
std::optional<float> other_number(const Graph& graph, const Node& node, ValueId x) {
  if (node.inputs.size() != 2) return std::nullopt;
  const ValueId other = node.inputs[node.inputs[0] == x ? 1 : 0];
  const SymShape *a = shape_of(graph, other), *b = shape_of(graph, x);
  const auto c = uniform_constant(graph, other);
  if (!a || !b || !c || a->size() > b->size()) return std::nullopt;
  // Broadcasting must not make the result larger.
  const bool ones = std::all_of(a->begin(), a->end(), [](const Dim& d) { return d.is(1); });
  return ones || *shape_of(graph, node.outputs[0]) == *b ? std::optional(static_cast<float>(*c)) : std::nullopt;
}

// What the node does to x, in the words of FusedConv.
std::optional<NamedActivation> as_activation(const Graph& graph, const Node& node, ValueId x) {
  constexpr float kLowest = std::numeric_limits<float>::lowest(), kMost = std::numeric_limits<float>::max();
  const AttrReader a(node);
  if (node.domain == "com.microsoft" && node.op == "QuickGelu") return NamedActivation{"Swish", {a.f("alpha")}};
  if (!node.domain.empty()) return std::nullopt;
  for (const char* plain : {"Relu", "HardSwish", "Sigmoid", "Tanh", "Mish", "Softplus", "Softsign"}) {
    if (node.op == plain) return NamedActivation{plain, {}};
  }
  for (const char* with_alpha : {"LeakyRelu", "Elu", "Celu", "Swish", "ThresholdedRelu"}) {
    if (node.op == with_alpha) return NamedActivation{with_alpha, {a.f("alpha")}};
  }
  if (node.op == "HardSigmoid") return NamedActivation{"HardSigmoid", {a.f("alpha"), a.f("beta")}};
  if (node.op == "Selu") return NamedActivation{"Selu", {a.f("alpha"), a.f("gamma")}};
  if (node.op == "Gelu") return NamedActivation{a.s("approximate") == "tanh" ? "GeluTanh" : "Gelu", {}};
  if (node.op == "Clip" && node.inputs[0] == x) {
    const auto low = limit(graph, input(node, 1), kLowest), high = limit(graph, input(node, 2), kMost);
    if (!low || !high) return std::nullopt;
    if (*low == 0 && *high == kMost) return NamedActivation{"Relu", {}};
    return NamedActivation{"Clip", {*low, *high}};
  }
  if (node.op == "Max" || node.op == "Min") {
    const auto c = other_number(graph, node, x);
    if (!c || std::isnan(*c)) return std::nullopt;
    if (node.op == "Max") return *c == 0 ? NamedActivation{"Relu", {}} : NamedActivation{"Clip", {*c, kMost}};
    return NamedActivation{"Clip", {kLowest, *c}};
  }
  if (node.op == "PRelu" && node.inputs[0] == x) {
    const auto slope = other_number(graph, node, x);
    if (slope) return NamedActivation{"LeakyRelu", {*slope}};
  }
  return std::nullopt;
}

// Numbers that multiply, add and limit, once each and in this order.
struct Rescale {
  std::vector<float> values = {1, 0, -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  int stage = 0;

  bool take(const Graph& graph, const Node& node, ValueId x) {
    if (!node.domain.empty()) return false;
    if (node.op == "Clip" && node.inputs[0] == x && stage < 3) {
      const auto low = limit(graph, input(node, 1), values[2]), high = limit(graph, input(node, 2), values[3]);
      if (!low || !high || !(*low <= *high)) return false;
      values[2] = *low;
      values[3] = *high;
      stage = 3;
      return true;
    }
    const auto c = other_number(graph, node, x);
    if (!c || std::isnan(*c)) return false;
    if (node.op == "Mul" && stage < 1) {
      values[0] = *c;
      stage = 1;
    } else if (node.op == "Add" && stage < 2) {
      values[1] = *c;
      stage = 2;
    } else if ((node.op == "Max" || node.op == "Min") && stage < 3) {
      values[node.op == "Max" ? 2 : 3] = *c;
      stage = 3;
    } else {
      return false;
    }
    return true;
  }
};

Status fuse(Graph& graph, NodeId id, const MatchedEpilogue& e, std::vector<Attr> attrs) {
  const Node& conv = graph.node(id);
  std::vector<ValueId> inputs = {conv.inputs[0], conv.inputs[1], input(conv, 2), e.z};
  while (inputs.back() == kNoValue) inputs.pop_back();
  if (!e.activation.empty()) attrs.push_back({"activation", e.activation});
  if (!e.params.empty()) attrs.push_back({"activation_params", e.params});
  if (e.add_after) attrs.push_back({"add_after", int64_t{1}});
  if (!e.rescale.empty()) attrs.push_back({"rescale", e.rescale});
  const ValueId result = graph.node(e.last).outputs[0];
  Rewrite rewrite(graph, e.last);
  rewrite.replace(result, rewrite.add("anyrt", "FusedConv", std::move(inputs), std::move(attrs), 1)[0]);
  return rewrite.apply();
}

}  // namespace

MatchedEpilogue match_epilogue(const Graph& graph, ValueId y, bool rescales, std::string& stop) {
  MatchedEpilogue e;
  Rescale rescale;
  while (true) {
    const NodeId next = single_use(graph, y);
    if (next == kNoNode) {
      stop = graph.is_output(y) ? "its result is an output" : "its result is read more than once";
      return e;
    }
    const Node& node = graph.node(next);
    if (const auto a = e.activation.empty() ? as_activation(graph, node, y) : std::nullopt) {
      e.activation = a->name;
      e.params = a->params;
    } else if (rescales && !e.activation.empty() && rescale.take(graph, node, y)) {
      e.rescale = rescale.values;
    } else if (is_op(node, "Add") && e.z == kNoValue && e.rescale.empty()) {
      const ValueId other = node.inputs[node.inputs[0] == y ? 1 : 0];
      if (!same_shape(graph, y, other) || dtype_of_value(graph, other) != DType::kFloat32) {
        stop = "the addend of Add has another shape";
        return e;
      }
      e.z = other;
      e.add_after = !e.activation.empty();
    } else {
      stop = "followed by " + node.op;
      return e;
    }
    e.last = next;
    y = node.outputs[0];
  }
}

std::optional<std::vector<Attr>> fused_conv_attrs(const Graph& graph, const Node& node) {
  const bool fused = node.domain == "anyrt" && node.op == "FusedConv";
  if (!fused && !is_op(node, "Conv")) return std::nullopt;
  if (fused) return node.attrs;
  std::vector<Attr> attrs;
  for (const char* name : {"dilations", "group", "kernel_shape", "pads", "strides"}) {
    if (const Attr* a = node.find_attr(name)) attrs.push_back(*a);
  }
  const AttrReader reader(node);
  const std::string& auto_pad = reader.s("auto_pad");
  if (auto_pad.empty() || auto_pad == "NOTSET") return attrs;
  const SymShape *x = shape_of(graph, node.inputs[0]), *w = shape_of(graph, node.inputs[1]);
  const auto kernel = w && w->size() > 2 ? to_dims(SymShape(w->begin() + 2, w->end())) : std::nullopt;
  if (!x || !kernel || x->size() != w->size()) return std::nullopt;
  const Expected<WindowAttrs> windows = read_window_attrs(reader, *kernel);
  if (!windows.ok()) return std::nullopt;
  Dims spatial;
  for (size_t i = 0; i < kernel->size(); ++i) {
    const Dim& d = (*x)[i + 2];
    // With a stride of one the padding does not depend on the size.
    if (!d.is_const() && auto_pad != "VALID" && windows->strides[i] != 1) return std::nullopt;
    spatial.push_back(d.is_const() ? d.value() : windows->extent(i));
  }
  const Expected<WindowAxes> axes = make_windows(*windows, spatial);
  if (!axes.ok()) return std::nullopt;
  std::vector<int64_t> pads;
  for (const WindowAxis& axis : *axes) pads.push_back(axis.pad_begin);
  for (const WindowAxis& axis : *axes) pads.push_back(axis.pad_end);
  std::erase_if(attrs, [](const Attr& a) { return a.name == "pads"; });
  attrs.push_back({"pads", std::move(pads)});
  return attrs;
}

Status fuse_conv_epilogue(Graph& graph, const PassSetup&, DevicePassReport& report) {
  std::map<std::string, size_t> done, missed;
  const std::vector<NodeId> order = graph.order();
  for (NodeId id : order) {
    const Node& node = graph.node(id);
    if (node.alive && is_op(node, "Conv") && dtype_of_value(graph, node.inputs[0]) == DType::kFloat32) {
      std::string stop;
      const MatchedEpilogue e = match_epilogue(graph, node.outputs[0], true, stop);
      auto attrs = e.last == kNoNode ? std::nullopt : fused_conv_attrs(graph, node);
      if (attrs) {
        std::string what = "Conv";
        if (e.z != kNoValue && !e.add_after) what += " + Add";
        if (!e.activation.empty()) what += " + " + e.activation;
        if (e.add_after) what += " + Add";
        if (!e.rescale.empty()) what += " + rescale";
        ANYRT_TRY(fuse(graph, id, e, std::move(*attrs)));
        ++report.changes;
        ++done[what];
      } else {
        ++missed[e.last == kNoNode ? stop : "its padding depends on sizes that are not known"];
      }
    }
  }
  for (const auto& [what, count] : done) report.notes.push_back(fmt::format("{}: {}", what, count));
  for (const auto& [why, count] : missed) report.notes.push_back(fmt::format("{} Conv alone: {}", count, why));
  return {};
}

}  // namespace anyrt::cpu
