#include "opdef/quantize.h"

#include "tensor/dispatch.h"

namespace anyrt {

Expected<QuantGrid> quant_grid(const Dims& x, const Dims& scale, int64_t axis, int64_t block_size) {
  QuantGrid g;
  const int64_t rank = static_cast<int64_t>(x.size());
  if (scale.empty() || (product(scale) == 1 && block_size == 0)) {
    g.inner = product(x);
    return g;
  }
  ANYRT_ASSIGN(const int64_t at, normalize_axis(axis, rank));
  g.outer = product(x, 0, at);
  g.axis = x[static_cast<size_t>(at)];
  g.inner = product(x, at + 1, rank);
  if (block_size == 0) {
    if (scale.size() != 1 || scale[0] != g.axis) {
      return invalid_argument("the scale has shape {}, expected a scalar or [{}] for axis {} of {}",
                              shape_string(scale), g.axis, at, shape_string(x));
    }
    g.axis_step = 1;
    return g;
  }
  if (block_size < 0) return invalid_argument("block_size is {}, expected 0 or more", block_size);
  const int64_t blocks = g.axis / block_size + (g.axis % block_size != 0);
  Dims expected = x;
  expected[static_cast<size_t>(at)] = blocks;
  if (scale != expected) {
    return invalid_argument("the scale has shape {}, expected {} for blocks of {} on axis {} of {}",
                            shape_string(scale), shape_string(expected), block_size, at, shape_string(x));
  }
  g.block = block_size;
  g.outer_step = blocks * g.inner;
  g.axis_step = g.inner;
  g.inner_step = 1;
  return g;
}

IntRange int_range(DType dtype) {
  const int bits = bits_in_file(dtype);
  if (is_unsigned_int(dtype)) return {0, (int64_t{1} << bits) - 1};
  return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
}

Expected<Tensor> subtract_zero_point(const Tensor& x, const Tensor& zero_point, int axis) {
  ANYRT_ASSIGN(Tensor wide, cast_tensor(x, DType::kInt32));
  if (!zero_point.defined()) return wide;
  ANYRT_ASSIGN(Tensor zp, cast_tensor(zero_point, DType::kInt32));
  if (zp.size() == 1) {
    ANYRT_ASSIGN(zp, zp.reshaped({}));
  } else if (axis >= 0 && zp.rank() == 1 && x.rank() > axis) {
    Dims dims(x.dims().size(), 1);
    dims[static_cast<size_t>(axis)] = zp.size();
    ANYRT_ASSIGN(zp, zp.reshaped(std::move(dims)));
  }
  const Expected<Dims> joined = broadcast_dims(wide.dims(), zp.dims());
  if (!joined.ok() || *joined != wide.dims() || (axis < 0 && zp.size() != 1)) {
    return invalid_argument("a zero point of shape {} does not fit {}", shape_string(zero_point.dims()),
                            shape_string(x.dims()));
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kInt32, wide.dims()));
  const int32_t *a = wide.data<int32_t>(), *b = zp.data<int32_t>();
  int32_t* out = y.mutable_data<int32_t>();
  for_each_broadcast_run(wide.dims(), wide.dims(), zp.dims(),
                         [&](int64_t o, int64_t ia, int64_t ib, int64_t n, int64_t step_a, int64_t step_b) {
                           for (int64_t i = 0; i < n; ++i) out[o + i] = a[ia + i * step_a] - b[ib + i * step_b];
                         });
  return y;
}

}  // namespace anyrt
