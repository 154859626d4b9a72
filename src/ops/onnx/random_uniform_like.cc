#include "opdef/random_fill.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kAllDTypes}, {"T2", kFloats}};
constexpr Param kInputs[] = {{"input", "T1", kRequiredParam, "gives the shape, and the type unless dtype does"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {attr("dtype", AttrKind::kInt).with_doc("element type of the output"),
                              float_attr("low", 0.0f), float_attr("high", 1.0f), attr("seed", AttrKind::kFloat)};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const DType dtype, random_dtype(c, c.input_dtype(0)));
  const SymShape* shape = c.input_shape(0);
  c.set_output(0, dtype, shape ? std::optional<SymShape>(*shape) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  const double low = c.f("low"), high = c.f("high");
  ANYRT_ASSIGN(const DType dtype, random_dtype(c, c.input(0).dtype()));
  return random_fill(c, c.input(0).dims(), dtype, [=](RandomStream& r) { return low + (high - low) * r.uniform(); });
}

}  // namespace

extern const OpDef op_onnx_random_uniform_like = {
    .name = "RandomUniformLike",
    .since = 22,
    .doc = "A tensor of random numbers spread evenly over [low, high), in the shape of another tensor.",
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
      low=2.5 high=2.5 dtype=11 : i32[2]{1 2} -> f64[2]{2.5 2.5}
      dtype=16 : str[0,3]{} -> bf16[0,3]{}
      low=-1.0 high=-1.0 : f16[]{5} -> f16[]{-1}
      : i32[2]{1 2} -> !float type
    )"),
};

}  // namespace anyrt
