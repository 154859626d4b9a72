#include <algorithm>
#include <bit>
#include <compare>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/top_k.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

// The first position from `i` on, or a little before it, where an element may come before `border`; where none does, a
// position less than 64 before the end.
template <bool kLargest>
int64_t skip(const float* x, int64_t i, int64_t n, float border) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), step = 4 * lanes;
  const auto b = hn::Set(d, border);
  const auto behind = [&](int64_t at) HWY_ATTR {
    const auto v = hn::LoadU(d, x + at);
    return kLargest ? hn::Le(v, b) : hn::Ge(v, b);
  };
  for (; i + step <= n; i += step) {
    const auto first = hn::And(behind(i), behind(i + lanes));
    const auto second = hn::And(behind(i + 2 * lanes), behind(i + 3 * lanes));
    if (!hn::AllTrue(d, hn::And(first, second))) break;
  }
  return i;
}

int64_t skip_largest(const float* x, int64_t i, int64_t n, float border) { return skip<true>(x, i, n, border); }
int64_t skip_smallest(const float* x, int64_t i, int64_t n, float border) { return skip<false>(x, i, n, border); }

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

// TopK over keys: an element's rank as an unsigned number with its position behind it, so that the order is total and
// one comparison decides. NaN is the largest element, both zeros are one.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kElementsPerPiece = 1 << 14;

HWY_EXPORT(skip_largest);
HWY_EXPORT(skip_smallest);

template <class T>
uint64_t rank_of_int(T v) {
  if constexpr (std::is_signed_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<U>(static_cast<U>(v) ^ static_cast<U>(U{1} << (sizeof(T) * 8 - 1)));
  }
  return v;
}

// Of the bits of a float whose infinity is `infinity`.
template <class U>
U rank_of_bits(U bits, U infinity) {
  constexpr U kSign = static_cast<U>(U{1} << (sizeof(U) * 8 - 1));
  const U magnitude = static_cast<U>(bits & static_cast<U>(~kSign));
  if (magnitude > infinity) return static_cast<U>(~U{0});
  if (magnitude == 0) return kSign;
  return static_cast<U>(bits & kSign ? ~bits : bits | kSign);
}

// `Value` compares as the elements do, zeros and NaN aside; void: only ranks compare.
struct F32 {
  using Raw = uint32_t;
  using Value = float;
  static uint64_t rank(Raw v) { return rank_of_bits<Raw>(v, 0x7f800000u); }
};
struct F64 {
  using Raw = uint64_t;
  using Value = double;
  static uint64_t rank(Raw v) { return rank_of_bits<Raw>(v, 0x7ff0000000000000u); }
};
struct F16 {
  using Raw = uint16_t;
  using Value = void;
  static uint64_t rank(Raw v) { return rank_of_bits<Raw>(v, 0x7c00); }
};
struct BF16 {
  using Raw = uint16_t;
  using Value = void;
  static uint64_t rank(Raw v) { return rank_of_bits<Raw>(v, 0x7f80); }
};
template <class T>
struct Int {
  using Raw = T;
  using Value = T;
  static uint64_t rank(Raw v) { return rank_of_int(v); }
};

// Greater keys come first. Elements of up to four bytes and their positions share one number.
struct WideKey {
  uint64_t rank, position;  // position: counted down, since the first of equal elements wins
  auto operator<=>(const WideKey&) const = default;
};
template <class E>
using KeyOf = std::conditional_t<sizeof(typename E::Raw) <= 4, uint64_t, WideKey>;

template <class E>
KeyOf<E> key_of(typename E::Raw v, int64_t at, bool largest) {
  if constexpr (sizeof(typename E::Raw) <= 4) {
    const auto rank = static_cast<uint32_t>(E::rank(v));
    return uint64_t{largest ? rank : ~rank} << 32 | (0xffffffffu - static_cast<uint32_t>(at));
  } else {
    const uint64_t rank = E::rank(v);
    return {largest ? rank : ~rank, ~static_cast<uint64_t>(at)};
  }
}
template <class E>
int64_t position_of(const KeyOf<E>& key) {
  if constexpr (sizeof(typename E::Raw) <= 4) {
    return static_cast<int64_t>(0xffffffffu - static_cast<uint32_t>(key));
  } else {
    return static_cast<int64_t>(~key.position);
  }
}

constexpr int64_t kBlock = 16;  // elements that are passed over at once

