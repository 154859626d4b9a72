#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "tensor/tensor.h"

// Moving elements of any dtype: strided reads, slices, joins and checked indices.

namespace anyrt {

// A dense tensor of `dims` whose element at index i is x's element number offset + sum(i * strides), counted in
// elements. Strides may be zero or negative; every element read must lie in x.
Expected<Tensor> read_strided(const Tensor& x, int64_t offset, const Dims& dims, const Dims& strides);

// Some elements of one axis: start, start + step, … (count of them).
struct AxisRange {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};
// ONNX's reading of [start, end) with a step that is not 0 on an axis of `dim` elements: negative positions count from
// the end, and what lies outside is cut off.
AxisRange clamp_range(int64_t start, int64_t end, int64_t step, int64_t dim);
// The elements of x in one range for each axis.
Expected<Tensor> slice(const Tensor& x, std::span<const AxisRange> ranges);
// The same for elements [start, start + count) of one axis.
Expected<Tensor> slice_axis(const Tensor& x, int64_t axis, int64_t start, int64_t count);
// Element i of axis 0 without that axis, sharing x's bytes.
Expected<Tensor> view_row(const Tensor& x, int64_t i);

// The shape of `parts` joined along `axis`, which is normalised; the other dims, and the dtypes, must agree.
Expected<Dims> concat_dims(std::span<const Tensor* const> parts, int64_t axis);
// Writes the joined parts into y, which has the shape that concat_dims gave.
void concat_into(Tensor& y, std::span<const Tensor* const> parts, int64_t axis);
Expected<Tensor> concat(std::span<const Tensor> parts, int64_t axis);
// Joins tensors of one shape along a new axis.
Expected<Tensor> stack(std::span<const Tensor> parts, int64_t axis);

// Integer indices into `limit` elements, negative ones counting from the end; an error names the first that is outside.
Expected<std::vector<int64_t>> wrap_indices(const Tensor& indices, int64_t limit);

// Offsets in a tensor of `dims` of the elements that an index tensor of shape `index_dims` addresses: its own indices,
// except along `axis`, where picks[i], already in range, takes their place.
Expected<std::vector<int64_t>> element_offsets(const Dims& dims, const Dims& index_dims, int64_t axis,
                                               const std::vector<int64_t>& picks);
// The last axis of `indices` holds tuples that index the leading axes of `dims`: the offset where each leads.
Expected<std::vector<int64_t>> tuple_offsets(std::span<const int64_t> dims, const Tensor& indices);

}  // namespace anyrt
