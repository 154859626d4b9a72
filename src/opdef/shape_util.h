#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "opdef/eval.h"
#include "opdef/infer.h"
#include "tensor/dim.h"
#include "tensor/tensor.h"

namespace anyrt {

// axis in [-rank, rank) -> [0, rank); `extra` admits axes up to rank - 1 + extra (Flatten takes axis == rank).
Expected<int64_t> normalize_axis(int64_t axis, int64_t rank, int64_t extra = 0);
// The same for a list; duplicates are an error. Sorted when `sort`.
Expected<std::vector<int64_t>> normalize_axes(std::span<const int64_t> axes, int64_t rank, bool sort = false);

Dims row_major_strides(const Dims& dims);        // in elements
int64_t product(std::span<const int64_t> dims);  // of dims known to be valid
int64_t product(const Dims& dims, int64_t from, int64_t to);

// NumPy broadcasting. An error names both shapes.
Expected<Dims> broadcast_dims(const Dims& a, const Dims& b);
// Symbolic: 1 gives way, equal dims stay, an integer above 1 wins over a symbol, n over min(512, n), two different
// symbols give unknown.
Expected<SymShape> broadcast_shapes(const SymShape& a, const SymShape& b);
// Strides that make a tensor of `dims` read as `out` (0 on broadcast axes). The shapes must be compatible.
Dims broadcast_strides(const Dims& dims, const Dims& out);

// Visits `out` in row-major order in inner runs: f(out_offset, a_offset, b_offset, count, a_step, b_step).
using BinaryRun = std::function<void(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t)>;
void for_each_broadcast_run(const Dims& out, const Dims& a, const Dims& b, const BinaryRun& f);

// Steps a multi-index over `dims` in row-major order; false after the last one.
bool next_index(std::vector<int64_t>& idx, const Dims& dims);

// Materialises a broadcast: `x` as `out` dims (any dtype).
Expected<Tensor> broadcast_to(const Tensor& x, const Dims& out);
// Reorders axes: result axis i is input axis perm[i]. Any dtype.
Expected<Tensor> transpose(const Tensor& x, std::span<const int64_t> perm);

// --- inference building blocks ---
// Product of dims [from, to).
Dim shape_product(const SymShape& shape, size_t from, size_t to);
// True when the expression cannot be negative while its symbols, being dims, are not.
bool surely_nonnegative(const Dim& d);
// Number of elements of 1-D input i (a shape, axes), when known: the rank of something. At most 64.
std::optional<size_t> known_length(const InferContext& c, size_t i);
// Output 0 holds the elements of input 0 in the same order (Reshape, Squeeze …).
void forward_elements(InferContext& c);
// Output 0 has the type and shape of input 0.
Status infer_same(InferContext& c);
// The same; known integer elements pass through (roundings, Identity …).
Status infer_same_elements(InferContext& c);
// Output 0 has the shape of input 0 and bool elements.
Status infer_same_bool(InferContext& c);
// Output 0 has the dtype of input 0 and the broadcast shape of all inputs.
Status infer_broadcast(InferContext& c);
// The same, but bool elements.
Status infer_broadcast_bool(InferContext& c);
// Elements of integer inputs 0 and 1 combined by f, where they are known and broadcasting is plain.
std::optional<SymShape> combine_elements(const InferContext& c, Dim (*f)(const Dim&, const Dim&));
// infer_broadcast, with combine_elements for the elements.
Status infer_broadcast_elements(InferContext& c, Dim (*f)(const Dim&, const Dim&));

}  // namespace anyrt
