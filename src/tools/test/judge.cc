#include "tools/test/judge.h"

#include <set>

#include "base/file.h"
#include "base/json.h"

namespace anyrt {

namespace fs = std::filesystem;

namespace {

// Nodes whose outputs no implementation can reproduce: shape, type and, where small, the set of values count.
bool draws_random(const Graph& graph) {
  static const std::set<std::string> kRandom = {"Bernoulli",     "RandomNormal",      "RandomNormalLike",
                                                "RandomUniform", "RandomUniformLike", "Multinomial"};
  for (NodeId id : graph.order()) {
    const Node& n = graph.node(id);
    if (kRandom.count(n.op) && !n.find_attr("seed")) return true;
    if (kRandom.count(n.op)) return true;
    if (n.op == "Dropout" && n.inputs.size() > 2 && n.inputs[2] != kNoValue) return true;
    for (const Graph* sub : n.subgraphs()) {
      if (draws_random(*sub)) return true;
    }
  }
  return false;
}

Comparison compare_random(const Value& actual, const Value& expected) {
  Comparison c;
  if (!actual.is_tensor() || !expected.is_tensor()) return compare_values(actual, expected, {});
  const Tensor &a = actual.tensor(), &e = expected.tensor();
  if (a.dtype() != e.dtype() || a.dims() != e.dims()) {
    c.equal = false;
    c.message = fmt::format("found {}, expected {}", a.type_string(), e.type_string());
    return c;
  }
  const auto da = to_doubles(a), de = to_doubles(e);
  if (!da.ok() || !de.ok()) return c;
  const std::set<double> want(de->begin(), de->end());
  if (want.size() > 2 || want.size() * 2 > de->size()) return c;  // a continuous distribution
  for (double x : *da) {
    if (!want.count(x) && x != 0 && x != 1) {
      c.equal = false;
      c.message = fmt::format("value {} is not among those expected", x);
    }
  }
  return c;
}

}  // namespace

Tolerance upstream_tolerance(const fs::path& model) {
  Tolerance t;
  std::string name = model.parent_path().filename().string();
  if (const size_t at = name.rfind("_opset19"); at != std::string::npos) name.resize(at);
  if (name == "test_dft" || name == "test_dft_axis" || name == "test_dft_inverse") t.atol = 1e-6;
  std::vector<fs::path> candidates = {model.parent_path() / "data.json"};
  if (const std::string stem = model.stem().string(); stem.rfind("light_", 0) == 0) {
    candidates.push_back(model.parent_path().parent_path() / "real" / ("test_" + stem.substr(6)) / "data.json");
  }
  for (const fs::path& file : candidates) {
    const Expected<std::string> text = read_file(file.string());
    if (!text.ok()) continue;
    const Expected<Json> json = Json::parse(*text);
    if (!json.ok()) continue;
    t.rtol = (*json)["rtol"].as_double(t.rtol);
    t.atol = (*json)["atol"].as_double(t.atol);
  }
  return t;
}

TestResult compare_all(const Session& session, TestResult r, const std::vector<Value>& found,
                       const std::vector<Value>& expected, const Tolerance& upstream, const TestOptions& options) {
  if (expected.size() > found.size()) {
    r.message = fmt::format("{} outputs expected, the model gives {}", expected.size(), found.size());
    return r;
  }
  const bool random = draws_random(session.graph());
  const Tolerance tolerance{options.rtol.value_or(upstream.rtol), options.atol.value_or(upstream.atol)};
  for (size_t i = 0; i < expected.size(); ++i) {
    const Comparison c =
        random ? compare_random(found[i], expected[i]) : compare_values(found[i], expected[i], tolerance);
    r.max_abs_diff = std::max(r.max_abs_diff, c.max_abs_diff);
    if (!c.equal) {
      r.message = fmt::format("output {} ('{}'): {}", i, session.outputs()[i].name, c.message);
      return r;
    }
  }
  r.passed = true;
  return r;
}

}  // namespace anyrt
