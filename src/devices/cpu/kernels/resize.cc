#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernel.h"
#include "opdef/resample.h"
#include "opdef/shape_util.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/resize.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// y[o] = sum over k of weight[k * out + o] * x[index[k * out + o]].
void weigh_columns(const float* x, const int32_t* index, const float* weight, int64_t taps, int64_t out, float* y) {
  const D d;
  const hn::RebindToSigned<D> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t o = 0;
  for (; o + lanes <= out; o += lanes) {
    V sum = hn::Zero(d);
    for (int64_t k = 0; k < taps; ++k) {
      const V in = hn::GatherIndex(d, x, hn::LoadU(di, index + k * out + o));
      sum = hn::MulAdd(hn::LoadU(d, weight + k * out + o), in, sum);
    }
    hn::StoreU(sum, d, y + o);
  }
  for (; o < out; ++o) {
    float sum = 0;
    for (int64_t k = 0; k < taps; ++k) sum += weight[k * out + o] * x[index[k * out + o]];
    y[o] = sum;
  }
}

// y = sum over k of weight[k] * x[k], n elements.
void weigh_rows(const float* const* x, const float* weight, int64_t taps, int64_t n, float* y) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    V sum = hn::Zero(d);
    for (int64_t k = 0; k < taps; ++k) sum = hn::MulAdd(hn::Set(d, weight[k]), hn::LoadU(d, x[k] + i), sum);
    hn::StoreU(sum, d, y + i);
  }
  for (; i < n; ++i) {
    float sum = 0;
    for (int64_t k = 0; k < taps; ++k) sum += weight[k] * x[k][i];
    y[i] = sum;
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(weigh_columns);
HWY_EXPORT(weigh_rows);

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kMostTaps = 64;

// [outer, rows, columns, inner]: only rows and columns change.
struct Frame {
  int64_t outer = 1, inner = 1;
  ResizeAxis rows, columns;
};

Expected<std::vector<ResizeAxis>> axes_of(const BindQuery& q) {
  std::vector<float> scales;
  std::vector<int64_t> sizes;
  if (q.has_input(3)) {
    if (!q.input(3).ints) return not_implemented("sizes are known only when it runs");
    sizes = *q.input(3).ints;
  }
  if (q.has_input(2) && q.input(2).count() > 0 && sizes.empty()) {
    const Tensor* t = q.input(2).constant;
    if (!t) return not_implemented("scales are known only when it runs");
    scales.assign(t->data<float>(), t->data<float>() + t->size());
  }
  return resize_axes(q, q.input(0).dims, scales, sizes, {});
}

Expected<Frame> frame_of(const BindQuery& q) {
  ANYRT_ASSIGN(const std::vector<ResizeAxis> axes, axes_of(q));
  Frame f;
  std::vector<size_t> moving;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].in != axes[i].out || axes[i].scale != 1) moving.push_back(i);
    if (axes[i].out != q.output(0).dims[i]) return internal_error("axis {} has another length", i);
  }
  if (moving.empty() || moving.size() > 2 || (moving.size() == 2 && moving[1] != moving[0] + 1))
    return not_implemented("other axes than two neighbours");
  const size_t last = moving.back(), first = moving.size() == 2 ? moving[0] : last;
  f.columns = axes[last];
  if (first != last) f.rows = axes[first];
  for (size_t i = 0; i < first; ++i) f.outer *= axes[i].in;
  for (size_t i = last + 1; i < axes.size(); ++i) f.inner *= axes[i].in;
  if (q.input(0).count() == 0 || q.output(0).count() == 0) return not_implemented("an empty tensor");
  if (f.columns.in * f.inner > INT32_MAX) return not_implemented("rows are too long");
  return f;
}

Bound bind_nearest(const BindQuery& q, CoordinateMode mode) {
  ANYRT_ASSIGN(const Frame f, frame_of(q));
  const auto map = [&](const ResizeAxis& a) {
    const bool same = a.in == a.out && a.scale == 1;
    return nearest_map(a, same ? CoordinateMode::kAsymmetric : mode, q.s("nearest_mode"));
  };
  ANYRT_ASSIGN(std::vector<int64_t> rows, map(f.rows));
  ANYRT_ASSIGN(std::vector<int64_t> columns, map(f.columns));
  return bound_step([f, rows = std::move(rows), columns = std::move(columns)](const StepArgs& args) {
    const float* x = args.input<float>(0);
    float* y = args.output<float>(0);
    const int64_t in_row = f.columns.in * f.inner, out_row = f.columns.out * f.inner;
    parallel_for(
        f.outer * f.rows.out, 1 + (1 << 15) / out_row,
        [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            const int64_t o = r / f.rows.out, row = rows[static_cast<size_t>(r % f.rows.out)];
            float* to = y + r * out_row;
            if (r > begin && r % f.rows.out > 0 && rows[static_cast<size_t>(r % f.rows.out - 1)] == row) {
              std::memcpy(to, to - out_row, static_cast<size_t>(out_row) * sizeof(float));
              continue;
            }
            const float* from = x + (o * f.rows.in + row) * in_row;
            if (f.inner == 1) {
              for (size_t i = 0; i < columns.size(); ++i) to[i] = from[columns[i]];
            } else {
              for (const int64_t c : columns) {
                std::memcpy(to, from + c * f.inner, static_cast<size_t>(f.inner) * sizeof(float));
                to += f.inner;
              }
            }
          }
        },
        args.threads);
    return Status();
  });
}

