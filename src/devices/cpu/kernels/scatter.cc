#include "opdef/scatter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/scatter.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

// Adds row k of `updates` to the `length` floats from y[offsets[k]] on.
void add_rows(const float* updates, const int64_t* offsets, int64_t count, int64_t length, float* y) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t k = 0; k < count; ++k, updates += length) {
    float* to = y + offsets[k];
    int64_t i = 0;
    for (; i + lanes <= length; i += lanes)
      hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, updates + i)), d, to + i);
    for (; i < length; ++i) to[i] += updates[i];
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

// ScatterND, ScatterElements and GatherND: indices are checked and turned into offsets, then elements or slices move.
// Updates go in one after the other, so that the last of several for one place wins as in the reference.

namespace anyrt::cpu {
namespace {

HWY_EXPORT(add_rows);

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr DTypeSet kMovable = kAllDTypes - DTypeSet(DType::kString);
constexpr int64_t kBytesPerPiece = 1 << 16;
constexpr size_t kMaxRank = 32;

Status bad_index(int64_t index, int64_t n, int64_t axis) {
  return make_error(Code::kOutOfRange, "index {} is outside of [{}, {}] of axis {}", index, -n, n - 1, axis);
}

void copy_bytes(const std::byte* from, std::byte* to, int64_t bytes, int threads) {
  parallel_for(
      bytes, kBytesPerPiece,
      [&](int64_t begin, int64_t end) { std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin)); },
      threads);
}

void copy_element(std::byte* to, const std::byte* from, size_t bytes) {
  switch (bytes) {
    case 4: std::memcpy(to, from, 4); break;
    case 8: std::memcpy(to, from, 8); break;
    default: std::memcpy(to, from, bytes);
  }
}

// Tuples of `depth` indices that lead into the leading axes of data.
struct Tuples {
  int64_t depth = 0, count = 0;
  Dims dims, strides;  // of the axes that are indexed

  Expected<int64_t> offset(const int64_t* tuple) const {
    int64_t at = 0;
    for (int64_t j = 0; j < depth; ++j) {
      const int64_t n = dims[static_cast<size_t>(j)];
      int64_t i = tuple[j];
      if (i < -n || i >= n) return bad_index(i, n, j);
      if (i < 0) i += n;
      at += i * strides[static_cast<size_t>(j)];
    }
    return at;
  }
};

Expected<Tuples> tuples_of(const BindQuery& q, int64_t batch) {
  const Dims &data = q.input(0).dims, &indices = q.input(1).dims;
  if (data.empty() || indices.empty() || batch < 0 || batch >= std::min(q.input(0).rank(), q.input(1).rank()))
    return not_implemented("ranks");
  Tuples t;
  t.depth = indices.back();
  if (t.depth < 1 || t.depth > q.input(0).rank() - batch) return not_implemented("tuples of {}", t.depth);
  t.count = product(indices, 0, q.input(1).rank() - 1);
  const Dims strides = row_major_strides(data);
  t.dims.assign(data.begin() + batch, data.begin() + batch + t.depth);
  t.strides.assign(strides.begin() + batch, strides.begin() + batch + t.depth);
  return t;
}

Bound bind_gather_nd(const BindQuery& q, const State&) {
  const Dims& data = q.input(0).dims;
  const int64_t batch = q.i("batch_dims"), rank = q.input(0).rank();
  ANYRT_ASSIGN(const Tuples t, tuples_of(q, batch));
  if (q.output(0).count() == 0) return not_implemented("nothing is gathered");
  for (int64_t i = 0; i < batch; ++i) {
    if (data[static_cast<size_t>(i)] != q.input(1).dims[static_cast<size_t>(i)])
      return not_implemented("batches differ");
  }
  const size_t element = element_size(q.input(0).dtype);
  const int64_t each = product(data, batch, rank), per_batch = t.count / product(data, 0, batch);
  const size_t bytes = static_cast<size_t>(product(data, batch + t.depth, rank)) * element;
  return bound_step([=](const StepArgs& args) {
    const auto* x = args.input<std::byte>(0);
    const int64_t* indices = args.input<int64_t>(1);
    auto* y = args.output<std::byte>(0);
    const auto gather = [&](int64_t begin, int64_t end) -> Status {
      for (int64_t k = begin; k < end; ++k) {
        ANYRT_ASSIGN(const int64_t at, t.offset(indices + k * t.depth));
        const auto from = static_cast<size_t>(k / per_batch * each + at) * element;
        copy_element(y + static_cast<size_t>(k) * bytes, x + from, bytes);
      }
      return {};
    };
    const int64_t grain = 1 + kBytesPerPiece / static_cast<int64_t>(bytes + 16);
    return t.count <= grain ? gather(0, t.count) : parallel_for(t.count, grain, gather, args.threads);
  });
}

struct Update {
  DType dtype = DType::kFloat32;
  ScatterReduction how = ScatterReduction::kNone;
  int64_t bytes = 0;  // of data
  int64_t count = 0, length = 1;
};

