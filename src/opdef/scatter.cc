#include "opdef/scatter.h"

#include <cstring>
#include <string>
#include <type_traits>

#include "tensor/dispatch.h"

namespace anyrt {

Expected<ScatterReduction> parse_scatter_reduction(std::string_view name) {
  constexpr std::string_view kNames[] = {"none", "add", "mul", "min", "max"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<ScatterReduction>(i);
  }
  return invalid_model("reduction must be none, add, mul, min or max, found '{}'", name);
}

namespace {

// The type in which two elements of type T are combined.
template <class T>
using Wide = std::conditional_t<
    std::is_same_v<T, bool> || std::is_same_v<T, double> || std::is_same_v<T, std::string>, T,
    std::conditional_t<std::is_integral_v<T> && std::is_unsigned_v<T>, uint64_t,
                       std::conditional_t<std::is_integral_v<T> || std::is_same_v<T, Int4> || std::is_same_v<T, Int2> ||
                                              std::is_same_v<T, UInt4> || std::is_same_v<T, UInt2>,
                                          int64_t, float>>>;

template <ScatterReduction kHow, class W>
W combine(W a, W b) {
  if constexpr (kHow == ScatterReduction::kMin) {
    return a < b ? a : b;
  } else if constexpr (kHow == ScatterReduction::kMax) {
    return a > b ? a : b;
  } else if constexpr (std::is_same_v<W, bool>) {
    return kHow == ScatterReduction::kAdd ? a || b : a && b;
  } else if constexpr (std::is_same_v<W, int64_t>) {  // wraps
    const uint64_t ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
    return static_cast<int64_t>(kHow == ScatterReduction::kAdd ? ua + ub : ua * ub);
  } else {
    return kHow == ScatterReduction::kAdd ? a + b : a * b;
  }
}

template <ScatterReduction kHow, class T>
void combine_runs(T* y, const T* updates, std::span<const int64_t> offsets, int64_t length) {
  for (int64_t at : offsets) {
    for (int64_t i = 0; i < length; ++i) {
      y[at + i] = static_cast<T>(combine<kHow>(static_cast<Wide<T>>(y[at + i]), static_cast<Wide<T>>(updates[i])));
    }
    updates += length;
  }
}

template <class T>
void add_or_multiply_complex(T* y, const T* updates, std::span<const int64_t> offsets, int64_t length, bool add) {
  for (int64_t at : offsets) {
    for (int64_t i = 0; i < length; ++i) {
      const T a = y[at + i], b = updates[i];
      y[at + i] = add ? T{a.re + b.re, a.im + b.im} : T{a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    updates += length;
  }
}

}  // namespace

Status scatter_runs(Tensor& y, const Tensor& updates, std::span<const int64_t> offsets, int64_t length,
                    ScatterReduction reduction) {
  if (y.dtype() != DType::kString)
    return scatter_runs(y.dtype(), y.mutable_raw(), updates.raw(), offsets, length, reduction);
  const bool join = reduction == ScatterReduction::kAdd;
  if (!join && reduction != ScatterReduction::kNone) return not_implemented("this reduction of strings");
  const std::string* in = updates.data<std::string>();
  for (int64_t at : offsets) {
    std::string* out = y.mutable_data<std::string>() + at;
    for (int64_t i = 0; i < length; ++i, ++in) out[i] = join ? out[i] + *in : *in;
  }
  return {};
}

Status scatter_runs(DType dtype, void* y, const void* updates, std::span<const int64_t> offsets, int64_t length,
                    ScatterReduction reduction) {
  if (reduction == ScatterReduction::kNone) {
    const size_t element = element_size(dtype), bytes = static_cast<size_t>(length) * element;
    const auto* in = static_cast<const std::byte*>(updates);
    for (int64_t at : offsets) {
      std::memcpy(static_cast<std::byte*>(y) + static_cast<size_t>(at) * element, in, bytes);
      in += bytes;
    }
    return {};
  }
  bool known = false;
  const bool add = reduction == ScatterReduction::kAdd;
  if (is_complex(dtype)) {
    known = add || reduction == ScatterReduction::kMul;
    if (known) {
      dispatch<Complex64, Complex128>(dtype, [&]<class T>(TypeTag<T>) {
        add_or_multiply_complex(static_cast<T*>(y), static_cast<const T*>(updates), offsets, length, add);
      });
    }
  } else {
    known = dispatch<float, double, Float16, BFloat16, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t,
                     uint64_t, bool, Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float8E8M0, Float4E2M1,
                     Int4, UInt4, Int2, UInt2>(dtype, [&]<class T>(TypeTag<T>) {
      T* out = static_cast<T*>(y);
      const T* in = static_cast<const T*>(updates);
      switch (reduction) {
        case ScatterReduction::kAdd: combine_runs<ScatterReduction::kAdd>(out, in, offsets, length); break;
        case ScatterReduction::kMul: combine_runs<ScatterReduction::kMul>(out, in, offsets, length); break;
        case ScatterReduction::kMin: combine_runs<ScatterReduction::kMin>(out, in, offsets, length); break;
        default: combine_runs<ScatterReduction::kMax>(out, in, offsets, length); break;
      }
    });
  }
  return known ? Status() : not_implemented("this reduction of elements of {}", dtype_name(dtype));
}

}  // namespace anyrt
