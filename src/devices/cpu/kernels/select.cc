#include <algorithm>
#include <cstring>
#include <limits>

#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/broadcast_common.h"
#include "devices/cpu/kernels/tile_common.h"
#include "opdef/cast_util.h"
#include "tensor/convert.h"
#include "tensor/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/select.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/vector_io-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

// z[i] = take[i] ? x[i] : y[i], where x and y step by one or stay.
template <class T>
HWY_INLINE void choose_row(const uint8_t* take, const T* x, int64_t sx, const T* y, int64_t sy, T* z, int64_t n) {
  const hn::ScalableTag<T> d;
  const hn::Rebind<uint8_t, decltype(d)> db;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto fixed_x = hn::Set(d, *x), fixed_y = hn::Set(d, *y);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bytes = hn::LoadU(db, take + i);
    const auto u = sx ? hn::LoadU(d, x + i) : fixed_x, v = sy ? hn::LoadU(d, y + i) : fixed_y;
    if constexpr (sizeof(T) == 1) {
      hn::StoreU(hn::IfThenElse(hn::Ne(bytes, hn::Zero(d)), u, v), d, z + i);
    } else if constexpr (sizeof(T) == 8) {
      const hn::Rebind<uint32_t, decltype(d)> dw;
      const auto wide = hn::PromoteTo(d, hn::PromoteTo(dw, bytes));
      hn::StoreU(hn::IfThenElse(hn::Ne(wide, hn::Zero(d)), u, v), d, z + i);
    } else {
      hn::StoreU(hn::IfThenElse(hn::Ne(hn::PromoteTo(d, bytes), hn::Zero(d)), u, v), d, z + i);
    }
  }
  for (; i < n; ++i) z[i] = take[i] ? x[i * sx] : y[i * sy];
}

void choose8(const uint8_t* take, const uint8_t* x, int64_t sx, const uint8_t* y, int64_t sy, uint8_t* z, int64_t n) {
  choose_row(take, x, sx, y, sy, z, n);
}
void choose16(const uint8_t* take, const uint16_t* x, int64_t sx, const uint16_t* y, int64_t sy, uint16_t* z,
              int64_t n) {
  choose_row(take, x, sx, y, sy, z, n);
}
void choose32(const uint8_t* take, const uint32_t* x, int64_t sx, const uint32_t* y, int64_t sy, uint32_t* z,
              int64_t n) {
  choose_row(take, x, sx, y, sy, z, n);
}
void choose64(const uint8_t* take, const uint64_t* x, int64_t sx, const uint64_t* y, int64_t sy, uint64_t* z,
              int64_t n) {
  choose_row(take, x, sx, y, sy, z, n);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

// Where, Clip of integers and f64, and Cast: elements that are taken, limited or converted.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;
using Loops = BroadcastLoops<3>;

constexpr int64_t kGrain = 1 << 14;

HWY_EXPORT(choose8);
HWY_EXPORT(choose16);
HWY_EXPORT(choose32);
HWY_EXPORT(choose64);

template <class T>
using ChooseFn = void (*)(const uint8_t*, const T*, int64_t, const T*, int64_t, T*, int64_t);

template <class T>
ChooseFn<T> choose_of() {
  if constexpr (sizeof(T) == 1) {
    return HWY_DYNAMIC_DISPATCH(choose8);
  } else if constexpr (sizeof(T) == 2) {
    return HWY_DYNAMIC_DISPATCH(choose16);
  } else if constexpr (sizeof(T) == 4) {
    return HWY_DYNAMIC_DISPATCH(choose32);
  } else if constexpr (sizeof(T) == 8) {
    return HWY_DYNAMIC_DISPATCH(choose64);
  } else {
    return [](const uint8_t* take, const T* x, int64_t sx, const T* y, int64_t sy, T* z, int64_t n) {
      for (int64_t i = 0; i < n; ++i) z[i] = take[i] ? x[i * sx] : y[i * sy];
    };
  }
}

template <class T>
void choose(const Loops::Block& block, ChooseFn<T> f, const uint8_t* take, const T* x, const T* y, T* z) {
  const auto [st, sx, sy] = block.step;
  for (int64_t r = 0; r < block.rows; ++r) {
    if (st == 0) {
      const bool first = *take != 0;
      const T* from = first ? x : y;
      if (first ? sx : sy) {
        std::copy_n(from, block.n, z);
      } else {
        std::fill_n(z, block.n, *from);
      }
    } else {
      f(take, x, sx, y, sy, z, block.n);
    }
    take += block.row[0];
    x += block.row[1];
    y += block.row[2];
    z += block.out_row;
  }
}

Bound bind_where(const BindQuery& q, const State&) {
  const Dims* dims[] = {&q.input(0).dims, &q.input(1).dims, &q.input(2).dims};
  Loops loops(q.output(0).dims, dims);
  Bound step = not_implemented("element type");
  dispatch_storage(q.output(0).dtype, [&]<class T>(TypeTag<T>) {
    if constexpr (!std::is_same_v<T, std::string>) {
      step = bound_step([loops = std::move(loops), f = choose_of<T>()](const StepArgs& args) {
        const auto* take = args.input<uint8_t>(0);
        const T *x = args.input<T>(1), *y = args.input<T>(2);
        T* z = args.output<T>(0);
        loops.run(kGrain, args.threads, [&](const Loops::Block& block, const Loops::Offsets& at, int64_t out) {
          choose(block, f, take + at[0], x + at[1], y + at[2], z + out);
        });
        return Status();
      });
    }
  });
  return step;
}

template <class T>
Bound bind_clip_as(const BindQuery& q) {
  return bound_step([n = q.output(0).count()](const StepArgs& args) {
    using Limits = std::numeric_limits<T>;
    T low = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    T high = Limits::has_infinity ? Limits::infinity() : Limits::max();
    if (args.in[1]) low = *args.input<T>(1);
    if (args.in[2]) high = *args.input<T>(2);
    const T* x = args.input<T>(0);
    T* y = args.output<T>(0);
    parallel_for(
        n, kGrain,
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const T raised = x[i] < low ? low : x[i];
            y[i] = raised > high ? high : raised;
          }
        },
        args.threads);
    return Status();
  });
}