// Whether any of a block may come before the element `border`: true too often for NaN, never too seldom.
template <class E, bool kLargest>
bool any_ahead(const typename E::Raw* x, typename E::Raw border) {
  using Value = typename E::Value;
  int any = 0;
  if constexpr (std::is_void_v<Value>) {
    const uint64_t rank = E::rank(border);
    for (int64_t i = 0; i < kBlock; ++i) any |= kLargest ? E::rank(x[i]) > rank : E::rank(x[i]) < rank;
  } else {
    const auto b = std::bit_cast<Value>(border);
    for (int64_t i = 0; i < kBlock; ++i) {
      const auto v = std::bit_cast<Value>(x[i]);
      any |= kLargest ? !(v <= b) : !(v >= b);
    }
  }
  return any != 0;
}

struct Sizes {
  int64_t outer, n, inner, k;
  bool largest;
  // Keys that are gathered before all but the best k go.
  int64_t room() const { return k == 1 ? 1 : std::min(n, 2 * k + 64); }
};

// The best k of a row, in order, go to the front of `keys`.
template <class E, bool kLargest>
void pick(const Sizes& s, const typename E::Raw* x, KeyOf<E>* keys) {
  using Key = KeyOf<E>;
  const auto greater = [](const Key& a, const Key& b) { return a > b; };
  const int64_t room = s.room(), k = s.k, n = s.n;
  for (int64_t i = 0; i < room; ++i) keys[i] = key_of<E>(x[i], i, kLargest);
  if (room > k) std::nth_element(keys, keys + k - 1, keys + room, greater);
  int64_t count = k;
  for (int64_t i = room; i < n;) {
    Key border = keys[k - 1];
    const typename E::Raw last = x[position_of<E>(border)];
    if constexpr (std::is_same_v<E, F32>) {
      const auto f = kLargest ? HWY_DYNAMIC_DISPATCH(skip_largest) : HWY_DYNAMIC_DISPATCH(skip_smallest);
      i = f(reinterpret_cast<const float*>(x), i, n, std::bit_cast<float>(last));
    }
    while (i + kBlock <= n && !any_ahead<E, kLargest>(x + i, last)) i += kBlock;
    for (const int64_t end = std::min(n, i + kBlock); i < end; ++i) {
      if constexpr (!std::is_void_v<typename E::Value>) {
        const auto v = std::bit_cast<typename E::Value>(x[i]), b = std::bit_cast<typename E::Value>(last);
        if (kLargest ? v <= b : v >= b) continue;
      }
      const Key key = key_of<E>(x[i], i, kLargest);
      if (!(key > border)) continue;
      if (k == 1) {
        keys[0] = border = key;
        continue;
      }
      keys[count++] = key;
      if (count < room) continue;
      std::nth_element(keys, keys + k - 1, keys + count, greater);
      count = k;
      border = keys[k - 1];
    }
  }
  if (count > k) std::nth_element(keys, keys + k - 1, keys + count, greater);
  std::sort(keys, keys + k, greater);
}

// Columns of one outer index, `inner` apart, go through `lines` side by side.
constexpr int64_t kLines = 16;

// The first of each of kLines columns, all walked together.
template <class E, bool kLargest>
void pick_one(const Sizes& s, const typename E::Raw* x, typename E::Raw* values, int64_t* indices) {
  using Value = typename E::Value;
  Value best[kLines];
  uint32_t at[kLines] = {};
  for (int64_t i = 0; i < kLines; ++i) best[i] = std::bit_cast<Value>(x[i]);
  for (int64_t r = 1; r < s.n; ++r) {
    const typename E::Raw* row = x + r * s.inner;
    for (int64_t i = 0; i < kLines; ++i) {
      const auto v = std::bit_cast<Value>(row[i]);
      const Value b = best[i];
      const bool ahead = kLargest ? (!(v <= b)) & (b == b) : (v < b) | ((b != b) & (v == v));
      best[i] = ahead ? v : b;
      at[i] = ahead ? static_cast<uint32_t>(r) : at[i];
    }
  }
  for (int64_t i = 0; i < kLines; ++i) {
    if (values) values[i] = x[int64_t{at[i]} * s.inner + i];
    if (indices) indices[i] = at[i];
  }
}

