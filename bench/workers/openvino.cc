// Runs a model with OpenVINO through the C interface of the library in its Python package, which has no headers for it.
#include <dlfcn.h>

#include "worker.h"

namespace {

using worker::Array;
using worker::fail;

struct Shape {
  int64_t rank;
  int64_t* dims;
};

struct Version {
  const char* build;
  const char* description;
};

class OpenVino final : public worker::Engine {
 public:
  explicit OpenVino(const worker::Options& o) {
    library_ = dlopen(o.library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library_) fail(dlerror());
    Version v{};
    call<Version*>("ov_get_openvino_version", &v);
    version_ = v.build ? v.build : "";
    void *core = nullptr, *model = nullptr, *compiled = nullptr;
    call<void**>("ov_core_create", &core);
    call<void*, const char*, const char*, void**>("ov_core_read_model", core, o.model.c_str(), nullptr, &model);
    const std::string threads = std::to_string(o.threads);
    // Pairs of words follow the output argument.
    const auto compile = symbol<int (*)(void*, void*, const char*, size_t, void**, ...)>("ov_core_compile_model");
    check("ov_core_compile_model", compile(core, model, "CPU", 6, &compiled, "INFERENCE_PRECISION_HINT", "f32",
                                           "INFERENCE_NUM_THREADS", threads.c_str(), "PERFORMANCE_HINT", "LATENCY"));
    call<void*, void**>("ov_compiled_model_create_infer_request", compiled, &request_);
    for (const Array& a : o.inputs) {
      void *port = nullptr, *tensor = nullptr, *data = nullptr;
      // Inputs that the graph does not use are gone after reading.
      const auto find = symbol<int (*)(void*, const char*, void**)>("ov_compiled_model_input_by_name");
      if (find(compiled, a.name.c_str(), &port) != 0) continue;
      int type = 0;
      size_t bytes = 0;
      call<void*, int*>("ov_port_get_element_type", port, &type);
      std::vector<int64_t> dims = a.dims;
      call<int, Shape, void**>("ov_tensor_create", type, Shape{static_cast<int64_t>(dims.size()), dims.data()},
                               &tensor);
      call<void*, size_t*>("ov_tensor_get_byte_size", tensor, &bytes);
      if (bytes != a.bytes.size()) fail("input " + a.name + " takes " + std::to_string(bytes) + " bytes");
      call<void*, void**>("ov_tensor_data", tensor, &data);
      std::memcpy(data, a.bytes.data(), bytes);
      call<void*, const char*, void*>("ov_infer_request_set_tensor", request_, a.name.c_str(), tensor);
    }
    call<void*, size_t*>("ov_compiled_model_outputs_size", compiled, &num_outputs_);
    infer_ = symbol<int (*)(void*)>("ov_infer_request_infer");
    compiled_ = compiled;
  }

  std::string name() const override { return "openvino"; }
  std::string version() const override { return version_; }
  void run() override { check("ov_infer_request_infer", infer_(request_)); }

  std::vector<Array> outputs() override {
    std::vector<Array> out;
    for (size_t i = 0; i < num_outputs_; ++i) {
      void *tensor = nullptr, *data = nullptr, *port = nullptr;
      char* name = nullptr;
      size_t bytes = 0;
      Shape shape{};
      call<void*, size_t, void**>("ov_compiled_model_output_by_index", compiled_, i, &port);
      call<void*, size_t, void**>("ov_infer_request_get_output_tensor_by_index", request_, i, &tensor);
      call<void*, Shape*>("ov_tensor_get_shape", tensor, &shape);
      call<void*, size_t*>("ov_tensor_get_byte_size", tensor, &bytes);
      call<void*, void**>("ov_tensor_data", tensor, &data);
      Array a;
      // Some outputs have no name; the driver then goes by position.
      if (symbol<int (*)(void*, char**)>("ov_port_get_any_name")(port, &name) == 0 && name) a.name = name;
      a.type = "?";  // known from the reference
      a.dims.assign(shape.dims, shape.dims + shape.rank);
      a.bytes.assign(static_cast<char*>(data), static_cast<char*>(data) + bytes);
      out.push_back(std::move(a));
    }
    return out;
  }

 private:
  template <class F>
  F symbol(const char* name) const {
    void* p = dlsym(library_, name);
    if (!p) fail(std::string("the library has no ") + name);
    return reinterpret_cast<F>(p);
  }
  template <class... Args>
  void call(const char* name, Args... args) const {
    check(name, symbol<int (*)(Args...)>(name)(args...));
  }
  void check(const char* name, int status) const {
    if (status == 0) return;
    const char* text = symbol<const char* (*)()>("ov_get_last_err_msg")();
    fail(std::string(name) + ": " + (text ? text : std::to_string(status)));
  }

  void* library_ = nullptr;
  void* request_ = nullptr;
  void* compiled_ = nullptr;
  int (*infer_)(void*) = nullptr;
  size_t num_outputs_ = 0;
  std::string version_;
};

}  // namespace

int main(int argc, char** argv) {
  return worker::serve(argc, argv, [](const worker::Options& o) { return std::make_unique<OpenVino>(o); });
}
