#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"data", "T"}, {"indices", "Tind", kRequiredParam, "rank of data"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "shape of indices"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 0)};

Status infer(InferContext& c) {
  const SymShape *data = c.input_shape(0), *indices = c.input_shape(1);
  if (data) {
    ANYRT_TRY(normalize_axis(c.i("axis"), static_cast<int64_t>(data->size())).status());
    if (indices && indices->size() != data->size()) {
      return invalid_model("indices {} and data {} must have one rank", shape_string(*indices), shape_string(*data));
    }
  }
  c.set_output(0, c.input_dtype(0), indices ? std::optional<SymShape>(*indices) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  const Tensor &x = c.input(0), &indices = c.input(1);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  ANYRT_ASSIGN(const std::vector<int64_t> picks, wrap_indices(indices, x.dims()[axis]));
  ANYRT_ASSIGN(const std::vector<int64_t> offsets, element_offsets(x.dims(), indices.dims(), axis, picks));
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), indices.dims()));
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*y);
    for (size_t i = 0; i < offsets.size(); ++i) out[i] = in[offsets[i]];
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_gather_elements = {
    .name = "GatherElements",
    .since = 13,
    .first = 11,
    .doc = "Picks single elements: the index along one axis comes from a tensor, the others are the output's own.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      axis=1 : f32[2,2]{1 2 3 4}, i64[2,2]{0 0 1 0} -> f32[2,2]{1 1 4 3}
      : i16[3,3]{1 2 3 4 5 6 7 8 9}, i32[2,3]{1 2 0 2 0 0} -> i16[2,3]{4 8 3 7 2 3}
      : str[2]{"a" "b"}, i64[3]{-1 0 -2} -> str[3]{"b" "a" "a"}
      axis=1 : f32[3,2]{1 2 3 4 5 6}, i64[1,1]{1} -> f32[1,1]{2}
      : f32[2]{1 2}, i64[0]{} -> f32[0]{}
      : f32[2]{1 2}, i64[1]{2} -> !index 2
      axis=1 : f32[1,2]{1 2}, i64[2,2]{0 0 0 0} -> !do not fit
    )"),
};

}  // namespace anyrt
