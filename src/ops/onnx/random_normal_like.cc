#include "opdef/random_fill.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kAllDTypes}, {"T2", kFloats}};
constexpr Param kInputs[] = {{"input", "T1", kRequiredParam, "gives the shape, and the type unless dtype does"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {attr("dtype", AttrKind::kInt).with_doc("element type of the output"),
                              float_attr("mean", 0.0f), float_attr("scale", 1.0f).with_doc("standard deviation"),
                              attr("seed", AttrKind::kFloat)};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const DType dtype, random_dtype(c, c.input_dtype(0)));
  const SymShape* shape = c.input_shape(0);
  c.set_output(0, dtype, shape ? std::optional<SymShape>(*shape) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  const double mean = c.f("mean"), scale = c.f("scale");
  ANYRT_ASSIGN(const DType dtype, random_dtype(c, c.input(0).dtype()));
  return random_fill(c, c.input(0).dims(), dtype, [=](RandomStream& r) { return mean + scale * r.normal(); });
}

}  // namespace

extern const OpDef op_onnx_random_normal_like = {
    .name = "RandomNormalLike",
    .since = 22,
    .doc = "A tensor of normally distributed random numbers, in the shape of another tensor.",
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
      seed=1.0 : f32[2,3]{1 2 3 4 5 6} -> ?
      scale=0.0 mean=2.5 dtype=11 : i32[2]{1 2} -> f64[2]{2.5 2.5}
      dtype=16 : str[0,3]{} -> bf16[0,3]{}
      scale=0.0 mean=-1.0 : f16[]{5} -> f16[]{-1}
      : i32[2]{1 2} -> !float type
    )"),
};

}  // namespace anyrt
