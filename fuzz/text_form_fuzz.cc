#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/log.h"
#include "graph/graph.h"
#include "graph/text.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  anyrt::set_log_level(anyrt::LogLevel::kOff);
  anyrt::set_buffer_limit(size_t{1} << 26);
  return 0;
}

// What parses is a sound graph, and what is printed of it parses to the same text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = anyrt::parse_model(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!model.ok()) return 0;
  if (!anyrt::verify_structure(model->graph).ok()) std::abort();
  anyrt::PrintOptions options;
  options.max_elements = -1;
  const std::string text = anyrt::print_model(*model, options);
  const auto again = anyrt::parse_model(text);
  if (!again.ok()) {
    std::fprintf(stderr, "%s\n%s\n", again.status().message().c_str(), text.c_str());
    std::abort();
  }
  if (anyrt::print_model(*again, options) != text) std::abort();
  return 0;
}
