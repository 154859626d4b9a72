#include <cstdint>
#include <cstdlib>

#include "codec/npy.h"

using namespace anyrt;

// Whatever is read must survive writing and reading again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  const NpyOptions options{.one_byte = DType::kInt4};
  const auto tensor = decode_npy(file, options);
  if (!tensor.ok()) return 0;
  const auto again = encode_npy(*tensor);
  if (!again.ok()) std::abort();
  const auto back = decode_npy(as_bytes(*again), options);
  if (!back.ok() || !identical(*tensor, *back)) std::abort();
  return 0;
}
