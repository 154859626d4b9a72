#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace anyrt {

// Appends one Unicode character; false for surrogates and numbers beyond U+10FFFF.
bool append_utf8(std::string& out, uint32_t code_point);

// nullopt unless `text` is well-formed UTF-8 (no overlong forms, no surrogates).
std::optional<std::u32string> decode_utf8(std::string_view text);

}  // namespace anyrt
