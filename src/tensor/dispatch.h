#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "tensor/dtype.h"

namespace anyrt {

template <class T>
struct TypeTag {
  using type = T;
};

// Calls f(TypeTag<T>{}) with the C++ type of `dtype` out of the listed ones; returns false when it is none of them.
//   dispatch<float, double>(x.dtype(), [&]<class T>(TypeTag<T>) { … });
template <class... Ts, class F>
bool dispatch(DType dtype, F&& f) {
  auto one = [&](auto tag) {
    using T = typename decltype(tag)::type;
    DType d;
    if constexpr (std::is_same_v<T, std::string>) {
      d = DType::kString;
    } else {
      d = dtype_of<T>;
    }
    if (d != dtype) return false;
    f(tag);
    return true;
  };
  return (one(TypeTag<Ts>{}) || ...);
}

// Calls f with an unsigned integer type of the element's width (1, 2, 4, 8 bytes; 16 as Complex128), or std::string:
// for operators that only move elements.
template <class F>
void dispatch_storage(DType dtype, F&& f) {
  if (dtype == DType::kString) {
    f(TypeTag<std::string>{});
    return;
  }
  switch (element_size(dtype)) {
    case 1: f(TypeTag<uint8_t>{}); break;
    case 2: f(TypeTag<uint16_t>{}); break;
    case 4: f(TypeTag<uint32_t>{}); break;
    case 8: f(TypeTag<uint64_t>{}); break;
    default: f(TypeTag<Complex128>{}); break;
  }
}

// The storage view of a tensor's elements, to use with dispatch_storage's T (no check of the dtype).
template <class T, class TensorT>
const T* storage(const TensorT& t) {
  return reinterpret_cast<const T*>(t.raw());
}
template <class T, class TensorT>
T* mutable_storage(TensorT& t) {
  return reinterpret_cast<T*>(t.mutable_raw());
}

}  // namespace anyrt
