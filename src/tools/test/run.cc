#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "format/onnx/reader.h"
#include "tools/test/judge.h"
#include "tools/test/light.h"
#include "tools/test/meta.h"
#include "tools/test/test.h"

namespace anyrt {

namespace fs = std::filesystem;

namespace {

Expected<std::vector<std::byte>> read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return make_error(Code::kIoError, "{}: cannot be read", path.string());
  std::vector<std::byte> bytes(static_cast<size_t>(in.tellg()));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!in) return make_error(Code::kIoError, "{}: cannot be read", path.string());
  return bytes;
}

// Test data of ONNX before 1.13 holds the bits of bfloat16 tensors as uint16.
Expected<Value> read_test_value(std::span<const std::byte> bytes, const Type& expected) {
  if (expected.is_tensor() && expected.dtype == DType::kBFloat16) {
    ANYRT_ASSIGN(const Tensor t, read_tensor_pb(bytes));
    if (t.dtype() != DType::kUInt16) return Value(t);
    ANYRT_ASSIGN(Tensor bits, Tensor::view(DType::kBFloat16, t.dims(), t.buffer(), t.buffer_offset()));
    return Value(std::move(bits));
  }
  return read_value_pb(bytes, expected);
}

Expected<std::vector<Value>> read_values(const fs::path& folder, std::string_view prefix,
                                         const std::vector<ValueSpec>& specs) {
  std::vector<Value> values;
  for (size_t i = 0;; ++i) {
    const fs::path file = folder / fmt::format("{}_{}.pb", prefix, i);
    std::error_code ec;
    if (!fs::exists(file, ec)) break;
    if (i >= specs.size())
      return invalid_argument("{}: the model has only {} {}s", file.filename().string(), specs.size(), prefix);
    ANYRT_ASSIGN(const std::vector<std::byte> bytes, read_bytes(file));
    Expected<Value> v = read_test_value(bytes, specs[i].type);
    if (!v.ok()) return std::move(v).status().with_context(file.filename().string());
    values.push_back(std::move(*v));
  }
  return values;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TestResult run_data_set(const Session& session, const fs::path& folder, const TestOptions& options) {
  TestResult r{folder.string()};
  const auto start = std::chrono::steady_clock::now();
  const auto fail = [&](const Status& s) {
    r.message = s.message();
    r.seconds = seconds_since(start);
    return r;
  };
  Expected<std::vector<Value>> inputs = read_values(folder, "input", session.inputs());
  if (!inputs.ok()) return fail(inputs.status());
  Expected<std::vector<Value>> expected = read_values(folder, "output", session.outputs());
  if (!expected.ok()) return fail(expected.status());
  if (expected->empty()) return fail(invalid_argument("no output_*.pb to compare with"));
  const Expected<std::vector<Value>> found = session.run(*inputs);
  r.seconds = seconds_since(start);
  if (!found.ok()) return fail(found.status());
  return compare_all(session, r, *found, *expected, upstream_tolerance(folder.parent_path() / "model.onnx"), options);
}

}  // namespace

std::vector<TestResult> run_test(const std::string& folder, const TestOptions& options) {
  std::vector<fs::path> sets;
  std::error_code ec;
  if (fs::is_regular_file(folder, ec)) return run_light_test(folder, options);
  for (const auto& entry : fs::directory_iterator(folder, ec)) {
    if (entry.is_directory() && entry.path().filename().string().rfind("test_data_set_", 0) == 0)
      sets.push_back(entry.path());
  }
  std::sort(sets.begin(), sets.end());
  if (sets.empty() && fs::exists(fs::path(folder) / "meta.json", ec)) return run_meta_test(folder, options);
  if (sets.empty()) return {{folder, false, "no test_data_set_* folder and no meta.json beside model.onnx"}};
  const Expected<std::unique_ptr<Session>> session =
      Session::load((fs::path(folder) / "model.onnx").string(), options.session);
  std::vector<TestResult> results;
  for (const fs::path& set : sets) {
    if (session.ok()) {
      results.push_back(run_data_set(**session, set, options));
    } else {
      results.push_back({set.string(), false, session.status().message()});
    }
  }
  return results;
}

}  // namespace anyrt
