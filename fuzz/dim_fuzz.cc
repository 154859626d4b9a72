#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tensor/dim.h"

// A dimension that can be read prints as text that reads back as the same one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto dim = anyrt::Dim::parse({reinterpret_cast<const char*>(data), size});
  if (!dim.ok() || dim->is_unknown()) return 0;
  const std::string text = dim->to_string();
  // The smallest integer has no positive counterpart, which a minus sign in text would need.
  if (text.find("9223372036854775808") != std::string::npos) return 0;
  const auto again = anyrt::Dim::parse(text);
  if (!again.ok() || !(*again == *dim) || again->hash() != dim->hash()) std::abort();
  (void)dim->evaluate({{"N", 7}, {"H", 0}});
  return 0;
}
