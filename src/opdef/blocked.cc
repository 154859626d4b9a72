#include "opdef/blocked.h"

#include <algorithm>

#include "tensor/dispatch.h"

namespace anyrt {

Dims blocked_dims(const Dims& plain, int64_t block) {
  Dims out = plain;
  out[1] = block_count(plain[1], block);
  out.push_back(block);
  return out;
}

Dims plain_dims(const Dims& blocked, int64_t channels) {
  Dims out(blocked.begin(), blocked.end() - 1);
  out[1] = channels;
  return out;
}

SymShape blocked_shape(const SymShape& plain, int64_t block) {
  SymShape out = plain;
  out[1] = plain[1].is_const() ? Dim(block_count(plain[1].value(), block)) : Dim();
  out.push_back(Dim(block));
  return out;
}

SymShape plain_shape(const SymShape& blocked, int64_t channels) {
  SymShape out(blocked.begin(), blocked.end() - 1);
  out[1] = Dim(channels);
  return out;
}

bool fits_blocked(const Dims& blocked, int64_t channels) {
  return blocked.size() >= 3 && channels >= 0 && blocked.back() > 0 &&
         blocked[1] == block_count(channels, blocked.back());
}

Expected<Tensor> block_channels(const Tensor& x, int64_t block) {
  const Dims dims = blocked_dims(x.dims(), block);
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(x.dtype(), dims));
  const int64_t batch = dims[0], channels = x.dim(1), plane = product(x.dims(), 2, x.rank());
  dispatch<float, double>(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        T* to = out + (n * dims[1] + c / block) * plane * block + c % block;
        for (int64_t p = 0; p < plane; ++p) to[p * block] = *in++;
      }
    }
  });
  return y;
}

Expected<Tensor> unblock_channels(const Tensor& x, int64_t channels) {
  if (!fits_blocked(x.dims(), channels)) {
    return invalid_argument("{} channels do not fit blocked dims {}", channels, shape_string(x.dims()));
  }
  const Dims dims = plain_dims(x.dims(), channels);
  ANYRT_ASSIGN(Tensor y, Tensor::make(x.dtype(), dims));
  const int64_t block = x.dims().back(), blocks = x.dim(1), plane = product(dims, 2, y.rank());
  dispatch<float, double>(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    for (int64_t n = 0; n < dims[0]; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        const T* from = in + (n * blocks + c / block) * plane * block + c % block;
        for (int64_t p = 0; p < plane; ++p) *out++ = from[p * block];
      }
    }
  });
  return y;
}

namespace {

// x as [dim 0 of x, `middle`…, dims [from, to) of x].
ValueId reshaped(RewriteContext& c, ValueId x, const std::vector<int64_t>& middle, int64_t from, int64_t to) {
  const ValueId batch = c.op("Shape", {x}, {{"start", int64_t{0}}, {"end", int64_t{1}}});
  const ValueId spatial = c.op("Shape", {x}, {{"start", from}, {"end", to}});
  const ValueId shape = c.op("Concat", {batch, c.constant_ints(middle), spatial}, {{"axis", int64_t{0}}});
  return c.op("Reshape", {x, shape}, {{"allowzero", int64_t{1}}});
}

}  // namespace

ValueId emit_block(RewriteContext& c, ValueId x, int64_t rank, int64_t channels, int64_t block, DType dtype) {
  const int64_t blocks = block_count(channels, block);
  if (blocks * block != channels) {
    const ValueId pads = c.constant_ints({0, blocks * block - channels});
    x = c.op("Pad", {x, pads, c.constant_scalar(0, dtype), c.constant_ints({1})});
  }
  const ValueId split = reshaped(c, x, {blocks, block}, 2, rank);
  std::vector<int64_t> perm = {0, 1};
  for (int64_t k = 3; k <= rank; ++k) perm.push_back(k);
  perm.push_back(2);
  return c.op("Transpose", {split}, {{"perm", std::move(perm)}});
}

ValueId emit_unblock(RewriteContext& c, ValueId x, int64_t rank, int64_t channels, int64_t block) {
  const int64_t blocks = block_count(channels, block);
  std::vector<int64_t> perm = {0, 1, rank};
  for (int64_t k = 2; k < rank; ++k) perm.push_back(k);
  const ValueId turned = c.op("Transpose", {x}, {{"perm", std::move(perm)}});
  const ValueId joined = reshaped(c, turned, {blocks * block}, 3, rank + 1);
  if (blocks * block == channels) return joined;
  return c.op("Slice", {joined, c.constant_ints({0}), c.constant_ints({channels}), c.constant_ints({1})});
}

}  // namespace anyrt
