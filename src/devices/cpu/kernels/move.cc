#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/copy_common.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"

// Operators that put elements somewhere else and leave them as they are.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr DTypeSet kMovable = kAllDTypes - DTypeSet(DType::kString);
constexpr size_t kMaxRank = 32;

Status check_rank(size_t rank) {
  return rank <= kMaxRank ? Status() : not_implemented("rank {} is beyond {}", rank, kMaxRank);
}

Bound copy_step(const BindQuery& q, const Dims& dims, const Dims& from, const Dims& to, int64_t first = 0) {
  ANYRT_TRY(check_rank(dims.size()));
  const size_t element = element_size(q.input(0).dtype);
  return bound_step([copy = StridedCopy(element, dims, from, to),
                     skip = first * static_cast<int64_t>(element)](const StepArgs& args) {
    copy.run(args.input<std::byte>(0) + skip, args.out[0], args.threads);
    return Status();
  });
}

Bound bind_transpose(const BindQuery& q, const State&) {
  const Dims& in = q.input(0).dims;
  std::vector<int64_t> perm = q.ints("perm");
  if (perm.empty()) {
    for (size_t i = in.size(); i-- > 0;) perm.push_back(static_cast<int64_t>(i));
  }
  const Dims strides = row_major_strides(in);
  Dims from;
  for (const int64_t p : perm) from.push_back(strides[static_cast<size_t>(p)]);
  return copy_step(q, q.output(0).dims, from, row_major_strides(q.output(0).dims));
}

Bound bind_expand(const BindQuery& q, const State&) {
  const Dims& out = q.output(0).dims;
  return copy_step(q, out, broadcast_strides(q.input(0).dims, out), row_major_strides(out));
}

Bound bind_tile(const BindQuery& q, const State&) {
  const Dims &in = q.input(0).dims, &out = q.output(0).dims;
  const Dims in_strides = row_major_strides(in), out_strides = row_major_strides(out);
  Dims dims, from, to;
  for (size_t i = 0; i < in.size(); ++i) {
    dims.push_back(in[i] ? out[i] / in[i] : 0);
    from.push_back(0);
    to.push_back(out_strides[i] * in[i]);
    dims.push_back(in[i]);
    from.push_back(in_strides[i]);
    to.push_back(out_strides[i]);
  }
  return copy_step(q, dims, from, to);
}

Bound bind_slice(const BindQuery& q, const State&) {
  const Dims& in = q.input(0).dims;
  const auto& starts = q.input(1).ints;
  if (!starts || !q.input(2).ints) return not_implemented("starts and ends are known only when it runs");
  std::vector<int64_t> axes, steps(starts->size(), 1);
  for (size_t i = 0; i < starts->size(); ++i) axes.push_back(static_cast<int64_t>(i));
  if (q.has_input(3)) {
    if (!q.input(3).ints) return not_implemented("axes are known only when it runs");
    axes = *q.input(3).ints;
  }
  if (q.has_input(4)) {
    if (!q.input(4).ints) return not_implemented("steps are known only when it runs");
    steps = *q.input(4).ints;
  }
  ANYRT_ASSIGN(axes, normalize_axes(axes, q.input(0).rank()));
  const auto& ends = *q.input(2).ints;
  if (axes.size() != starts->size() || steps.size() != axes.size() || ends.size() != axes.size())
    return invalid_argument("starts, ends, axes and steps have different lengths");
  Dims from = row_major_strides(in);
  int64_t first = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    if (steps[i] == 0) return invalid_argument("a step is 0");
    const AxisRange range = clamp_range((*starts)[i], ends[i], steps[i], in[axis]);
    if (range.count != q.output(0).dims[axis]) return internal_error("axis {} has another length", axis);
    if (range.count == 0) continue;
    first += range.start * from[axis];
    if (__builtin_mul_overflow(from[axis], range.count > 1 ? steps[i] : 1, &from[axis]))
      return invalid_argument("a step is too large");
  }
  return copy_step(q, q.output(0).dims, from, row_major_strides(q.output(0).dims), first);
}

