#include <algorithm>

#include "base/threads.h"
#include "devices/cpu/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/rotary.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Pairs of x turned by angles of the given cosines and sines, the rest copied; y may be x.
void rotate(const float* x, const float* cosines, const float* sines, int64_t half, int64_t size, bool interleaved,
            float* y) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const auto c = hn::LoadU(d, cosines + i), s = hn::LoadU(d, sines + i);
    hn::Vec<decltype(d)> re, im;
    if (interleaved) {
      hn::LoadInterleaved2(d, x + 2 * i, re, im);
    } else {
      re = hn::LoadU(d, x + i);
      im = hn::LoadU(d, x + half + i);
    }
    const auto turned = hn::NegMulAdd(s, im, hn::Mul(c, re));
    im = hn::MulAdd(s, re, hn::Mul(c, im));
    if (interleaved) {
      hn::StoreInterleaved2(turned, im, d, y + 2 * i);
    } else {
      hn::StoreU(turned, d, y + i);
      hn::StoreU(im, d, y + half + i);
    }
  }
  const int64_t step = interleaved ? 2 : 1, apart = interleaved ? 1 : half;
  for (; i < half; ++i) {
    const float re = x[i * step], im = x[i * step + apart];
    y[i * step] = cosines[i] * re - sines[i] * im;
    y[i * step + apart] = sines[i] * re + cosines[i] * im;
  }
  if (y != x) std::copy(x + 2 * half, x + size, y + 2 * half);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(rotate);

struct Rotation {
  int64_t batch = 0, heads = 0, tokens = 0, size = 0, half = 0;
  bool heads_first = false, interleaved = false;
  int64_t positions = 0;                      // rows of the caches
  bool by_id = false, first_id_only = false;  // rows are named by ids, or follow the one id
  size_t ids = 0, cosines = 0, sines = 0;     // inputs
};

Expected<std::unique_ptr<BoundStep>> bind(Rotation r) {
  return bound_step([r, f = HWY_DYNAMIC_DISPATCH(rotate)](const StepArgs& args) -> Status {
    const int64_t* ids = r.by_id ? args.input<int64_t>(r.ids) : nullptr;
    for (int64_t i = 0; ids && i < (r.first_id_only ? 1 : r.batch * r.tokens); ++i) {
      if (ids[i] < 0 || ids[i] >= r.positions || (r.first_id_only && r.tokens > r.positions - ids[i]))
        return invalid_argument("position {} is outside of the {} in the cache", ids[i], r.positions);
    }
    parallel_for(
        r.batch * r.tokens * r.heads, 1 + 16384 / std::max<int64_t>(1, r.size),
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t b = i / (r.tokens * r.heads), t = r.heads_first ? i % r.tokens : i / r.heads % r.tokens;
            const int64_t at = b * r.tokens + t, row = !ids ? at : r.first_id_only ? ids[0] + t : ids[at];
            f(args.input<float>(0) + i * r.size, args.input<float>(r.cosines) + row * r.half,
              args.input<float>(r.sines) + row * r.half, r.half, r.size, r.interleaved,
              args.output<float>(0) + i * r.size);
          }
        },
        args.threads);
    return {};
  });
}

Status set_heads(const Dims& x, int64_t heads, Rotation& r) {
  if (x.size() != 4 && (x.size() != 3 || heads < 1 || x[2] % heads != 0)) return invalid_argument("no heads in X");
  r.heads_first = x.size() == 4;
  r.batch = x[0];
  r.heads = r.heads_first ? x[1] : heads;
  r.tokens = r.heads_first ? x[2] : x[1];
  r.size = r.heads_first ? x[3] : x[2] / heads;
  return {};
}

Expected<std::unique_ptr<BoundStep>> bind_onnx(const BindQuery& q, const std::shared_ptr<const void>&) {
  Rotation r;
  ANYRT_TRY(set_heads(q.input(0).dims, q.i("num_heads"), r));
  const int64_t given = q.i("rotary_embedding_dim"), turned = given == 0 ? r.size : given;
  if (turned < 0 || turned > r.size || turned % 2 != 0) return invalid_argument("{} elements do not turn", turned);
  r.half = turned / 2;
  r.interleaved = q.i("interleaved") != 0;
  r.cosines = 1;
  r.sines = 2;
  r.ids = 3;
  r.by_id = q.has_input(3);
  const Dims& caches = q.input(1).dims;
  if (r.by_id && q.input(3).dims != Dims{r.batch, r.tokens}) return invalid_argument("position_ids");
  if (caches != q.input(2).dims ||
      (r.by_id ? caches.size() != 2 || caches[1] != r.half : caches != Dims{r.batch, r.tokens, r.half}))
    return invalid_argument("caches of shape {}", shape_string(caches));
  r.positions = caches[0];
  return bind(r);
}

Expected<std::unique_ptr<BoundStep>> bind_microsoft(const BindQuery& q, const std::shared_ptr<const void>&) {
  Rotation r;
  const Dims &x = q.input(0).dims, &caches = q.input(2).dims, &ids = q.input(1).dims;
  if (caches.size() != 2 || caches != q.input(3).dims || caches[1] < 1) return invalid_argument("caches");
  r.half = caches[1];
  const int64_t rotary = q.i("rotary_embedding_dim");
  int64_t heads = q.i("num_heads");
  if (x.size() == 3 && heads < 1) heads = rotary > 0 ? 0 : x[2] / (2 * r.half);
  ANYRT_TRY(set_heads(x, heads, r));
  if (r.half > r.size / 2 || (rotary > 0 && rotary != 2 * r.half)) return invalid_argument("rotary_embedding_dim");
  r.interleaved = q.i("interleaved") != 0;
  r.ids = 1;
  r.cosines = 2;
  r.sines = 3;
  r.by_id = true;
  r.first_id_only = ids != Dims{r.batch, r.tokens};
  if (r.first_id_only && q.input(1).count() != 1) return invalid_argument("position_ids");
  r.positions = caches[0];
  return bind(r);
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_rotary", .op = "RotaryEmbedding", .in_place = 1, .bind = bind_onnx},
    {.kernel = "f32_rotary", .op = "RotaryEmbedding", .domain = "com.microsoft", .in_place = 1, .bind = bind_microsoft},
};

}  // namespace

extern const KernelTable kernels_rotary = {kRows};

}  // namespace anyrt::cpu
#endif
