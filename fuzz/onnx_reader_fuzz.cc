#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "base/log.h"
#include "format/onnx/reader.h"
#include "format/onnx/writer.h"

namespace {

using namespace anyrt;

void require(const Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.to_string().c_str());
  std::abort();
}

// Whatever can be read is sound, can be written, and what is written can be read.
void check_model(std::span<const std::byte> bytes) {
  static const std::string blob(4096, '\x01');
  ReadOptions options;
  options.max_dense_bytes = 1 << 20;
  options.max_inlined_nodes = 1 << 12;
  options.external["w.bin"] = {std::as_bytes(std::span(blob)), nullptr};
  auto model = read_onnx_bytes(bytes, nullptr, options);
  if (!model.ok()) return;
  require(verify_structure(model->graph), "structure");
  auto written = write_onnx_bytes(*model);
  if (!written.ok()) return;
  auto again = read_onnx_bytes(std::as_bytes(std::span(*written)));
  require(again.status(), "read back");
  require(verify_structure(again->graph), "structure of what was read back");
}

void check_value(std::span<const std::byte> bytes, const Type& type) {
  auto value = read_value_pb(bytes, type);
  if (!value.ok()) return;
  auto written = write_value_pb(*value, type);
  require(written.status(), "write value");
  require(read_value_pb(std::as_bytes(std::span(*written)), type).status(), "read value back");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  set_log_level(LogLevel::kOff);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  check_model(bytes);
  const Type tensor = Type::tensor(DType::kUndefined);
  check_value(bytes, tensor);
  check_value(bytes, Type::sparse(DType::kUndefined));
  check_value(bytes, Type::sequence({}));
  check_value(bytes, Type::optional_of({}));
  check_value(bytes, Type::map(DType::kUndefined, {}));
  return 0;
}