// After the offsets are known and right.
Status write_updates(const Update& u, const StepArgs& args, const int64_t* offsets) {
  auto* y = args.output<std::byte>(0);
  if (y != args.in[0]) copy_bytes(args.input<std::byte>(0), y, u.bytes, args.threads);
  if (u.how == ScatterReduction::kAdd && u.dtype == DType::kFloat32) {
    HWY_DYNAMIC_DISPATCH(add_rows)
    (args.input<float>(2), offsets, u.count, u.length, args.output<float>(0));
    return {};
  }
  if (u.how != ScatterReduction::kNone)
    return scatter_runs(u.dtype, y, args.in[2], {offsets, static_cast<size_t>(u.count)}, u.length, u.how);
  const size_t element = element_size(u.dtype), bytes = static_cast<size_t>(u.length) * element;
  const auto* from = args.input<std::byte>(2);
  for (int64_t k = 0; k < u.count; ++k)
    copy_element(y + static_cast<size_t>(offsets[k]) * element, from + static_cast<size_t>(k) * bytes, bytes);
  return {};
}

Expected<Update> update_of(const BindQuery& q) {
  Update u;
  u.dtype = q.input(0).dtype;
  ANYRT_ASSIGN(u.how, parse_scatter_reduction(q.s("reduction")));
  u.bytes = q.input(0).count() * static_cast<int64_t>(element_size(u.dtype));
  if (u.bytes == 0 || q.input(2).count() == 0) return not_implemented("nothing to scatter");
  return u;
}

Bound bind_scatter_nd(const BindQuery& q, const State&) {
  ANYRT_ASSIGN(const Tuples t, tuples_of(q, 0));
  ANYRT_ASSIGN(Update u, update_of(q));
  u.count = t.count;
  u.length = product(q.input(0).dims, t.depth, q.input(0).rank());
  Dims expected(q.input(1).dims.begin(), q.input(1).dims.end() - 1);
  expected.insert(expected.end(), q.input(0).dims.begin() + t.depth, q.input(0).dims.end());
  if (q.input(2).dims != expected) return not_implemented("updates of another shape");
  return bound_step(
      [=](const StepArgs& args) -> Status {
        const int64_t* indices = args.input<int64_t>(1);
        auto* offsets = reinterpret_cast<int64_t*>(args.scratch);
        for (int64_t k = 0; k < t.count; ++k) {
          ANYRT_ASSIGN(offsets[k], t.offset(indices + k * t.depth));
        }
        return write_updates(u, args, offsets);
      },
      static_cast<size_t>(t.count) * sizeof(int64_t));
}

struct Elements {
  Dims dims, strides;  // dims of the indices, strides of the data; 0 along the axis
  int64_t axis = 0, n = 0, stride = 0;

  template <class Index>
  Status offsets(const Index* picks, int64_t* out) const {
    const size_t rank = dims.size();
    const int64_t inner = dims[rank - 1], step = strides[rank - 1];
    int64_t at[kMaxRank] = {}, base = 0, rows = 1;
    for (size_t a = 0; a + 1 < rank; ++a) rows *= dims[a];
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < inner; ++i) {
        auto index = static_cast<int64_t>(*picks++);
        if (index < -n || index >= n) return bad_index(index, n, axis);
        if (index < 0) index += n;
        *out++ = base + i * step + index * stride;
      }
      for (size_t a = rank - 1; a-- > 0;) {
        base += strides[a];
        if (++at[a] < dims[a]) break;
        at[a] = 0;
        base -= strides[a] * dims[a];
      }
    }
    return {};
  }
};

Bound bind_scatter_elements(const BindQuery& q, const State&) {
  const Dims &data = q.input(0).dims, &indices = q.input(1).dims;
  ANYRT_ASSIGN(Update u, update_of(q));
  if (data.empty() || data.size() > kMaxRank || indices.size() != data.size() || q.input(2).dims != indices)
    return not_implemented("indices or updates of another shape");
  Elements e;
  ANYRT_ASSIGN(e.axis, normalize_axis(q.i("axis"), q.input(0).rank()));
  const auto axis = static_cast<size_t>(e.axis);
  for (size_t a = 0; a < data.size(); ++a) {
    if (a != axis && indices[a] > data[a]) return not_implemented("indices that do not fit");
  }
  e.dims = indices;
  e.strides = row_major_strides(data);
  e.n = data[axis];
  e.stride = std::exchange(e.strides[axis], 0);
  u.count = q.input(1).count();
  return bound_step(
      [e, u, wide = q.input(1).dtype == DType::kInt64](const StepArgs& args) -> Status {
        auto* offsets = reinterpret_cast<int64_t*>(args.scratch);
        ANYRT_TRY(wide ? e.offsets(args.input<int64_t>(1), offsets) : e.offsets(args.input<int32_t>(1), offsets));
        return write_updates(u, args, offsets);
      },
      static_cast<size_t>(u.count) * sizeof(int64_t));
}

constexpr KernelRow kRows[] = {
    {.kernel = "gather_nd", .op = "GatherND", .dtypes = kMovable, .bind = bind_gather_nd},
    {.kernel = "scatter_nd", .op = "ScatterND", .dtypes = kMovable, .in_place = 1, .bind = bind_scatter_nd},
    {.kernel = "scatter_elements",
     .op = "ScatterElements",
     .dtypes = kMovable,
     .in_place = 1,
     .bind = bind_scatter_elements},
};

}  // namespace

extern const KernelTable kernels_scatter = {kRows};

}  // namespace anyrt::cpu
#endif
