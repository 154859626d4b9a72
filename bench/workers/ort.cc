// Runs a model with ONNX Runtime through the C interface of the library in its Python package. That package has no
// headers: the functions are taken by their positions in the table, which never change.
#include <dlfcn.h>

#include <algorithm>

#include "worker.h"

namespace {

using worker::Array;
using worker::fail;

// Positions in OrtApi.
enum Slot : int {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kSessionGetOutputCount = 31,
  kSessionGetOutputName = 37,
  kCreateTensorWithData = 49,
  kGetTensorMutableData = 51,
  kGetTensorElementType = 60,
  kGetDimensionsCount = 61,
  kGetDimensions = 62,
  kGetTensorTypeAndShape = 65,
  kGetValueType = 67,
  kCreateCpuMemoryInfo = 69,
  kGetAllocatorWithDefaultOptions = 78,
  kReleaseValue = 96,
  kReleaseTensorTypeAndShapeInfo = 99,
};

struct ApiBase {
  void* const* (*get_api)(uint32_t version);
  const char* (*get_version)();
};

constexpr int kTensor = 1;  // ONNXType
constexpr int kErrorLog = 3;

// Element types of ONNX by number, as numpy writes them.
const char* const kTypes[] = {"",    "<f4", "|u1", "|i1", "<u2", "<i2", "<i4", "<i8",
                              "|O8", "|b1", "<f2", "<f8", "<u4", "<u8", "<c8", "<c16"};

size_t size_of(const char* type) { return static_cast<size_t>(std::atoi(type + 2)); }

template <class R, class... Args>
using Function = R (*)(Args...);

class Ort final : public worker::Engine {
 public:
  explicit Ort(const worker::Options& o) : inputs_(o.inputs) {
    void* library = dlopen(o.library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) fail(dlerror());
    const auto get_base = reinterpret_cast<const ApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
    if (!get_base) fail(o.library + " has no OrtGetApiBase");
    version_ = get_base()->get_version();
    api_ = get_base()->get_api(11);
    if (!api_) fail("ONNX Runtime does not offer version 11 of its interface");
    call<int, const char*, void**>(kCreateEnv, kErrorLog, "bench", &env_);
    void* options = nullptr;
    call<void**>(kCreateSessionOptions, &options);
    call<void*, int>(kSetIntraOpNumThreads, options, o.threads);
    call<void*, int>(kSetInterOpNumThreads, options, 1);
    call<void*, int>(kSetGraphOptimizationLevel, options, o.optimize ? 99 : 0);
    call<void*, const char*, void*, void**>(kCreateSession, env_, o.model.c_str(), options, &session_);
    void* allocator = nullptr;
    call<void**>(kGetAllocatorWithDefaultOptions, &allocator);
    size_t outputs = 0;
    call<void*, size_t*>(kSessionGetOutputCount, session_, &outputs);
    for (size_t i = 0; i < outputs; ++i) {
      char* name = nullptr;
      call<void*, size_t, void*, char**>(kSessionGetOutputName, session_, i, allocator, &name);
      output_names_.push_back(name);
    }
    void* memory = nullptr;
    call<int, int, void**>(kCreateCpuMemoryInfo, 0, 0, &memory);
    for (Array& a : inputs_) {
      const auto* type = std::find(std::begin(kTypes), std::end(kTypes), a.type);
      if (type == std::end(kTypes)) fail("input " + a.name + " has type " + a.type);
      void* value = nullptr;
      call<void*, void*, size_t, const int64_t*, size_t, int, void**>(kCreateTensorWithData, memory, a.bytes.data(),
                                                                      a.bytes.size(), a.dims.data(), a.dims.size(),
                                                                      static_cast<int>(type - kTypes), &value);
      values_.push_back(value);
      input_names_.push_back(a.name.c_str());
    }
    results_.resize(outputs, nullptr);
  }

  std::string name() const override { return "onnxruntime"; }
  std::string version() const override { return version_; }

  void run() override {
    for (void*& r : results_) {
      if (r) function<void, void*>(kReleaseValue)(r);
      r = nullptr;
    }
    call<void*, const void*, const char* const*, void* const*, size_t, const char* const*, size_t, void**>(
        kRun, session_, nullptr, input_names_.data(), values_.data(), values_.size(), output_names_.data(),
        results_.size(), results_.data());
  }

  std::vector<Array> outputs() override {
    std::vector<Array> out;
    for (size_t i = 0; i < results_.size(); ++i) {
      int kind = 0;
      if (!results_[i]) continue;
      call<void*, int*>(kGetValueType, results_[i], &kind);
      if (kind != kTensor) continue;
      Array a;
      a.name = output_names_[i];
      void* info = nullptr;
      call<void*, void**>(kGetTensorTypeAndShape, results_[i], &info);
      int type = 0;
      size_t rank = 0, count = 1;
      call<void*, int*>(kGetTensorElementType, info, &type);
      call<void*, size_t*>(kGetDimensionsCount, info, &rank);
      a.dims.resize(rank);
      call<void*, int64_t*, size_t>(kGetDimensions, info, a.dims.data(), rank);
      function<void, void*>(kReleaseTensorTypeAndShapeInfo)(info);
      if (type <= 0 || type >= static_cast<int>(std::size(kTypes)) || kTypes[type][1] == 'O') continue;
      a.type = kTypes[type];
      for (const int64_t d : a.dims) count *= static_cast<size_t>(d);
      void* data = nullptr;
      call<void*, void**>(kGetTensorMutableData, results_[i], &data);
      a.bytes.resize(count * size_of(kTypes[type]));
      if (!a.bytes.empty()) std::memcpy(a.bytes.data(), data, a.bytes.size());
      out.push_back(std::move(a));
    }
    return out;
  }

 private:
  template <class R, class... Args>
  Function<R, Args...> function(Slot slot) const {
    return reinterpret_cast<Function<R, Args...>>(api_[slot]);
  }
  template <class... Args>
  void call(Slot slot, Args... args) const {
    if (void* status = function<void*, Args...>(slot)(args...))
      fail(function<const char*, void*>(kGetErrorMessage)(status));
  }

  std::vector<Array> inputs_;
  std::string version_;
  void* const* api_ = nullptr;
  void* env_ = nullptr;
  void* session_ = nullptr;
  std::vector<const char*> input_names_, output_names_;
  std::vector<void*> values_, results_;
};

}  // namespace

int main(int argc, char** argv) {
  return worker::serve(argc, argv, [](const worker::Options& o) { return std::make_unique<Ort>(o); });
}
