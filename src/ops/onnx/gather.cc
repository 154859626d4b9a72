#include <algorithm>

#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"indices", "Tind", kRequiredParam, "any shape; negative counts from the end"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "the axis is replaced by the axes of indices"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 0)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape *data = c.input_shape(0), *indices = c.input_shape(1);
  if (!data) return {};
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(data->size())));
  if (indices) {
    SymShape out(data->begin(), data->begin() + axis);
    out.insert(out.end(), indices->begin(), indices->end());
    out.insert(out.end(), data->begin() + axis + 1, data->end());
    c.set_output(0, c.input_dtype(0), std::move(out));
  }
  const auto elements = c.input_elements(0);
  const auto picks = c.input_ints(1);
  if (!elements || !picks || data->size() != 1) return {};
  SymShape picked;
  const int64_t n = static_cast<int64_t>(elements->size());
  for (int64_t i : *picks) {
    if (i < -n || i >= n) return invalid_model("index {} is outside of [{}, {}]", i, -n, n - 1);
    picked.push_back((*elements)[i < 0 ? i + n : i]);
  }
  c.set_output_elements(0, std::move(picked));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const int64_t n = x.dims()[axis];
  ANYRT_ASSIGN(const std::vector<int64_t> picks, wrap_indices(c.input(1), n));
  const Dims& index_dims = c.input(1).dims();
  Dims dims(x.dims().begin(), x.dims().begin() + axis);
  dims.insert(dims.end(), index_dims.begin(), index_dims.end());
  dims.insert(dims.end(), x.dims().begin() + axis + 1, x.dims().end());
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
  if (y->size() == 0) return {};
  const int64_t inner = product(x.dims(), axis + 1, x.rank()), count = static_cast<int64_t>(picks.size());
  const int64_t runs = product(x.dims(), 0, axis) * count;
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*y);
    c.parallel_for(runs, std::max<int64_t>(1, 65536 / inner), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        std::copy_n(in + (r / count * n + picks[r % count]) * inner, inner, out + r * inner);
      }
    });
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_gather = {
    .name = "Gather",
    .since = 13,
    .doc = "Picks entries of one axis by index.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[3,2]{1 2 3 4 5 6}, i64[2]{2 0} -> f32[2,2]{5 6 1 2}
      axis=1 : i8[2,3]{1 2 3 4 5 6}, i32[1,2]{-1 0} -> i8[2,1,2]{3 1 6 4}
      : str[2]{"a" "b"}, i64[]{1} -> str[]{"b"}
      : f16[3,2]{1 2 3 4 5 6}, i64[0]{} -> f16[0,2]{}
      : c64[2]{1+2i 3+4i}, i64[1]{-2} -> c64[1]{1+2i}
      : f32[3]{1 2 3}, i64[1]{3} -> !index 3
    )"),
};

}  // namespace anyrt
