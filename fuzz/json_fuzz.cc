#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"

// A value that can be read is the same after writing and reading.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value = anyrt::Json::parse({reinterpret_cast<const char*>(data), size});
  if (!value.ok()) return 0;
  const auto again = anyrt::Json::parse(value->dump(size % 2 == 0 ? -1 : 2));
  if (!again.ok() || !(*again == *value)) std::abort();
  return 0;
}
