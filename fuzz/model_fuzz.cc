#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/log.h"
#include "engine/session.h"

namespace {

using namespace anyrt;

// Zeros of the declared shape; symbolic and unknown dims are 2. An undefined value where the input is no small tensor.
Value small_input(const ValueSpec& spec) {
  const Type& type = spec.type;
  if (spec.has_default || !type.is_tensor() || type.dtype == DType::kUndefined) return {};
  Dims dims;
  for (const Dim& d : type.shape.value_or(SymShape{})) dims.push_back(d.is_const() ? d.value() : 2);
  Expected<Tensor> t = Tensor::zeros(type.dtype, dims);
  return t.ok() ? Value(std::move(*t)) : Value();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  set_log_level(LogLevel::kOff);
  set_buffer_limit(size_t{1} << 26);
  return 0;
}

// Loading, inferring, optimising, planning and running whatever bytes make up a model ends in outputs or in one error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto session = Session::load_bytes(std::as_bytes(std::span(data, size)));
  if (!session.ok()) return 0;
  std::vector<Value> inputs;
  for (const ValueSpec& spec : (*session)->inputs()) inputs.push_back(small_input(spec));
  RunOptions options;
  options.memory_cap = size_t{1} << 26;
  options.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  (void)(*session)->run(inputs, options).ok();
  return 0;
}
