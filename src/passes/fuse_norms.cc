#include <algorithm>

#include "base/process.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/pattern.h"

namespace anyrt {
namespace {

// The first of the normalised axes, when they are the last ones of x, all of them in both reductions; nullopt
// otherwise.
std::optional<int64_t> first_axis(const Graph& graph, const Pattern::Match& match) {
  const SymShape* shape = shape_of(graph, match.inputs.at("x"));
  if (!shape) return std::nullopt;
  const auto rank = static_cast<int64_t>(shape->size());
  std::optional<int64_t> first;
  for (const char* name : {"axes", "axes2"}) {
    const auto found = match.inputs.find(name);
    if (found == match.inputs.end()) continue;
    auto axes = constant_ints(graph, found->second);
    if (!axes || axes->empty()) return std::nullopt;
    for (int64_t& a : *axes) a += a < 0 ? rank : 0;
    std::sort(axes->begin(), axes->end());
    for (size_t i = 0; i < axes->size(); ++i) {
      if ((*axes)[i] != rank - static_cast<int64_t>(axes->size() - i)) return std::nullopt;
    }
    if (first && *first != axes->front()) return std::nullopt;
    first = axes->front();
  }
  return first;
}

// Whether the value has exactly the normalised dims of x.
bool fits(const Graph& graph, ValueId v, ValueId x, int64_t axis) {
  const SymShape* shape = shape_of(graph, v);
  const SymShape* whole = shape_of(graph, x);
  return shape && std::equal(shape->begin(), shape->end(), whole->begin() + axis, whole->end()) &&
         dtype_of_value(graph, v) == dtype_of_value(graph, x);
}

Status fuse(Graph& graph, PassContext& context, const std::vector<Pattern>& patterns, const char* op) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    for (const Pattern& pattern : patterns) {
      const auto match = pattern.match(graph, id);
      if (!match) continue;
      const ValueId x = match->inputs.at("x"), scale = match->inputs.at("scale");
      const auto bias = match->inputs.find("bias");
      const auto axis = first_axis(graph, *match);
      const auto epsilon = uniform_constant(graph, match->inputs.at("epsilon"));
      const ValueId y = graph.node(id).outputs[0];
      bool good = axis && epsilon && kFloats.has(dtype_of_value(graph, x)) && fits(graph, scale, x, *axis) &&
                  same_shape(graph, x, y);
      good = good && (bias == match->inputs.end() || fits(graph, bias->second, x, *axis));
      if (!good) continue;
      std::vector<ValueId> inputs = {x, scale};
      if (bias != match->inputs.end()) inputs.push_back(bias->second);
      Rewrite rewrite(graph, id);
      const std::vector<Attr> attrs = {{"axis", *axis - static_cast<int64_t>(shape_of(graph, x)->size())},
                                       {"epsilon", static_cast<float>(*epsilon)}};
      rewrite.replace(y, rewrite.add("", op, std::move(inputs), attrs, 1)[0]);
      ANYRT_TRY(rewrite.apply());
      context.count();
      break;
    }
    id = next;
  }
  return {};
}

std::vector<Pattern> patterns(std::string_view head, std::string_view moments, std::string_view centred,
                              const std::vector<std::string>& tails) {
  std::vector<Pattern> all;
  for (const char* square : {"q = Pow({}, two)", "q = Mul({}, {})"}) {
    for (const char* divided : {"n = Div({}, s)", "r = Reciprocal(s)\n n = Mul({}, r)",
                                "one = f32[]{{1}}\n r = Div(one, s)\n n = Mul({}, r)"}) {
      for (const std::string& tail : tails) {
        const auto fill = [&](const char* text) { return fmt::format(fmt::runtime(text), centred, centred); };
        all.emplace_back(fmt::format(
            "graph {} -> (y) {{\n two = f32[]{{2}}\n {}\n {}\n m = ReduceMean(q, axes2) keepdims=1\n e = Add(m, "
            "epsilon)\n s = Sqrt(e)\n {}\n {}\n}}",
            head, moments, fill(square), fill(divided), tail));
      }
    }
  }
  return all;
}

}  // namespace

Status fuse_layer_norm(Graph& graph, PassContext& context) {
  if (!has_op(graph, "ReduceMean")) return {};
  static constinit ProcessObject<std::vector<Pattern>> all;
  const std::vector<Pattern>& made = all.get([] {
    const char* moments = "a = ReduceMean(x, axes) keepdims=1\n d = Sub(x, a)";
    constexpr std::string_view kHead = "(x, axes, axes2, epsilon, scale, bias)";
    std::vector<Pattern> found = patterns(kHead, moments, "d", {"k = Mul(n, scale)\n y = Add(k, bias)"});
    // As Keras has it: the mean is taken off after scaling.
    for (const char* square : {"Pow(d, two)", "Mul(d, d)"}) {
      found.emplace_back(
          fmt::format("graph {} -> (y) {{ two = f32[]{{2}}\n {}\n q = {}\n m = ReduceMean(q, axes2) keepdims=1\n e = "
                      "Add(m, epsilon)\n s = "
                      "Sqrt(e)\n r = Reciprocal(s)\n k = Mul(r, scale)\n o = Mul(a, k)\n b = Sub(bias, o)\n p = Mul(x, "
                      "k)\n y = Add(p, b) }}",
                      kHead, moments, square));
    }
    return found;
  });
  return fuse(graph, context, made, "LayerNormalization");
}

Status fuse_rms_norm(Graph& graph, PassContext& context) {
  if (!has_op(graph, "ReduceMean")) return {};
  static constinit ProcessObject<std::vector<Pattern>> all;
  const std::vector<Pattern>& made =
      all.get([] { return patterns("(x, axes2, epsilon, scale)", "", "x", {"y = Mul(n, scale)"}); });
  return fuse(graph, context, made, "RMSNormalization");
}

}  // namespace anyrt
