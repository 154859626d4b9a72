#pragma once

#include <cstdint>
#include <type_traits>

#include "opdef/eval.h"

// Division of integers without traps: divisors are checked for zero beforehand, and the lowest value by -1 wraps.

namespace anyrt {

// An error when input 1 holds a zero by which an integer of input 0 would be divided.
inline Status check_divisors(const EvalContext& c) {
  if (!is_int(c.input(0).dtype()) || c.input(0).size() == 0) return {};
  ANYRT_ASSIGN(const Tensor b, c.input_as(1, DType::kUInt64));
  for (uint64_t v : b.span<uint64_t>()) {
    if (v == 0) return invalid_argument("division of integers by zero");
  }
  return {};
}

template <class T>
T divide_truncating(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(a));
  }
  return a / b;
}

// Remainder with the sign of a, as C.
template <class T>
T remainder_truncating(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return 0;
  }
  return a % b;
}

// Remainder with the sign of b, as Python.
template <class T>
T remainder_flooring(T a, T b) {
  const T r = remainder_truncating(a, b);
  if constexpr (std::is_signed_v<T>) {
    if (r != 0 && (r < 0) != (b < 0)) return r + b;
  }
  return r;
}

}  // namespace anyrt
