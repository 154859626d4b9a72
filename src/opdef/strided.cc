#include "opdef/strided.h"

#include <algorithm>

#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {

namespace {

// Merges neighbouring axes that one stride walks through and drops those of one element.
void coalesce(Dims& dims, Dims& strides) {
  size_t n = 0;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    if (n > 0 && strides[n - 1] == strides[i] * dims[i]) {
      dims[n - 1] *= dims[i];
      strides[n - 1] = strides[i];
    } else {
      dims[n] = dims[i];
      strides[n++] = strides[i];
    }
  }
  dims.resize(n);
  strides.resize(n);
}

template <class T>
void copy_strided(const T* x, T* y, const Dims& dims, const Dims& strides) {
  const int64_t inner = dims.empty() ? 1 : dims.back();
  const int64_t step = dims.empty() ? 1 : strides.back();
  const Dims outer(dims.begin(), dims.empty() ? dims.end() : dims.end() - 1);
  std::vector<int64_t> idx(outer.size(), 0);
  do {
    int64_t offset = 0;
    for (size_t i = 0; i < outer.size(); ++i) offset += idx[i] * strides[i];
    const T* src = x + offset;
    if (step == 1) {
      std::copy_n(src, inner, y);
    } else {
      for (int64_t i = 0; i < inner; ++i) y[i] = src[i * step];
    }
    y += inner;
  } while (next_index(idx, outer));
}

}  // namespace

Expected<Tensor> read_strided(const Tensor& x, int64_t offset, const Dims& dims, const Dims& strides) {
  ANYRT_ASSIGN(Tensor y, Tensor::make(x.dtype(), dims));
  if (y.size() == 0) return y;
  Dims merged_dims = dims, merged_strides = strides;
  coalesce(merged_dims, merged_strides);
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    copy_strided(storage<T>(x) + offset, mutable_storage<T>(y), merged_dims, merged_strides);
  });
  return y;
}

AxisRange clamp_range(int64_t start, int64_t end, int64_t step, int64_t dim) {
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  // Distances are below `dim`, so a step of any size divides them without overflow.
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, dim);
    end = std::clamp<int64_t>(end, 0, dim);
    return {start, step, end > start ? (end - start - 1) / step + 1 : 0};
  }
  if (dim == 0) return {0, step, 0};
  start = std::clamp<int64_t>(start, 0, dim - 1);
  end = std::clamp<int64_t>(end, -1, dim - 1);
  const uint64_t back = ~static_cast<uint64_t>(step) + 1;
  const int64_t count = start > end ? static_cast<int64_t>(static_cast<uint64_t>(start - end - 1) / back) + 1 : 0;
  return {start, step, count};
}

Expected<Tensor> slice(const Tensor& x, std::span<const AxisRange> ranges) {
  const Dims own = row_major_strides(x.dims());
  Dims dims(ranges.size()), strides(ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) dims[i] = ranges[i].count;
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return Tensor::make(x.dtype(), dims);
  int64_t offset = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    // A huge step leaves one element, whose stride does not matter.
    strides[i] = ranges[i].count > 1 ? own[i] * ranges[i].step : 0;
    offset += own[i] * ranges[i].start;
  }
  return read_strided(x, offset, dims, strides);
}

Expected<Tensor> slice_axis(const Tensor& x, int64_t axis, int64_t start, int64_t count) {
  std::vector<AxisRange> ranges(x.dims().size());
  for (size_t i = 0; i < ranges.size(); ++i) ranges[i].count = x.dims()[i];
  ranges[axis] = {start, 1, count};
  return slice(x, ranges);
}

Expected<Tensor> view_row(const Tensor& x, int64_t i) {
  Dims dims(x.dims().begin() + 1, x.dims().end());
  if (x.dtype() == DType::kString || x.size() == 0) {
    ANYRT_ASSIGN(Tensor row, slice_axis(x, 0, i, 1));
    return row.reshaped(std::move(dims));
  }
  const size_t row_bytes = x.bytes() / static_cast<size_t>(x.dim(0));
  return Tensor::view(x.dtype(), std::move(dims), x.buffer(), x.buffer_offset() + static_cast<size_t>(i) * row_bytes);
}

Expected<Dims> concat_dims(std::span<const Tensor* const> parts, int64_t axis) {
  const Tensor& first = *parts[0];
  Dims dims = first.dims();
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i]->dtype() != first.dtype()) {
      return invalid_argument("part {} is {}, expected elements of {}", i, parts[i]->type_string(),
                              dtype_name(first.dtype()));
    }
    const Dims& d = parts[i]->dims();
    Dims same = d;
    if (d.size() == dims.size()) same[axis] = dims[axis];
    if (same != dims) {
      return invalid_argument("input {} has shape {}, which does not fit {} on axis {}", i, shape_string(d),
                              shape_string(first.dims()), axis);
    }
    if (__builtin_add_overflow(dims[axis], d[axis], &dims[axis])) {
      return invalid_argument("the joined axis overflows");
    }
  }
  return dims;
}

