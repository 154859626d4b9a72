#include "tools/test/meta.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "codec/npy.h"

namespace anyrt {

namespace fs = std::filesystem;

namespace {

// The step of the output's quantisation when the model ends with DequantizeLinear (possibly behind operators that only
// move elements); 0 for models that compute in float.
double output_step(const Graph& graph, ValueId output) {
  for (int hops = 0; hops < 8; ++hops) {
    const NodeId producer = graph.value(output).producer;
    if (producer == kNoNode) return 0;
    const Node& node = graph.node(producer);
    if (node.op == "DequantizeLinear" && node.inputs.size() > 1) {
      const Tensor& scale = graph.value(node.inputs[1]).constant;
      if (!scale.defined()) return 0;
      const auto values = to_doubles(scale);
      return values.ok() && !values->empty() ? *std::max_element(values->begin(), values->end()) : 0;
    }
    if (node.op != "Reshape" && node.op != "Flatten" && node.op != "Squeeze" && node.op != "Unsqueeze" &&
        node.op != "Transpose" && node.op != "Identity") {
      return 0;
    }
    output = node.inputs[0];
  }
  return 0;
}

// Quantised models: one output step on average and the same best class in every row.
Comparison compare_quantized(const Tensor& actual, const Tensor& expected, double step) {
  Comparison c;
  const auto a = to_doubles(actual), e = to_doubles(expected);
  if (!a.ok() || !e.ok() || actual.dims() != expected.dims() || actual.dtype() != expected.dtype()) {
    return {false, fmt::format("found {}, expected {}", actual.type_string(), expected.type_string()), 0, 0};
  }
  double sum = 0;
  for (size_t i = 0; i < a->size(); ++i) {
    sum += std::abs((*a)[i] - (*e)[i]);
    c.max_abs_diff = std::max(c.max_abs_diff, std::abs((*a)[i] - (*e)[i]));
  }
  const double mean = a->empty() ? 0 : sum / static_cast<double>(a->size());
  if (!(mean <= step))
    return {false, fmt::format("mean difference {:.4g}, one quantisation step is {:.4g}", mean, step), c.max_abs_diff,
            0};
  const size_t row = expected.rank() > 0 ? static_cast<size_t>(expected.dims().back()) : 1;
  for (size_t begin = 0; row > 1 && begin + row <= a->size(); begin += row) {
    const auto best = [&](const std::vector<double>& v) {
      return std::max_element(v.begin() + static_cast<std::ptrdiff_t>(begin),
                              v.begin() + static_cast<std::ptrdiff_t>(begin + row)) -
             v.begin();
    };
    if (best(*a) != best(*e))
      return {false, fmt::format("the best class of row {} is {}, expected {}", begin / row, best(*a), best(*e)),
              c.max_abs_diff, 0};
  }
  return c;
}

Comparison compare_scaled(const Value& actual, const Tensor& expected, double peer_difference,
                          const TestOptions& options) {
  double scale = 0;
  if (const auto e = to_doubles(expected); e.ok() && is_float(expected.dtype())) {
    for (double x : *e) {
      if (std::isfinite(x)) scale = std::max(scale, std::abs(x));
    }
  }
  const double atol = options.atol.value_or(std::max(1e-4 * scale, 4 * peer_difference));
  return compare_values(actual, expected, {options.rtol.value_or(0), atol});
}

Status run_case(const Session& session, const fs::path& folder, const Json& one, const TestOptions& options,
                TestResult& r) {
  std::vector<std::pair<std::string, Value>> inputs;
  for (const Json& in : one["inputs"].items()) {
    ANYRT_ASSIGN(Tensor t, read_npy((folder / in["file"].as_string()).string()));
    inputs.emplace_back(in["name"].as_string(), std::move(t));
  }
  if (one["outputs"].items().empty()) return invalid_argument("meta.json names no outputs");
  const auto start = std::chrono::steady_clock::now();
  ANYRT_ASSIGN(const std::vector<Value> found, session.run(inputs, {}));
  r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const Json& out : one["outputs"].items()) {
    const std::string& name = out["name"].as_string();
    const auto& specs = session.outputs();
    const auto it = std::find_if(specs.begin(), specs.end(), [&](const ValueSpec& s) { return s.name == name; });
    if (it == specs.end()) return invalid_argument("the model has no output '{}'", name);
    const size_t i = static_cast<size_t>(it - specs.begin());
    ANYRT_ASSIGN(const Tensor expected, read_npy((folder / out["file"].as_string()).string()));
    const double step = is_float(expected.dtype()) ? output_step(session.graph(), session.graph().outputs[i]) : 0;
    const Comparison c = step > 0 && found[i].is_tensor()
                             ? compare_quantized(found[i].tensor(), expected, step)
                             : compare_scaled(found[i], expected, out["optall_max_abs_diff"].as_double(), options);
    r.max_abs_diff = std::max(r.max_abs_diff, c.max_abs_diff);
    if (!c.equal) return invalid_argument("output '{}': {}", name, c.message);
  }
  return {};
}

}  // namespace

std::vector<TestResult> run_meta_test(const std::string& folder, const TestOptions& options) {
  const fs::path meta_path = fs::path(folder) / "meta.json";
  const auto failed = [&](const Status& s) { return std::vector<TestResult>{{folder, false, s.message()}}; };
  const Expected<std::string> text = read_file(meta_path.string());
  if (!text.ok()) return failed(text.status());
  const Expected<Json> meta = Json::parse(*text);
  if (!meta.ok()) return failed(meta.status());
  const Json::Array& cases = (*meta)["cases"].items();
  if (cases.empty()) return failed(invalid_argument("meta.json names no cases"));
  const Expected<std::unique_ptr<Session>> session =
      Session::load((fs::path(folder) / "model.onnx").string(), options.session);
  std::vector<TestResult> results;
  for (const Json& one : cases) {
    const fs::path dir = (fs::path(folder) / one["dir"].as_string()).lexically_normal();
    TestResult r{dir.string()};
    const Status s = session.ok() ? run_case(**session, dir, one, options, r) : session.status();
    r.passed = s.ok();
    r.message = s.message();
    results.push_back(std::move(r));
  }
  return results;
}

}  // namespace anyrt
