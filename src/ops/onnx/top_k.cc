#include <algorithm>
#include <cmath>
#include <numeric>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}, {"I", DType::kInt64}};
constexpr Param kInputs[] = {{"X", "T"}, {"K", "int64", kRequiredParam, "one number"}};
constexpr Param kOutputs[] = {{"Values", "T"}, {"Indices", "I", kRequiredParam, "positions along axis"}};
constexpr AttrDef kAttrs[] = {
    int_attr("axis", -1),
    int_attr("largest", 1).with_doc("the largest elements, else the smallest"),
    int_attr("sorted", 1).with_doc("in order; else any order will do"),
};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  c.set_output(1, DType::kInt64);
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(x->size())));
  SymShape out = *x;
  Dim& d = out[static_cast<size_t>(axis)];
  const auto k = c.input_elements(1);
  if (k && k->size() == 1 && (*k)[0].is_const() && d.is_const() && (*k)[0].value() > d.value()) {
    return invalid_model("K is {}, the axis has {} entries", (*k)[0].value(), d.value());
  }
  d = k && k->size() == 1 ? (*k)[0] : Dim();
  c.set_output(0, c.input_dtype(0), out);
  c.set_output(1, DType::kInt64, std::move(out));
  return {};
}

// NaN counts as the largest value.
template <class T>
bool above(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return !std::isnan(b);
  }
  return a > b;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  ANYRT_ASSIGN(const int64_t k, c.input_int(1));
  const int64_t n = x.dims()[static_cast<size_t>(axis)];
  if (k < 0 || k > n) return invalid_argument("K is {}, the axis has {} entries", k, n);
  const bool largest = c.i("largest") != 0;
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  Dims dims = x.dims();
  dims[static_cast<size_t>(axis)] = k;
  ANYRT_ASSIGN(Tensor values, Tensor::make(compute, dims));
  ANYRT_ASSIGN(Tensor * indices, c.output(1, DType::kInt64, dims));
  const int64_t outer = product(dims, 0, axis), inner = product(dims, axis + 1, x.rank());
  dispatch<float, double, int64_t, uint64_t>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(outer * inner, 1, [&](int64_t first, int64_t last) {
      std::vector<int64_t> order(static_cast<size_t>(n));
      for (int64_t row = first; row < last; ++row) {
        const int64_t o = row / inner, i = row % inner;
        const T* in = wide.data<T>() + o * n * inner + i;
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t a, int64_t b) {
          const T va = in[a * inner], vb = in[b * inner];
          if (largest ? above(va, vb) : above(vb, va)) return true;
          if (largest ? above(vb, va) : above(va, vb)) return false;
          return a < b;
        });
        for (int64_t r = 0; r < k; ++r) {
          const int64_t at = (o * k + r) * inner + i, from = order[static_cast<size_t>(r)];
          values.mutable_data<T>()[at] = in[from * inner];
          indices->mutable_data<int64_t>()[at] = from;
        }
      }
    });
  });
  return c.set_output_as(0, values, x.dtype());
}

// Opset 1 held K as an attribute.
Status upgrade(RewriteContext& c) {
  if (c.version() < 10) c.attr_to_input("k", 1);
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 11) {
    if (c.i("largest") == 0) return not_implemented("smallest elements need opset 11");
    c.remove_attr("largest");
    c.remove_attr("sorted");
  }
  if (c.version() >= 10) return {};
  const Tensor* k = c.input_constant(1);
  if (!k) return not_implemented("a K that is not constant needs opset 10");
  ANYRT_ASSIGN(const std::vector<int64_t> number, to_int64s(*k));
  if (number.size() != 1) return invalid_model("K has {} elements, expected 1", number.size());
  c.set_attr("k", number[0]);
  c.graph().truncate_inputs(c.id(), 1);
  return {};
}

}  // namespace

extern const OpDef op_onnx_top_k = {
    .name = "TopK",
    .since = 24,
    .doc = "The K largest or smallest elements along an axis and where they are; of equal ones the first counts.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{1 3 2 6 5 6}, i64[1]{2} -> f32[2,2]{3 2 6 6}, i64[2,2]{1 2 0 2}
      axis=0 largest=0 : i64[3,1]{3 -9223372036854775808 2}, i64[1]{1} -> i64[1,1]{-9223372036854775808}, i64[1,1]{1}
      : f16[3]{1 nan inf}, i64[]{2} -> f16[2]{nan inf}, i64[2]{1 2}
      : u8[2,0]{}, i64[1]{0} -> u8[2,0]{}, i64[2,0]{}
      axis=1 sorted=0 : bf16[3,5,2]{rand:1}, i64[1]{3} -> ?
      : f32[2]{1 2}, i64[1]{3} -> !K is 3
    )"),
};

}  // namespace anyrt
