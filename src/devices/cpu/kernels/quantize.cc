#include "opdef/quantize.h"

#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "devices/cpu/kernel.h"

// QuantizeLinear and DequantizeLinear between f32 and integers of 8 and 16 bits. Compiled once per instruction set.
#ifndef ANYRT_CPU_QUANTIZE_SHAPE_
#define ANYRT_CPU_QUANTIZE_SHAPE_
namespace anyrt::cpu {
namespace {

// Runs of elements that share a scale and a zero point: run r has those of index r % params.
struct QuantRuns {
  int64_t runs = 1, length = 0, params = 1;
  int64_t pieces = 1;  // a run is worked on in so many, for threads
  bool has_zero = false;
  IntRange range = {0, 0};
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/quantize.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;

// y = clamp(round(x / scale) + zero). Limits are taken off before rounding, which they are integers for: beyond them
// nothing fits an int32. NaN gives the low one, as the reference has it.
template <class Q>
void quantize_run(const float* x, float scale, int32_t zero, IntRange range, int64_t n, void* to) {
  Q* const y = static_cast<Q*>(to);
  const D d;
  const DI di;
  const hn::Rebind<Q, D> dq;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float low = static_cast<float>(range.low - zero), high = static_cast<float>(range.high - zero);
  const auto s = hn::Set(d, scale), lo = hn::Set(d, low), hi = hn::Set(d, high);
  const auto z = hn::Set(di, zero);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto q = hn::Div(hn::LoadU(d, x + i), s);
    q = hn::IfThenElse(hn::Gt(q, lo), q, lo);
    q = hn::IfThenElse(hn::Lt(q, hi), q, hi);
    hn::StoreU(hn::DemoteTo(dq, hn::Add(hn::NearestInt(q), z)), dq, y + i);
  }
  for (; i < n; ++i) y[i] = static_cast<Q>(requantize(static_cast<double>(x[i] / scale), zero, range));
}

template <class Q>
void dequantize_run(const void* from, float scale, int32_t zero, int64_t n, float* y) {
  const Q* const x = static_cast<const Q*>(from);
  const D d;
  const DI di;
  const hn::Rebind<Q, D> dq;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto s = hn::Set(d, scale);
  const auto z = hn::Set(di, zero);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto wide = hn::PromoteTo(di, hn::LoadU(dq, x + i));
    hn::StoreU(hn::Mul(hn::ConvertTo(d, hn::Sub(wide, z)), s), d, y + i);
  }
  for (; i < n; ++i) y[i] = static_cast<float>(x[i] - zero) * scale;
}

// The least and the largest of n numbers and of *low and *high, without those that are NaN.
void range_of(const float* x, int64_t n, float* low, float* high) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto lo = hn::Set(d, *low), hi = hn::Set(d, *high);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    lo = hn::IfThenElse(hn::Lt(v, lo), v, lo);
    hi = hn::IfThenElse(hn::Gt(v, hi), v, hi);
  }
  *low = hn::GetLane(hn::MinOfLanes(d, lo));
  *high = hn::GetLane(hn::MaxOfLanes(d, hi));
  for (; i < n; ++i) {
    *low = std::min(*low, x[i]);
    *high = std::max(*high, x[i]);
  }
}

