#include <cstdint>

#include "codec/npz.h"

using namespace anyrt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto* bytes = const_cast<std::byte*>(reinterpret_cast<const std::byte*>(data));
  const auto file = borrow_buffer(bytes, size, nullptr, false);
  const ZipLimits limits{.max_entries = 64, .max_total_size = 1 << 22};
  (void)decode_npz(file, {.one_byte = DType::kUInt4}, limits).ok();
  return 0;
}