Bound bind_filtered(const BindQuery& q, const FilterOptions& options) {
  ANYRT_ASSIGN(const Frame f, frame_of(q));
  const auto filter = [&](const ResizeAxis& a) -> Expected<AxisFilter> {
    if (a.in != a.out || a.scale != 1) return make_filter(a, options);
    AxisFilter same;
    for (int64_t i = 0; i < a.out; ++i) {
      same.index.push_back(i);
      same.weight.push_back(1);
    }
    return same;
  };
  ANYRT_ASSIGN(const AxisFilter rows, filter(f.rows));
  ANYRT_ASSIGN(const AxisFilter columns, filter(f.columns));
  if (rows.taps > kMostTaps || columns.taps > kMostTaps) return not_implemented("filters of many taps");
  // By tap, then by output column.
  std::vector<int32_t> index;
  std::vector<float> weight, row_weight(rows.weight.begin(), rows.weight.end());
  for (int64_t k = 0; k < columns.taps; ++k) {
    for (int64_t o = 0; o < f.columns.out; ++o) {
      index.push_back(static_cast<int32_t>(columns.index[static_cast<size_t>(o * columns.taps + k)]));
      weight.push_back(static_cast<float>(columns.weight[static_cast<size_t>(o * columns.taps + k)]));
    }
  }
  const size_t slots = slot_count(), each = static_cast<size_t>(f.rows.in * f.columns.out * f.inner);
  const auto weigh_columns_f = HWY_DYNAMIC_DISPATCH(weigh_columns);
  const auto weigh_rows_f = HWY_DYNAMIC_DISPATCH(weigh_rows);
  return bound_step(
      [=, index = std::move(index), weight = std::move(weight), row_weight = std::move(row_weight),
       row_index = rows.index](const StepArgs& args) {
        const int64_t in_row = f.columns.in * f.inner, out_row = f.columns.out * f.inner;
        const auto along_columns = [&](const float* x, float* temp, int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            const float* from = x + r * in_row;
            float* to = temp + r * out_row;
            if (f.inner == 1) {
              weigh_columns_f(from, index.data(), weight.data(), columns.taps, f.columns.out, to);
              continue;
            }
            for (int64_t o = 0; o < f.columns.out; ++o) {
              const float* parts[kMostTaps];
              float w[kMostTaps];
              for (int64_t k = 0; k < columns.taps; ++k) {
                parts[k] = from + index[static_cast<size_t>(k * f.columns.out + o)] * f.inner;
                w[k] = weight[static_cast<size_t>(k * f.columns.out + o)];
              }
              weigh_rows_f(parts, w, columns.taps, f.inner, to + o * f.inner);
            }
          }
        };
        const auto along_rows = [&](const float* temp, float* y, int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            const float* parts[kMostTaps];
            for (int64_t k = 0; k < rows.taps; ++k)
              parts[k] = temp + row_index[static_cast<size_t>(r * rows.taps + k)] * out_row;
            weigh_rows_f(parts, row_weight.data() + r * rows.taps, rows.taps, out_row, y + r * out_row);
          }
        };
        auto* scratch = reinterpret_cast<float*>(args.scratch);
        const float* x = args.input<float>(0);
        float* y = args.output<float>(0);
        const int threads =
            std::min(args.threads > 0 ? args.threads : static_cast<int>(slots), static_cast<int>(slots));
        const int64_t in_plane = f.rows.in * in_row, out_plane = f.rows.out * out_row;
        if (f.outer < 2 * threads) {
          for (int64_t o = 0; o < f.outer; ++o) {
            parallel_for(
                f.rows.in, 1 + (1 << 14) / out_row,
                [&](int64_t begin, int64_t end) { along_columns(x + o * in_plane, scratch, begin, end); }, threads);
            parallel_for(
                f.rows.out, 1 + (1 << 14) / out_row,
                [&](int64_t begin, int64_t end) { along_rows(scratch, y + o * out_plane, begin, end); }, threads);
          }
          return Status();
        }
        Slots free(slots);
        parallel_for(
            f.outer, 1 + (1 << 14) / out_plane,
            [&](int64_t begin, int64_t end) {
              const size_t slot = free.take();
              float* temp = scratch + slot * each;
              for (int64_t o = begin; o < end; ++o) {
                along_columns(x + o * in_plane, temp, 0, f.rows.in);
                along_rows(temp, y + o * out_plane, 0, f.rows.out);
              }
              free.give_back(slot);
            },
            threads);
        return Status();
      },
      slots * each * sizeof(float));
}

Bound bind_resize(const BindQuery& q, const State&) {
  ANYRT_ASSIGN(const CoordinateMode mode, read_coordinate_mode(q));
  if (mode == CoordinateMode::kTfCropAndResize) return not_implemented("cropping");
  if (q.s("mode") == "nearest") return bind_nearest(q, mode);
  FilterOptions options;
  options.coordinates = mode;
  options.cubic = q.s("mode") == "cubic";
  options.antialias = q.i("antialias") != 0;
  options.exclude_outside = q.i("exclude_outside") != 0;
  options.cubic_a = q.f("cubic_coeff_a");
  return bind_filtered(q, options);
}

constexpr KernelRow kRows[] = {{.kernel = "f32_resize", .op = "Resize", .bind = bind_resize}};

}  // namespace

extern const KernelTable kernels_resize = {kRows};

}  // namespace anyrt::cpu
#endif
