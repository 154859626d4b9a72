#pragma once

#include <algorithm>

#include "tensor/tensor.h"

namespace anyrt {

namespace detail {
// Small tensors made from values in hand: running out of memory here ends the process, as for any small C++ object.
Tensor make_or_die(DType dtype, Dims dims);
}  // namespace detail

template <class T>
Tensor Tensor::scalar(T value) {
  Tensor t = detail::make_or_die(dtype_of<T>, {});
  *t.mutable_data<T>() = value;
  return t;
}

template <class T>
Tensor Tensor::vector(std::span<const T> values) {
  Tensor t = detail::make_or_die(dtype_of_or_string<T>(), {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), t.mutable_data<T>());
  return t;
}

}  // namespace anyrt
