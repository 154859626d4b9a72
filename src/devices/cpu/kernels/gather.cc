#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr DTypeSet kMovable = kAllDTypes - DTypeSet(DType::kString);
constexpr int64_t kBytesPerPiece = 1 << 16;

Status bad_index(int64_t index, int64_t n) {
  return invalid_argument("index {} is outside of [{}, {}]", index, -n, n - 1);
}

struct GatherSizes {
  int64_t outer, axis, inner_bytes, picks;
};

template <class Index>
Status gather(const GatherSizes& s, const std::byte* x, const Index* picks, std::byte* y, int threads) {
  for (int64_t k = 0; k < s.picks; ++k) {
    const auto index = static_cast<int64_t>(picks[k]);
    if (index < -s.axis || index >= s.axis) return bad_index(index, s.axis);
  }
  const auto copy = [&](int64_t begin, int64_t end) {
    const auto bytes = static_cast<size_t>(s.inner_bytes);
    for (int64_t r = begin; r < end; ++r) {
      const auto index = static_cast<int64_t>(picks[r % s.picks]);
      const int64_t row = r / s.picks * s.axis + (index < 0 ? index + s.axis : index);
      // Single elements are the common case; a call each would cost more than they do.
      switch (bytes) {
        case 4: std::memcpy(y + r * 4, x + row * 4, 4); break;
        case 8: std::memcpy(y + r * 8, x + row * 8, 8); break;
        default: std::memcpy(y + r * s.inner_bytes, x + row * s.inner_bytes, bytes);
      }
    }
  };
  const int64_t rows = s.outer * s.picks, grain = std::max<int64_t>(1, kBytesPerPiece / s.inner_bytes);
  if (rows <= grain) {
    copy(0, rows);
  } else {
    parallel_for(rows, grain, copy, threads);
  }
  return {};
}

// A table of weights that is not aligned for its type is read where it lies: the state is that tensor.
Expected<State> prepare_gather(const KernelQuery& q) {
  const Tensor* x = q.input_constant(0);
  return x && x->buffer() && x->buffer()->deferred() ? std::make_shared<const Tensor>(*x) : State();
}

Expected<Tensor> unpack_gather(const void* state, size_t) { return *static_cast<const Tensor*>(state); }

Bound bind_gather(const BindQuery& q, const State& state) {
  const Dims& in = q.input(0).dims;
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(q.i("axis"), q.input(0).rank()));
  GatherSizes s;
  s.outer = product(in, 0, axis);
  s.axis = in[static_cast<size_t>(axis)];
  s.inner_bytes = product(in, axis + 1, q.input(0).rank()) * static_cast<int64_t>(element_size(q.input(0).dtype));
  s.picks = q.input(1).count();
  if (q.output(0).count() == 0) return not_implemented("nothing is gathered");
  const bool wide = q.input(1).dtype == DType::kInt64;
  return bound_step([s, wide, table = std::static_pointer_cast<const Tensor>(state)](const StepArgs& args) {
    const auto* x = table ? table->unaligned_raw() : args.input<std::byte>(0);
    auto* y = args.output<std::byte>(0);
    return wide ? gather(s, x, args.input<int64_t>(1), y, args.threads)
                : gather(s, x, args.input<int32_t>(1), y, args.threads);
  });
}

// data and indices as [outer, axis, inner]; indices may be smaller in the other axes.
struct ElementSizes {
  Dims out, x_strides;
  size_t axis = 0;
  int64_t n = 0;
  size_t element = 0;
};

template <class T, class Index>
Status gather_elements(const ElementSizes& s, const T* x, const Index* picks, T* y) {
  constexpr size_t kMaxRank = 32;
  const size_t rank = s.out.size();
  const int64_t inner = s.out[rank - 1], stride = s.x_strides[s.axis];
  const int64_t step = s.axis == rank - 1 ? 0 : 1;
  int64_t at[kMaxRank] = {}, rows = 1, base = 0;
  for (size_t a = 0; a + 1 < rank; ++a) rows *= s.out[a];
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < inner; ++i) {
      int64_t index = static_cast<int64_t>(*picks++);
      if (index < -s.n || index >= s.n) return bad_index(index, s.n);
      if (index < 0) index += s.n;
      *y++ = x[base + i * step + index * stride];
    }
    for (size_t a = rank - 1; a-- > 0;) {
      const int64_t move = a == s.axis ? 0 : s.x_strides[a];
      base += move;
      if (++at[a] < s.out[a]) break;
      at[a] = 0;
      base -= move * s.out[a];
    }
  }
  return {};
}

Bound bind_gather_elements(const BindQuery& q, const State&) {
  ElementSizes s;
  s.out = q.output(0).dims;
  if (s.out.empty() || s.out.size() > 32 || q.output(0).count() == 0) return not_implemented("nothing to gather");
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(q.i("axis"), q.input(0).rank()));
  s.axis = static_cast<size_t>(axis);
  s.x_strides = row_major_strides(q.input(0).dims);
  s.n = q.input(0).dims[s.axis];
  const size_t element = element_size(q.input(0).dtype);
  const bool wide = q.input(1).dtype == DType::kInt64;
  if (element != 4 && element != 8 && element != 1) return not_implemented("elements of {} bytes", element);
  return bound_step([s, element, wide](const StepArgs& args) {
    const auto run = [&]<class T>(T) {
      return wide ? gather_elements(s, args.input<T>(0), args.input<int64_t>(1), args.output<T>(0))
                  : gather_elements(s, args.input<T>(0), args.input<int32_t>(1), args.output<T>(0));
    };
    if (element == 1) return run(uint8_t{});
    return element == 4 ? run(uint32_t{}) : run(uint64_t{});
  });
}

constexpr KernelRow kRows[] = {
    {.kernel = "gather",
     .op = "Gather",
     .dtypes = kMovable,
     .prepare = prepare_gather,
     .packs = 1,
     .unpack = unpack_gather,
     .bind = bind_gather},
    {.kernel = "gather_elements", .op = "GatherElements", .dtypes = kMovable, .bind = bind_gather_elements},
};

}  // namespace

extern const KernelTable kernels_gather = {kRows};

}  // namespace anyrt::cpu
