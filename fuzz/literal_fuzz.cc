#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tensor/literal.h"
#include "tensor/tensor.h"

// A tensor that can be read prints as text that reads back and prints the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anyrt::set_buffer_limit(size_t{1} << 16);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tensor = anyrt::parse_tensor(text);
  if (!tensor.ok()) return 0;
  const std::string printed = anyrt::print_tensor(*tensor);
  std::string_view rest = printed;
  const auto again = anyrt::parse_tensor(rest);
  if (!again.ok() || !rest.empty() || anyrt::print_tensor(*again) != printed) std::abort();
  return 0;
}
