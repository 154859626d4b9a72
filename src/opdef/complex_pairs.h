#pragma once

#include "tensor/tensor.h"

namespace anyrt {

// The same bytes as real numbers with a last axis of 2, and back.
inline Expected<Tensor> complex_as_pairs(const Tensor& x) {
  Dims dims = x.dims();
  dims.push_back(2);
  const DType part = x.dtype() == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64;
  return Tensor::view(part, std::move(dims), x.buffer(), x.buffer_offset());
}
inline Expected<Tensor> pairs_as_complex(const Tensor& x) {
  Dims dims = x.dims();
  dims.pop_back();
  const DType whole = x.dtype() == DType::kFloat32 ? DType::kComplex64 : DType::kComplex128;
  return Tensor::view(whole, std::move(dims), x.buffer(), x.buffer_offset());
}

}  // namespace anyrt