void quantize_u8(const float* x, float scale, int32_t zero, IntRange r, int64_t n, void* y) {
  quantize_run<uint8_t>(x, scale, zero, r, n, y);
}
void quantize_i8(const float* x, float scale, int32_t zero, IntRange r, int64_t n, void* y) {
  quantize_run<int8_t>(x, scale, zero, r, n, y);
}
void quantize_u16(const float* x, float scale, int32_t zero, IntRange r, int64_t n, void* y) {
  quantize_run<uint16_t>(x, scale, zero, r, n, y);
}
void quantize_i16(const float* x, float scale, int32_t zero, IntRange r, int64_t n, void* y) {
  quantize_run<int16_t>(x, scale, zero, r, n, y);
}
void dequantize_u8(const void* x, float scale, int32_t zero, int64_t n, float* y) {
  dequantize_run<uint8_t>(x, scale, zero, n, y);
}
void dequantize_i8(const void* x, float scale, int32_t zero, int64_t n, float* y) {
  dequantize_run<int8_t>(x, scale, zero, n, y);
}
void dequantize_u16(const void* x, float scale, int32_t zero, int64_t n, float* y) {
  dequantize_run<uint16_t>(x, scale, zero, n, y);
}
void dequantize_i16(const void* x, float scale, int32_t zero, int64_t n, float* y) {
  dequantize_run<int16_t>(x, scale, zero, n, y);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(range_of);
HWY_EXPORT(quantize_u8);
HWY_EXPORT(quantize_i8);
HWY_EXPORT(quantize_u16);
HWY_EXPORT(quantize_i16);
HWY_EXPORT(dequantize_u8);
HWY_EXPORT(dequantize_i8);
HWY_EXPORT(dequantize_u16);
HWY_EXPORT(dequantize_i16);

using QuantizeFn = void (*)(const float*, float, int32_t, IntRange, int64_t, void*);
using DequantizeFn = void (*)(const void*, float, int32_t, int64_t, float*);
using Bound = Expected<std::unique_ptr<BoundStep>>;

constexpr DTypeSet kStored = DType::kUInt8 | DType::kInt8 | DType::kUInt16 | DType::kInt16;
constexpr int64_t kGrain = 1 << 14;

QuantizeFn quantize_of(DType dtype) {
  switch (dtype) {
    case DType::kUInt8: return HWY_DYNAMIC_DISPATCH(quantize_u8);
    case DType::kInt8: return HWY_DYNAMIC_DISPATCH(quantize_i8);
    case DType::kUInt16: return HWY_DYNAMIC_DISPATCH(quantize_u16);
    default: return HWY_DYNAMIC_DISPATCH(quantize_i16);
  }
}
DequantizeFn dequantize_of(DType dtype) {
  switch (dtype) {
    case DType::kUInt8: return HWY_DYNAMIC_DISPATCH(dequantize_u8);
    case DType::kInt8: return HWY_DYNAMIC_DISPATCH(dequantize_i8);
    case DType::kUInt16: return HWY_DYNAMIC_DISPATCH(dequantize_u16);
    default: return HWY_DYNAMIC_DISPATCH(dequantize_i16);
  }
}

int32_t zero_of(DType dtype, const void* zeros, int64_t i) {
  switch (dtype) {
    case DType::kUInt8: return static_cast<const uint8_t*>(zeros)[i];
    case DType::kInt8: return static_cast<const int8_t*>(zeros)[i];
    case DType::kUInt16: return static_cast<const uint16_t*>(zeros)[i];
    default: return static_cast<const int16_t*>(zeros)[i];
  }
}

// One scale for all, or one an index of the axis.
Expected<QuantRuns> runs_of(const BindQuery& q) {
  const BoundTensor& scale = q.input(1);
  if (q.has_input(2) && q.input(2).dims != scale.dims && q.input(2).count() * scale.count() != 1)
    return not_implemented("zero points of another shape");
  ANYRT_ASSIGN(const QuantGrid g, quant_grid(q.input(0).dims, scale.dims, q.i("axis"), 0));
  QuantRuns r;
  r.runs = g.outer * g.axis;
  r.length = g.inner;
  r.params = g.axis_step == 0 ? 1 : g.axis;
  r.pieces = std::max<int64_t>(1, r.length / kGrain);
  r.has_zero = q.has_input(2);
  return r;
}

// f(begin of the piece, its length, index of its scale) for every piece of every run.
template <class F>
void for_pieces(const QuantRuns& r, int threads, const F& f) {
  const auto part = [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t run = p / r.pieces, piece = p % r.pieces;
      const int64_t from = r.length * piece / r.pieces, to = r.length * (piece + 1) / r.pieces;
      f(run * r.length + from, to - from, run % r.params);
    }
  };
  const int64_t count = r.runs * r.pieces;
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, r.length / r.pieces));
  if (r.length == 0 || count == 0) return;
  if (count <= grain) {
    part(0, count);
  } else {
    parallel_for(count, grain, part, threads);
  }
}

