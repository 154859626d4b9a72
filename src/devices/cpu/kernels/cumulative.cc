#include <algorithm>
#include <type_traits>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

// CumSum and CumProd. Each running result is one chain of operations, as in the reference; chains run side by side.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kElementsPerPiece = 1 << 14;
constexpr int64_t kChains = 8;

struct Sizes {
  int64_t outer, n, inner;
  bool exclusive, reverse;
};

template <bool kProduct, class T>
T next(T a, T b) {
  if constexpr (std::is_integral_v<T>) {  // wraps
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(kProduct ? static_cast<U>(a) * static_cast<U>(b) : static_cast<U>(a) + static_cast<U>(b));
  } else {
    return kProduct ? a * b : a + b;
  }
}

// `count` chains whose first elements are `apart` from each other; `step` leads from an element to the next one.
template <bool kProduct, class T>
void chains(const Sizes& s, const T* x, T* y, int64_t count, int64_t apart, int64_t step) {
  T acc[kChains];
  std::fill_n(acc, kChains, T(kProduct ? 1 : 0));
  for (int64_t k = 0; k < s.n; ++k, x += step, y += step) {
    for (int64_t i = 0; i < count; ++i) {
      const T after = next<kProduct>(acc[i], x[i * apart]);
      y[i * apart] = s.exclusive ? acc[i] : after;
      acc[i] = after;
    }
  }
}

// Neighbouring chains, one step after the other.
template <bool kProduct, class T>
void columns(const Sizes& s, const T* x, T* y, int64_t begin, int64_t end) {
  constexpr int64_t kWidth = 32;
  const int64_t step = s.reverse ? -s.inner : s.inner;
  const int64_t first = s.reverse ? (s.n - 1) * s.inner : 0;
  for (; begin + kWidth <= end; begin += kWidth) {
    const T* in = x + first + begin;
    T* out = y + first + begin;
    T acc[kWidth], fresh[kWidth];
    std::fill_n(acc, kWidth, T(kProduct ? 1 : 0));
    for (int64_t k = 0; k < s.n; ++k, in += step, out += step) {
      for (int64_t i = 0; i < kWidth; ++i) fresh[i] = in[i];
      if (s.exclusive) std::copy_n(acc, kWidth, out);
      for (int64_t i = 0; i < kWidth; ++i) acc[i] = next<kProduct>(acc[i], fresh[i]);
      if (!s.exclusive) std::copy_n(acc, kWidth, out);
    }
  }
  for (; begin < end; ++begin) chains<kProduct>(s, x + first + begin, y + first + begin, 1, 0, step);
}

template <bool kProduct, class T>
std::unique_ptr<BoundStep> make(const Sizes& s) {
  return bound_step([s](const StepArgs& args) {
    const T* x = args.input<T>(0);
    T* y = args.output<T>(0);
    const int64_t each = s.n * s.inner;
    if (s.inner == 1) {
      const int64_t first = s.reverse ? s.n - 1 : 0, step = s.reverse ? -1 : 1;
      const int64_t groups = (s.outer + kChains - 1) / kChains;
      parallel_for(
          groups, 1 + kElementsPerPiece / (each * kChains),
          [&](int64_t begin, int64_t end) {
            for (int64_t g = begin; g < end; ++g) {
              const int64_t row = g * kChains, count = std::min(kChains, s.outer - row);
              const T* in = x + row * each + first;
              T* out = y + row * each + first;
              if (count == kChains) {
                chains<kProduct>(s, in, out, kChains, each, step);
              } else {
                for (int64_t i = 0; i < count; ++i) chains<kProduct>(s, in + i * each, out + i * each, 1, 0, step);
              }
            }
          },
          args.threads);
      return Status();
    }
    constexpr int64_t kColumns = 256;
    const int64_t parts = (s.inner + kColumns - 1) / kColumns;
    parallel_for(
        s.outer * parts, 1 + kElementsPerPiece / (s.n * std::min(kColumns, s.inner)),
        [&](int64_t begin, int64_t end) {
          for (int64_t p = begin; p < end; ++p) {
            const int64_t at = p / parts * each, column = p % parts * kColumns;
            columns<kProduct>(s, x + at, y + at, column, std::min(s.inner, column + kColumns));
          }
        },
        args.threads);
    return Status();
  });
}

template <bool kProduct>
Bound bind(const BindQuery& q, const State&) {
  if (!q.input(1).ints || q.input(1).ints->size() != 1) return not_implemented("the axis is known only in a run");
  if (q.input(0).count() == 0) return not_implemented("an empty input");
  const Dims& dims = q.input(0).dims;
  ANYRT_ASSIGN(const int64_t axis, normalize_axis((*q.input(1).ints)[0], q.input(0).rank()));
  const Sizes s = {product(dims, 0, axis), dims[static_cast<size_t>(axis)], product(dims, axis + 1, q.input(0).rank()),
                   q.i("exclusive") != 0, q.i("reverse") != 0};
  Bound step = not_implemented("element type");
  dispatch<float, double, int32_t, int64_t>(q.input(0).dtype,
                                            [&]<class T>(TypeTag<T>) { step = make<kProduct, T>(s); });
  return step;
}

constexpr DTypeSet kTypes = DTypeSet(DType::kFloat32) | DType::kFloat64 | DType::kInt32 | DType::kInt64;

constexpr KernelRow kRows[] = {{.kernel = "cumulative", .op = "CumSum", .dtypes = kTypes, .bind = bind<false>},
                               {.kernel = "cumulative", .op = "CumProd", .dtypes = kTypes, .bind = bind<true>}};

}  // namespace

extern const KernelTable kernels_cumulative = {kRows};

}  // namespace anyrt::cpu