template <class E>
void pick_columns(const Sizes& s, const typename E::Raw* x, int64_t columns, typename E::Raw* lines, KeyOf<E>* keys,
                  typename E::Raw* values, int64_t* indices) {
  if constexpr (!std::is_void_v<typename E::Value>) {
    if (s.k == 1 && columns == kLines)
      return s.largest ? pick_one<E, true>(s, x, values, indices) : pick_one<E, false>(s, x, values, indices);
  }
  const typename E::Raw* rows = x;
  if (s.inner > 1) {
    for (int64_t r = 0; r < s.n; ++r) {
      for (int64_t i = 0; i < columns; ++i) lines[i * s.n + r] = x[r * s.inner + i];
    }
    rows = lines;
  }
  for (int64_t i = 0; i < columns; ++i, rows += s.n) {
    if (s.largest) {
      pick<E, true>(s, rows, keys);
    } else {
      pick<E, false>(s, rows, keys);
    }
    for (int64_t r = 0; r < s.k; ++r) {
      const int64_t at = position_of<E>(keys[r]);
      if (values) values[r * s.inner + i] = rows[at];
      if (indices) indices[r * s.inner + i] = at;
    }
  }
}

template <class E>
Bound bind_as(const Sizes& s) {
  using Raw = typename E::Raw;
  const size_t slots = slot_count();
  const int64_t lines = s.inner > 1 ? std::min(kLines, s.inner) : 0, parts = (s.inner + kLines - 1) / kLines;
  const size_t keys_bytes = (static_cast<size_t>(s.room()) * sizeof(KeyOf<E>) + 63) / 64 * 64;
  const size_t each = keys_bytes + (static_cast<size_t>(lines * s.n) * sizeof(Raw) + 63) / 64 * 64;
  return bound_step(
      [=](const StepArgs& args) {
        const Raw* x = args.input<Raw>(0);
        Raw* values = args.output<Raw>(0);
        int64_t* indices = args.output<int64_t>(1);
        Slots free(slots);
        const auto run = [&](int64_t begin, int64_t end) {
          const size_t slot = free.take();
          auto* keys = reinterpret_cast<KeyOf<E>*>(args.scratch + slot * each);
          auto* own = reinterpret_cast<Raw*>(args.scratch + slot * each + keys_bytes);
          for (int64_t p = begin; p < end; ++p) {
            const int64_t o = p / parts, column = p % parts * kLines, to = o * s.k * s.inner + column;
            pick_columns<E>(s, x + o * s.n * s.inner + column, std::min(kLines, s.inner - column), own, keys,
                            values ? values + to : nullptr, indices ? indices + to : nullptr);
          }
          free.give_back(slot);
        };
        const int64_t all = s.outer * parts, grain = 1 + kElementsPerPiece / (s.n * std::max<int64_t>(lines, 1));
        if (all <= grain) {
          run(0, all);
        } else {
          const int most = static_cast<int>(slots);
          parallel_for(all, grain, run, args.threads > 0 ? std::min(args.threads, most) : most);
        }
        return Status();
      },
      slots * each);
}

Bound bind(const BindQuery& q, const State&) {
  const Dims& dims = q.input(0).dims;
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(q.i("axis"), q.input(0).rank()));
  Sizes s;
  s.outer = product(dims, 0, axis);
  s.n = dims[static_cast<size_t>(axis)];
  s.inner = product(dims, axis + 1, q.input(0).rank());
  const BoundTensor& out = q.wants_output(0) ? q.output(0) : q.output(1);
  if (!out.present() || out.count() == 0 || q.input(0).count() == 0) return not_implemented("nothing to pick");
  s.k = out.dims[static_cast<size_t>(axis)];
  s.largest = q.i("largest") != 0;
  if (s.k > s.n || s.n >= std::numeric_limits<uint32_t>::max()) return not_implemented("{} of {}", s.k, s.n);
  switch (q.input(0).dtype) {
    case DType::kFloat32: return bind_as<F32>(s);
    case DType::kFloat64: return bind_as<F64>(s);
    case DType::kFloat16: return bind_as<F16>(s);
    case DType::kBFloat16: return bind_as<BF16>(s);
    case DType::kInt8: return bind_as<Int<int8_t>>(s);
    case DType::kInt16: return bind_as<Int<int16_t>>(s);
    case DType::kInt32: return bind_as<Int<int32_t>>(s);
    case DType::kInt64: return bind_as<Int<int64_t>>(s);
    case DType::kUInt8: return bind_as<Int<uint8_t>>(s);
    case DType::kUInt16: return bind_as<Int<uint16_t>>(s);
    case DType::kUInt32: return bind_as<Int<uint32_t>>(s);
    case DType::kUInt64: return bind_as<Int<uint64_t>>(s);
    default: return not_implemented("element type");
  }
}

constexpr KernelRow kRows[] = {{.kernel = "top_k", .op = "TopK", .dtypes = kNumeric, .bind = bind}};

}  // namespace

extern const KernelTable kernels_top_k = {kRows};

}  // namespace anyrt::cpu
#endif