Bound bind_quantize(const BindQuery& q, const std::shared_ptr<const void>&) {
  ANYRT_ASSIGN(QuantRuns r, runs_of(q));
  const DType dtype = q.output(0).dtype;
  r.range = int_range(dtype);
  return bound_step(
      [r, dtype, f = quantize_of(dtype), size = static_cast<int64_t>(element_size(dtype))](const StepArgs& args) {
        for_pieces(r, args.threads, [&](int64_t at, int64_t n, int64_t p) {
          f(args.input<float>(0) + at, args.input<float>(1)[p], r.has_zero ? zero_of(dtype, args.in[2], p) : 0, r.range,
            n, args.output<std::byte>(0) + at * size);
        });
        return Status();
      });
}

Bound bind_dequantize(const BindQuery& q, const std::shared_ptr<const void>&) {
  ANYRT_ASSIGN(const QuantRuns r, runs_of(q));
  const DType dtype = q.input(0).dtype;
  return bound_step(
      [r, dtype, f = dequantize_of(dtype), size = static_cast<int64_t>(element_size(dtype))](const StepArgs& args) {
        for_pieces(r, args.threads, [&](int64_t at, int64_t n, int64_t p) {
          f(args.input<std::byte>(0) + at * size, args.input<float>(1)[p],
            r.has_zero ? zero_of(dtype, args.in[2], p) : 0, n, args.output<float>(0) + at);
        });
        return Status();
      });
}

Bound bind_dynamic(const BindQuery& q, const std::shared_ptr<const void>&) {
  QuantRuns r;
  r.length = q.input(0).count();
  r.pieces = std::max<int64_t>(1, r.length / kGrain);
  r.range = {0, 255};
  const bool wants_scale = q.wants_output(1), wants_zero = q.wants_output(2);
  return bound_step([r, wants_scale, wants_zero, range = HWY_DYNAMIC_DISPATCH(range_of),
                     f = HWY_DYNAMIC_DISPATCH(quantize_u8)](const StepArgs& args) {
    float low = 0, high = 0;  // the range always holds zero
    range(args.input<float>(0), r.length, &low, &high);
    const float scale = high == low ? 1.0f : (high - low) / 255.0f;
    const float zero = std::nearbyint(std::clamp(-low / scale, 0.0f, 255.0f));
    if (wants_scale) *args.output<float>(1) = scale;
    if (wants_zero) *args.output<uint8_t>(2) = static_cast<uint8_t>(zero);
    for_pieces(r, args.threads, [&](int64_t at, int64_t n, int64_t) {
      f(args.input<float>(0) + at, scale, static_cast<int32_t>(zero), r.range, n, args.output<uint8_t>(0) + at);
    });
    return Status();
  });
}

bool is_plain(const KernelQuery& q) { return q.i("block_size") == 0 && q.input_dtype(1) == DType::kFloat32; }
bool accepts_quantize(const KernelQuery& q) {
  const int64_t precision = q.i("precision");
  return is_plain(q) && kStored.has(q.output_type(0).dtype) &&
         (precision == 0 || precision == static_cast<int64_t>(DType::kFloat32));
}
bool accepts_dequantize(const KernelQuery& q) { return is_plain(q) && q.output_type(0).dtype == DType::kFloat32; }

constexpr KernelRow kRows[] = {
    {.kernel = "f32_quantize", .op = "QuantizeLinear", .accepts = accepts_quantize, .bind = bind_quantize},
    {.kernel = "f32_dequantize",
     .op = "DequantizeLinear",
     .dtypes = kStored,
     .accepts = accepts_dequantize,
     .bind = bind_dequantize},
    {.kernel = "f32_dynamic_quantize", .op = "DynamicQuantizeLinear", .bind = bind_dynamic},
};

}  // namespace

extern const KernelTable kernels_quantize = {kRows};

}  // namespace anyrt::cpu
#endif
