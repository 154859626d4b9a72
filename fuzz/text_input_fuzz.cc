#include <cstdint>
#include <cstdlib>

#include "codec/csv.h"
#include "codec/jsontensor.h"

using namespace anyrt;

// CSV and JSON take the same seeds: each must also refuse the other's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)decode_csv(text).ok();
  (void)decode_csv(text, {.dtype = DType::kFloat64}).ok();
  auto json = Json::parse(text, 1 << 20);
  if (!json.ok()) return 0;
  auto named = split_named_json(*std::move(json));
  if (!named.ok()) return 0;
  for (const NamedJson& n : *named) {
    for (DType dtype : {DType::kUndefined, DType::kInt8, DType::kUInt64, DType::kFloat16}) {
      const auto tensor = tensor_from_json(n.value, dtype);
      if (tensor.ok() && !tensor_to_typed_json(*tensor).ok()) std::abort();
    }
  }
  return 0;
}
