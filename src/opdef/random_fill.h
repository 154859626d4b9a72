#pragma once

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/random.h"
#include "opdef/shape_util.h"

// What the operators that fill a tensor with random floats share.

namespace anyrt {

// Attribute dtype, else `otherwise`; kUndefined when neither is known.
inline Expected<DType> random_dtype(const AttrReader& c, DType otherwise = DType::kUndefined) {
  const DType dtype = c.has_attr("dtype") ? c.dtype("dtype") : otherwise;
  if (kFloats.has(dtype) || (!c.has_attr("dtype") && dtype == DType::kUndefined)) return dtype;
  return invalid_model("the output must be of a float type, found {}",
                       c.has_attr("dtype") ? std::to_string(c.i("dtype")) : std::string(dtype_name(dtype)));
}

// draw(RandomStream&) gives the elements one by one as doubles.
template <class F>
Status random_fill(EvalContext& c, const Dims& dims, DType dtype, F draw) {
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat64, dims));
  RandomStream random = random_stream(c);
  for (double& v : y.mutable_span<double>()) v = draw(random);
  return c.set_output_as(0, y, dtype);
}

}  // namespace anyrt
