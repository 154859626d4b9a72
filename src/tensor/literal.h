#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

// Text form of a tensor: dtype[dims]{elements}, elements separated by blanks: f32[2,2]{1 2.5 nan -inf}, i64[]{3},
// str[1]{"a\"b"}, bool[2]{true false}, c64[1]{1+2i}. `{rand:SEED}` draws uniform [-1,1) floats, integers in [-8,8) or
// [0,8), booleans;
// `{range}` counts 0,1,2…; `{fill:V}` repeats V. Reads from the front of `text` and drops what it has read.
Expected<Tensor> parse_tensor(std::string_view& text);
std::string print_tensor(const Tensor& tensor, int64_t max_elements = -1);  // parses back when all elements are printed

}  // namespace anyrt