void concat_into(Tensor& y, std::span<const Tensor* const> parts, int64_t axis) {
  if (y.size() == 0) return;
  const Dims& dims = y.dims();
  const int64_t outer = product(dims, 0, axis), inner = product(dims, axis + 1, static_cast<int64_t>(dims.size()));
  const int64_t row = dims[axis] * inner;
  dispatch_storage(y.dtype(), [&]<class T>(TypeTag<T>) {
    T* out = mutable_storage<T>(y);
    int64_t offset = 0;
    for (const Tensor* x : parts) {
      const int64_t n = x->dims()[axis] * inner;
      const T* in = storage<T>(*x);
      for (int64_t o = 0; o < outer; ++o) std::copy_n(in + o * n, n, out + o * row + offset);
      offset += n;
    }
  });
}

Expected<Tensor> concat(std::span<const Tensor> parts, int64_t axis) {
  if (parts.empty()) return invalid_argument("there is nothing to join");
  std::vector<const Tensor*> pointers;
  for (const Tensor& t : parts) pointers.push_back(&t);
  ANYRT_ASSIGN(Dims dims, concat_dims(pointers, axis));
  ANYRT_ASSIGN(Tensor y, Tensor::make(parts[0].dtype(), std::move(dims)));
  concat_into(y, pointers, axis);
  return y;
}

Expected<Tensor> stack(std::span<const Tensor> parts, int64_t axis) {
  std::vector<Tensor> lifted;
  lifted.reserve(parts.size());
  for (const Tensor& t : parts) {
    if (t.dims() != parts[0].dims()) {
      return invalid_argument("shapes {} and {} cannot be stacked", shape_string(parts[0].dims()),
                              shape_string(t.dims()));
    }
    Dims dims = t.dims();
    dims.insert(dims.begin() + axis, 1);
    ANYRT_ASSIGN(Tensor one, t.reshaped(std::move(dims)));
    lifted.push_back(std::move(one));
  }
  return concat(lifted, axis);
}

Expected<std::vector<int64_t>> wrap_indices(const Tensor& indices, int64_t limit) {
  ANYRT_ASSIGN(std::vector<int64_t> out, to_int64s(indices));
  for (int64_t& i : out) {
    if (i < -limit || i >= limit) {
      return make_error(Code::kOutOfRange, "index {} is outside of [{}, {}]", i, -limit, limit - 1);
    }
    if (i < 0) i += limit;
  }
  return out;
}

Expected<std::vector<int64_t>> element_offsets(const Dims& dims, const Dims& index_dims, int64_t axis,
                                               const std::vector<int64_t>& picks) {
  bool fits = index_dims.size() == dims.size();
  for (size_t i = 0; fits && i < dims.size(); ++i) {
    fits = static_cast<int64_t>(i) == axis || index_dims[i] <= dims[i];
  }
  if (!fits) {
    return invalid_argument("indices of shape {} do not fit data of shape {} on axis {}", shape_string(index_dims),
                            shape_string(dims), axis);
  }
  std::vector<int64_t> offsets(picks.size());
  if (picks.empty()) return offsets;
  Dims strides = row_major_strides(dims);
  const int64_t axis_stride = strides[axis];
  strides[axis] = 0;
  const int64_t inner = index_dims.back(), step = strides.back();
  const Dims outer(index_dims.begin(), index_dims.end() - 1);
  std::vector<int64_t> idx(outer.size(), 0);
  size_t at = 0;
  do {
    int64_t base = 0;
    for (size_t i = 0; i < outer.size(); ++i) base += idx[i] * strides[i];
    for (int64_t i = 0; i < inner; ++i, ++at) offsets[at] = base + i * step + picks[at] * axis_stride;
  } while (next_index(idx, outer));
  return offsets;
}

Expected<std::vector<int64_t>> tuple_offsets(std::span<const int64_t> dims, const Tensor& indices) {
  const size_t depth = static_cast<size_t>(indices.dims().back());
  const int64_t count = product(indices.dims(), 0, indices.rank() - 1);
  ANYRT_TRY(checked_element_count(std::span(indices.dims()).first(indices.dims().size() - 1)).status());
  ANYRT_ASSIGN(const std::vector<int64_t> tuples, to_int64s(indices));
  const Dims strides = row_major_strides(Dims(dims.begin(), dims.end()));
  std::vector<int64_t> offsets;
  // Empty tuples take no bytes in a model, so that their number could be anything.
  if (depth == 0 && count > (1 << 24)) return invalid_argument("{} empty index tuples are too many", count);
  offsets.assign(static_cast<size_t>(count), 0);
  for (size_t k = 0; k < offsets.size(); ++k) {
    for (size_t j = 0; j < depth; ++j) {
      int64_t i = tuples[k * depth + j];
      if (i < -dims[j] || i >= dims[j]) {
        return make_error(Code::kOutOfRange, "index {} is outside of [{}, {}] of axis {}", i, -dims[j], dims[j] - 1, j);
      }
      offsets[k] += (i < 0 ? i + dims[j] : i) * strides[j];
    }
  }
  return offsets;
}

}  // namespace anyrt
