#include "base/process.h"
#include "passes/passes.h"
#include "passes/pattern.h"

namespace anyrt {
namespace {

// `text` with `part` for every '@'.
std::string with(std::string_view text, std::string_view part) {
  std::string out;
  for (char c : text) c == '@' ? (out += part) : (out += c);
  return out;
}

Pattern pattern(std::string_view lines) { return Pattern(fmt::format("graph (x) -> (y) {{\n{}\n}}", lines)); }

// x * t / 2 in every order.
std::vector<Pattern> halved(const std::vector<std::string>& inner) {
  std::vector<Pattern> all;
  for (const std::string& lines : inner) {
    for (const char* outer : {"p = Mul(x, t)\n y = Mul(p, half)", "p = Mul(x, half)\n y = Mul(p, t)",
                              "p = Mul(t, half)\n y = Mul(x, p)", "p = Mul(x, t)\n two = f32[]{2}\n y = Div(p, two)"}) {
      all.push_back(pattern(fmt::format("half = f32[]{{0.5}}\n one = f32[]{{1}}\n {}\n {}", lines, outer)));
    }
  }
  return all;
}

std::vector<std::string> with_each(std::string_view text, const std::vector<std::string>& parts) {
  std::vector<std::string> all;
  for (const std::string& part : parts) all.push_back(with(text, part));
  return all;
}

const std::vector<UnaryFusion>& erf_gelu() {
  static constinit ProcessObject<std::vector<UnaryFusion>> fusions;
  return fusions.get([] {
    return std::vector<UnaryFusion>{
        {halved(with_each("@\n e = Erf(s)\n t = Add(e, one)",
                          {"c = f32[]{1.41421356}\n s = Div(x, c)", "c = f32[]{0.70710678}\n s = Mul(x, c)"})),
         "Gelu",
         {{"approximate", "none"}}}};
  });
}

const std::vector<UnaryFusion>& tanh_gelu() {
  static constinit ProcessObject<std::vector<UnaryFusion>> fusions;
  return fusions.get([] {
    return std::vector<UnaryFusion>{
        {halved(with_each("k = f32[]{0.044715}\n c = f32[]{0.79788456}\n @\n e = Tanh(s)\n t = Add(e, one)",
                          {"n = f32[]{3}\n u = Pow(x, n)\n v = Mul(u, k)\n w = Add(x, v)\n s = Mul(w, c)",
                           "q = Mul(x, x)\n u = Mul(q, x)\n v = Mul(u, k)\n w = Add(x, v)\n s = Mul(w, c)",
                           "q = Mul(x, k)\n u = Mul(q, x)\n v = Mul(u, x)\n w = Add(x, v)\n s = Mul(w, c)",
                           "q = Mul(x, x)\n u = Mul(q, k)\n v = Add(u, one)\n w = Mul(x, v)\n s = Mul(w, c)",
                           "q = Mul(x, x)\n u = Mul(q, k)\n v = Add(u, one)\n w = Mul(x, c)\n s = Mul(w, v)"})),
         "Gelu",
         {{"approximate", "tanh"}}}};
  });
}

const std::vector<UnaryFusion>& swish() {
  static constinit ProcessObject<std::vector<UnaryFusion>> fusions;
  return fusions.get([] {
    return std::vector<UnaryFusion>{
        {{pattern("s = Sigmoid(x)\n y = Mul(x, s)")}, "Swish", {}},
        {{pattern("k = f32[]{1.702}\n m = Mul(x, k)\n s = Sigmoid(m)\n y = Mul(x, s)")}, "Swish", {{"alpha", 1.702f}}}};
  });
}

const std::vector<UnaryFusion>& hard_swish() {
  static constinit ProcessObject<std::vector<UnaryFusion>> fusions;
  return fusions.get([] {
    return std::vector<UnaryFusion>{
        {{pattern("s = HardSigmoid(x) alpha=0.16666667 beta=0.5\n y = Mul(x, s)")}, "HardSwish", {}}};
  });
}

const std::vector<UnaryFusion>& clipped_swish() {
  static constinit ProcessObject<std::vector<UnaryFusion>> fusions;
  return fusions.get([] {
    const std::string clipped =
        "three = f32[]{3}\n zero = f32[]{0}\n six = f32[]{6}\n a = Add(x, three)\n c = Clip(a, zero, six)\n";
    return std::vector<UnaryFusion>{
        {{pattern(clipped + "m = Mul(x, c)\n y = Div(m, six)"), pattern(clipped + "d = Div(c, six)\n y = Mul(x, d)"),
          pattern(clipped + "k = f32[]{0.16666667}\n m = Mul(x, c)\n y = Mul(m, k)"),
          pattern(clipped + "k = f32[]{0.16666667}\n d = Mul(c, k)\n y = Mul(x, d)")},
         "HardSwish",
         {}}};
  });
}

const std::vector<UnaryFusion>& mish() {
  static constinit ProcessObject<std::vector<UnaryFusion>> fusions;
  return fusions.get([] {
    return std::vector<UnaryFusion>{{{pattern("s = Softplus(x)\n t = Tanh(s)\n y = Mul(x, t)")}, "Mish", {}}};
  });
}

// Fusions of patterns that all have one operator: reading the patterns takes longer than looking for it.
struct Family {
  const char* op;
  const std::vector<UnaryFusion>& (*fusions)();
};

Status fuse_families(Graph& graph, PassContext& context, std::span<const Family> families) {
  for (const Family& f : families) {
    if (has_op(graph, f.op)) ANYRT_TRY(fuse_unary(graph, context, f.fusions()));
  }
  return {};
}

}  // namespace

Status fuse_gelu(Graph& graph, PassContext& context) {
  constexpr Family kFamilies[] = {{"Erf", erf_gelu}, {"Tanh", tanh_gelu}};
  return fuse_families(graph, context, kFamilies);
}

Status fuse_gates(Graph& graph, PassContext& context) {
  constexpr Family kFamilies[] = {
      {"Sigmoid", swish}, {"HardSigmoid", hard_swish}, {"Clip", clipped_swish}, {"Softplus", mish}};
  return fuse_families(graph, context, kFamilies);
}

}  // namespace anyrt
