#pragma once

#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

// Reductions over axes: input 0 is the data, input 1 the axes (optional), attributes keepdims and noop_with_empty_axes.

namespace anyrt {

// How a shape falls into kept and reduced axes. Neighbours of one kind are merged and axes of length 1 dropped.
struct Reduction {
  Dims output;                // as keepdims says
  Dims groups;                // at least one
  std::vector<int64_t> step;  // of each group in the output; 0 when it is reduced
  int64_t outputs = 1;        // number of results
  int64_t count = 1;          // elements that meet in one result
};

Expected<Reduction> plan_reduction(const Dims& dims, std::span<const int64_t> axes, bool keepdims);
// Reads axes and attributes of a Reduce* node.
Expected<Reduction> plan_reduction(const EvalContext& c);

// step(acc[o], x[i], o) for every element i and the result o it belongs to, in order of i.
template <class T, class Acc, class Step>
void fold(const Reduction& r, const T* x, Acc* acc, Step step) {
  if (r.outputs == 0 || r.count == 0) return;
  const int64_t n = r.groups.back();
  const bool reduced = r.step.back() == 0;
  const Dims outer(r.groups.begin(), r.groups.end() - 1);
  std::vector<int64_t> idx(outer.size(), 0);
  do {
    int64_t o = 0;
    for (size_t i = 0; i < idx.size(); ++i) o += idx[i] * r.step[i];
    if (reduced) {
      Acc sum = acc[o];
      for (int64_t i = 0; i < n; ++i) step(sum, x[i], o);
      acc[o] = sum;
    } else {
      for (int64_t i = 0; i < n; ++i) step(acc[o + i], x[i], o + i);
    }
    x += n;
  } while (next_index(idx, outer));
}

// What sums of T are kept in: double, or integers whose overflow wraps.
template <class T>
using SumOf = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

// y[o] = finish(acc, count), where acc starts as start(TypeTag<T>) and takes in the elements by step(acc, x). T is the
// type of `compute`, one of Ts.
template <class... Ts, class Start, class Step, class Finish>
Status eval_reduce_as(EvalContext& c, DType compute, Start start, Step step, Finish finish) {
  const DType dtype = c.input(0).dtype();
  ANYRT_ASSIGN(const Reduction r, plan_reduction(c));
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, r.output));
  const bool known = dispatch<Ts...>(compute, [&]<class T>(TypeTag<T> tag) {
    using Acc = decltype(start(tag));
    std::vector<Acc> acc(static_cast<size_t>(r.outputs), start(tag));
    fold(r, x.data<T>(), acc.data(), [&](Acc& a, T v, int64_t) { step(a, v); });
    for (int64_t o = 0; o < r.outputs; ++o) {
      y.mutable_data<T>()[o] = static_cast<T>(finish(tag, acc[static_cast<size_t>(o)], r.count));
    }
  });
  if (!known) return not_implemented("element type {}", dtype_name(dtype));
  return c.set_output_as(0, y, dtype);
}

template <class... Ts, class Start, class Step, class Finish>
Status eval_reduce(EvalContext& c, Start start, Step step, Finish finish) {
  return eval_reduce_as<Ts...>(c, compute_dtype(c.input(0).dtype()), start, step, finish);
}

// Reductions whose result is a real number: integers go through double.
inline DType real_compute_dtype(DType dtype) { return is_float(dtype) ? compute_dtype(dtype) : DType::kFloat64; }

// The ends of what elements of `dtype` can be, as its compute type T: infinities where there are any.
template <class T>
T highest_value(DType dtype) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::numeric_limits<T>::infinity();
  } else {
    if (dtype == DType::kBool) return 1;
    const int unused = 64 - bits_in_file(dtype);
    return std::numeric_limits<T>::max() >> unused;
  }
}
template <class T>
T lowest_value(DType dtype) {
  if constexpr (std::is_floating_point_v<T>) {
    return -std::numeric_limits<T>::infinity();
  } else {
    return std::is_signed_v<T> ? -highest_value<T>(dtype) - 1 : 0;
  }
}

Status infer_reduce(InferContext& c);

// Axes became an input with opset 18 (ReduceSum: 13).
template <int kSince>
Status upgrade_reduce(RewriteContext& c) {
  if (c.version() < kSince) c.attr_to_input("axes", 1);
  return {};
}
Status downgrade_reduce_axes(RewriteContext& c);
template <int kSince>
Status downgrade_reduce(RewriteContext& c) {
  return c.version() < kSince ? downgrade_reduce_axes(c) : Status();
}

// The node's reduction by another operator over `x`, with the node's axes and attributes.
ValueId reduce_like(RewriteContext& c, std::string_view op, ValueId x);

inline constexpr Param kReduceInputs[] = {
    {"data", "T"}, {"axes", "int64", kOptionalParam, "axes to reduce; all of them when omitted or empty"}};
inline constexpr Param kReduceOutputs[] = {{"reduced", "T"}};
inline constexpr AttrDef kReduceAttrs[] = {
    int_attr("keepdims", 1).with_doc("1: reduced axes stay, with length 1"),
    int_attr("noop_with_empty_axes", 0).with_doc("1: without axes nothing is reduced")};
inline constexpr TypeRule kReduceTypes[] = {{"T", kNumeric}};

}  // namespace anyrt
