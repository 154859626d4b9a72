#include "opdef/infer.h"
#include "opdef/random.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr DTypeSet kResults = kNumeric | DType::kBool;
constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", kResults}};
constexpr Param kInputs[] = {{"input", "T1", kRequiredParam, "probabilities in [0, 1]"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {
    attr("dtype", AttrKind::kInt).with_doc("element type of the output, that of the input when omitted"),
    attr("seed", AttrKind::kFloat)};

Status infer(InferContext& c) {
  const DType dtype = c.has_attr("dtype") ? c.dtype("dtype") : c.input_dtype(0);
  if (c.has_attr("dtype") && !kResults.has(dtype))
    return invalid_model("dtype must be numeric or bool, found {}", c.i("dtype"));
  const SymShape* shape = c.input_shape(0);
  c.set_output(0, dtype, shape ? std::optional<SymShape>(*shape) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor p, c.input_as(0, DType::kFloat64));
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat64, p.dims()));
  RandomStream random = random_stream(c);
  for (int64_t i = 0; i < p.size(); ++i) {
    y.mutable_data<double>()[i] = random.uniform() < p.data<double>()[i] ? 1 : 0;
  }
  return c.set_output_as(0, y, c.has_attr("dtype") ? c.dtype("dtype") : c.input(0).dtype());
}

}  // namespace

extern const OpDef op_onnx_bernoulli = {
    .name = "Bernoulli",
    .since = 22,
    .first = 15,
    .doc = "Draws 0 or 1, element by element; the input is the probability of 1.",
    .flags = kRandom,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{0 1 0 1} -> f32[4]{0 1 0 1}
      dtype=9 : f64[2]{0 1} -> bool[2]{false true}
      dtype=7 seed=3.0 : f16[]{1} -> i64[]{1}
      : bf16[0,2]{} -> bf16[0,2]{}
      seed=1.0 : f32[5]{0.5 0.5 0.5 0.5 0.5} -> ?
      dtype=8 : f32[1]{1} -> !numeric or bool
    )"),
};

}  // namespace anyrt