// Copies between a whole and its parts along an axis, one outer index after the other.
Bound parts_step(const BindQuery& q, int64_t axis_number, bool join) {
  const BoundTensor& whole = join ? q.output(0) : q.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(axis_number, whole.rank()));
  const auto element = static_cast<int64_t>(element_size(whole.dtype));
  const int64_t outer = product(whole.dims, 0, axis);
  std::vector<int64_t> parts;  // bytes of one outer index
  int64_t total = 0;
  for (size_t k = 0; k < (join ? q.num_inputs() : q.num_outputs()); ++k) {
    const BoundTensor& t = join ? q.input(k) : q.output(k);
    if (!t.present()) return not_implemented("a part is omitted");
    parts.push_back(product(t.dims, axis, t.rank()) * element);
    total += parts.back();
  }
  return bound_step([parts, outer, total, join](const StepArgs& args) {
    const int64_t grain = std::max<int64_t>(1, (1 << 16) / std::max<int64_t>(1, total));
    const auto copy = [&](int64_t begin, int64_t end) {
      int64_t skip = 0;
      for (size_t k = 0; k < parts.size(); ++k) {
        const int64_t bytes = parts[k];
        if (bytes == 0) continue;
        const auto* from = join ? args.input<std::byte>(k) : args.input<std::byte>(0) + skip;
        auto* to = join ? args.output<std::byte>(0) + skip : args.output<std::byte>(k);
        const int64_t from_step = join ? bytes : total, to_step = join ? total : bytes;
        for (int64_t i = begin; i < end; ++i)
          std::memcpy(to + i * to_step, from + i * from_step, static_cast<size_t>(bytes));
        skip += bytes;
      }
    };
    if (grain >= outer) {
      copy(0, outer);
    } else {
      parallel_for(outer, grain, copy, args.threads);
    }
    return Status();
  });
}

Bound bind_concat(const BindQuery& q, const State&) { return parts_step(q, q.i("axis"), true); }
Bound bind_split(const BindQuery& q, const State&) { return parts_step(q, q.i("axis"), false); }

Bound bind_depth_to_space(const BindQuery& q, const State&) {
  const Dims& in = q.input(0).dims;
  const int64_t b = q.i("blocksize"), n = in[0], c = in[1] / (b * b), h = in[2], w = in[3];
  const bool dcr = q.s("mode") == "DCR";
  // Target order: n, c, h, block row, w, block column.
  const int64_t plane = h * w;
  const Dims dims = {n, c, h, b, w, b};
  const Dims from = dcr ? Dims{in[1] * plane, plane, w, b * c * plane, 1, c * plane}
                        : Dims{in[1] * plane, b * b * plane, w, b * plane, 1, plane};
  return copy_step(q, dims, from, row_major_strides(dims));
}

Bound bind_space_to_depth(const BindQuery& q, const State&) {
  const Dims& in = q.input(0).dims;
  const int64_t b = q.i("blocksize"), n = in[0], c = in[1], h = in[2] / b, w = in[3] / b;
  const int64_t plane = in[2] * in[3];
  // Target order: n, block row, block column, c, h, w; with CRD the channels come before the block.
  const bool dcr = q.s("mode") == "DCR";
  const Dims dims = dcr ? Dims{n, b, b, c, h, w} : Dims{n, c, b, b, h, w};
  const Dims from =
      dcr ? Dims{c * plane, in[3], 1, plane, b * in[3], b} : Dims{c * plane, plane, in[3], 1, b * in[3], b};
  return copy_step(q, dims, from, row_major_strides(dims));
}

constexpr KernelRow kRows[] = {
    {.kernel = "transpose", .op = "Transpose", .dtypes = kMovable, .bind = bind_transpose},
    {.kernel = "expand", .op = "Expand", .dtypes = kMovable, .bind = bind_expand},
    {.kernel = "tile", .op = "Tile", .dtypes = kMovable, .bind = bind_tile},
    {.kernel = "slice", .op = "Slice", .dtypes = kMovable, .bind = bind_slice},
    {.kernel = "concat", .op = "Concat", .dtypes = kMovable, .bind = bind_concat},
    {.kernel = "split", .op = "Split", .dtypes = kMovable, .bind = bind_split},
    {.kernel = "depth_to_space", .op = "DepthToSpace", .dtypes = kMovable, .bind = bind_depth_to_space},
    {.kernel = "space_to_depth", .op = "SpaceToDepth", .dtypes = kMovable, .bind = bind_space_to_depth},
};

}  // namespace

extern const KernelTable kernels_move = {kRows};

}  // namespace anyrt::cpu
