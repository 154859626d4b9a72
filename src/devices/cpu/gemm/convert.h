#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace anyrt::cpu {

// n numbers of f16 or bf16 as f32, and back, rounded to nearest even; on at most `threads` threads.
void widen(DType from, const void* x, float* y, int64_t n, int threads);
void narrow_to(DType to, const float* x, void* y, int64_t n, int threads);

}  // namespace anyrt::cpu
