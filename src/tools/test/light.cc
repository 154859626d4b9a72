#include "tools/test/light.h"

#include <chrono>
#include <filesystem>

#include "base/file.h"
#include "format/onnx/reader.h"
#include "tools/test/judge.h"

namespace anyrt {

namespace fs = std::filesystem;

namespace {

Expected<Value> ramp(const ValueSpec& spec) {
  Value value;  // empty: the model's own
  if (spec.has_default) return value;
  if (!spec.type.is_tensor() || !spec.type.shape) return invalid_argument("input '{}' has no known rank", spec.name);
  Dims dims;
  for (const Dim& d : *spec.type.shape) dims.push_back(d.is_const() ? d.value() : 1);
  ANYRT_ASSIGN(Tensor t, Tensor::make(DType::kFloat32, dims));
  const double n = static_cast<double>(t.size());
  for (int64_t k = 0; k < t.size(); ++k) t.mutable_data<float>()[k] = static_cast<float>(static_cast<double>(k) / n);
  return Value(std::move(t));
}

Expected<std::vector<Value>> read_outputs(const fs::path& model) {
  std::vector<Value> out;
  for (size_t i = 0;; ++i) {
    const fs::path file = model.parent_path() / fmt::format("{}_output_{}.pb", model.stem().string(), i);
    std::error_code ec;
    if (!fs::exists(file, ec)) break;
    ANYRT_ASSIGN(const std::string bytes, read_file(file.string()));
    ANYRT_ASSIGN(Tensor t, read_tensor_pb(std::as_bytes(std::span<const char>(bytes))));
    out.emplace_back(std::move(t));
  }
  if (out.empty()) return invalid_argument("no {}_output_0.pb to compare with", model.stem().string());
  return out;
}

}  // namespace

std::vector<TestResult> run_light_test(const std::string& model, const TestOptions& options) {
  TestResult r{model};
  const auto run = [&]() -> Status {
    ANYRT_ASSIGN(const std::unique_ptr<Session> session, Session::load(model, options.session));
    std::vector<Value> inputs;
    for (const ValueSpec& spec : session->inputs()) {
      ANYRT_ASSIGN(Value v, ramp(spec));
      inputs.push_back(std::move(v));
    }
    ANYRT_ASSIGN(const std::vector<Value> expected, read_outputs(model));
    const auto start = std::chrono::steady_clock::now();
    ANYRT_ASSIGN(const std::vector<Value> found, session->run(inputs));
    r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    r = compare_all(*session, r, found, expected, upstream_tolerance(model), options);
    return {};
  };
  if (const Status s = run(); !s.ok()) r.message = s.message();
  return {r};
}

}  // namespace anyrt