Bound bind_clip(const BindQuery& q, const State&) {
  Bound step = not_implemented("element type");
  if (q.num_inputs() != 3) return step;
  dispatch<double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>(
      q.input(0).dtype, [&]<class T>(TypeTag<T>) { step = bind_clip_as<T>(q); });
  return step;
}

constexpr DTypeSet kFast = DTypeSet(DType::kFloat16) | DType::kBFloat16 | DType::kBool;

Bound cast_step(const BindQuery& q, bool saturate, F8Round round) {
  const DType from = q.input(0).dtype, to = q.output(0).dtype;
  if (from == DType::kString || to == DType::kString) return not_implemented("strings");
  return bound_step([from, to, saturate, round, n = q.output(0).count(), from_size = element_size(from),
                     to_size = element_size(to)](const StepArgs& args) {
    parallel_for(
        n, kGrain,
        [&](int64_t begin, int64_t end) {
          const auto* x = args.input<std::byte>(0) + static_cast<size_t>(begin) * from_size;
          auto* y = args.output<std::byte>(0) + static_cast<size_t>(begin) * to_size;
          const auto count = static_cast<size_t>(end - begin);
          if (from == to) {
            std::memcpy(y, x, count * from_size);
          } else if (to == DType::kFloat32 && kFast.has(from)) {
            widen_elements(from, x, reinterpret_cast<float*>(y), end - begin);
          } else if (from == DType::kFloat32 && kFast.has(to) && to != DType::kBool) {
            narrow_elements(to, reinterpret_cast<const float*>(x), y, end - begin);
          } else {
            convert_elements(from, x, to, y, count, saturate, round);
          }
        },
        args.threads);
    return Status();
  });
}

Bound bind_cast(const BindQuery& q, const State&) {
  ANYRT_ASSIGN(const F8Round round, round_mode(q));
  return cast_step(q, q.i("saturate", 1) != 0, round);
}

constexpr DTypeSet kNumbers = kAllDTypes - DType::kString;

constexpr KernelRow kRows[] = {
    {.kernel = "where", .op = "Where", .dtypes = DType::kBool, .in_place = 6, .bind = bind_where},
    {.kernel = "exact_clip",
     .op = "Clip",
     .dtypes = kInts | DType::kFloat64,
     .in_place = 1,
     .accepts = [](const KernelQuery& q) { return q.node().inputs.size() == 3; },
     .bind = bind_clip},
    {.kernel = "cast", .op = "Cast", .dtypes = kNumbers, .bind = bind_cast},
    {.kernel = "cast", .op = "CastLike", .dtypes = kNumbers, .bind = bind_cast},
};

}  // namespace

extern const KernelTable kernels_select = {kRows};

}  // namespace anyrt::cpu
#endif
