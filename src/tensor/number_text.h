#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/dtype.h"

namespace anyrt {

// Numbers in text, as string tensors and literals have them. Blanks around a number are skipped; a sign, "inf",
// "infinity" and "nan" in any case are understood; what overflows is infinite. Anything else gives nullopt.
std::optional<float> parse_float_text(std::string_view text);
std::optional<double> parse_double_text(std::string_view text);
// An integer, wrapped to 64 bits only between int64 and uint64; a number with a fraction or an exponent is truncated;
// "true" and "false" are 1 and 0. nullopt beyond 64 bits.
std::optional<int64_t> parse_integer_text(std::string_view text);

// "re+imi", "re-imi", "re" or "imi" (or j, or in parentheses, as numpy writes it) into an element of a complex dtype.
bool parse_complex_text(std::string_view text, DType dtype, std::byte* out);
// "1+2i".
std::string complex_text(DType dtype, const std::byte* element);

// The shortest decimal text that reads back as the same value of the given floating dtype: "0.1", "1e-05", "1", "nan",
// "-inf".
std::string number_text(DType dtype, const void* element);

}  // namespace anyrt
