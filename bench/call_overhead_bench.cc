// What a call costs beside the arithmetic: a model of one Add over 16 floats, from C++ through anyrt.hpp and, in the
// same run, through ONNX Runtime's C interface where its library is found (ANYRT_ORT_LIBRARY=.../libonnxruntime.so.1.*,
// or the one of build/bench-venv). Takes turns with --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=15.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <glob.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "anyrt/anyrt.hpp"
#include "bindings/c/test_models.h"

namespace {

std::string add_model() {
  using namespace test_models;
  Message g;
  g.message(1, node("Add", {"x", "w"}, {"y"})).text(2, "one");
  g.message(5, tensor<float>("w", 1, {1, 16}, std::vector<float>(16, 1)));
  g.message(11, value_info("x", tensor_type(1, {1, 16}))).message(12, value_info("y", tensor_type(1, {1, 16})));
  return model(g, 21);
}

void anyrt_by_name(benchmark::State& state) {
  const std::string model = add_model();
  const anyrt::Session session = anyrt::Session::from_bytes(model.data(), model.size(), {{"threads", "1"}});
  std::vector<float> in(16, 1);
  const anyrt::Value x = anyrt::Value::borrow({1, 16}, in.data(), in.size());
  for (auto _ : state) benchmark::DoNotOptimize(session.run({{"x", x}}, {"y"}));
}
BENCHMARK(anyrt_by_name);

void anyrt_bound(benchmark::State& state) {
  const std::string model = add_model();
  const anyrt::Session session = anyrt::Session::from_bytes(model.data(), model.size(), {{"threads", "1"}});
  std::vector<float> in(16, 1), out(16);
  const anyrt::Value x = anyrt::Value::borrow({1, 16}, in.data(), in.size());
  anyrt::Value y = anyrt::Value::borrow({1, 16}, out.data(), out.size());
  anyrt::Binding binding(session);
  binding.set_input("x", x);
  binding.set_output("y", y);
  for (auto _ : state) binding.run();
}
BENCHMARK(anyrt_bound);

// Functions of ONNX Runtime's table, by position; positions never change.
class OnnxRuntime {
 public:
  OnnxRuntime() {
    std::string path = std::getenv("ANYRT_ORT_LIBRARY") ? std::getenv("ANYRT_ORT_LIBRARY") : "";
    glob_t found = {};
    const char* pattern = "build/bench-venv/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.1.*";
    if (path.empty() && glob(pattern, 0, nullptr, &found) == 0) path = found.gl_pathv[0];
    globfree(&found);
    void* library = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    struct Base {
      const void* (*get_api)(uint32_t);
      const char* (*version)();
    };
    const auto base = reinterpret_cast<const Base* (*)()>(dlsym(library, "OrtGetApiBase"));
    if (!base) return;
    table_ = static_cast<void* const*>(base()->get_api(17));
    version = base()->version();
  }
  bool present() const { return table_ != nullptr; }
  template <class... A>
  void call(size_t position, A... arguments) const {
    if (reinterpret_cast<void* (*)(A...)>(table_[position])(arguments...)) std::abort();
  }
  void release_value(void* value) const { reinterpret_cast<void (*)(void*)>(table_[96])(value); }
  std::string version;

 private:
  void* const* table_ = nullptr;
};

void onnxruntime_by_name(benchmark::State& state) {
  static const OnnxRuntime ort;
  if (!ort.present()) {
    state.SkipWithError("libonnxruntime.so is not found: set ANYRT_ORT_LIBRARY");
    return;
  }
  state.SetLabel(ort.version);
  const std::string model = add_model();
  void *env = nullptr, *options = nullptr, *session = nullptr, *memory = nullptr, *x = nullptr;
  ort.call(3, 3, "bench", &env);                                                              // CreateEnv, errors only
  ort.call(10, &options);                                                                     // CreateSessionOptions
  ort.call(24, options, 1);                                                                   // SetIntraOpNumThreads
  ort.call(8, env, static_cast<const void*>(model.data()), model.size(), options, &session);  // CreateSessionFromArray
  ort.call(69, 1, 0, &memory);                                                                // CreateCpuMemoryInfo
  std::vector<float> in(16, 1);
  const int64_t dims[] = {1, 16};
  ort.call(49, memory, static_cast<void*>(in.data()), size_t{64}, dims, size_t{2}, 1, &x);  // CreateTensorWithData…
  const char* const inputs[] = {"x"};
  const char* const outputs[] = {"y"};
  for (auto _ : state) {
    void* y = nullptr;
    ort.call(9, session, static_cast<void*>(nullptr), inputs, &x, size_t{1}, outputs, size_t{1}, &y);  // Run
    ort.release_value(y);
  }
}
BENCHMARK(onnxruntime_by_name);

}  // namespace
