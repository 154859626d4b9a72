#include "opdef/random_fill.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("shape", AttrKind::kInts),
                              int_attr("dtype", 1).with_doc("element type of the output"), float_attr("mean", 0.0f),
                              float_attr("scale", 1.0f).with_doc("standard deviation"), attr("seed", AttrKind::kFloat)};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const DType dtype, random_dtype(c));
  for (int64_t d : c.ints("shape")) {
    if (d < 0) return invalid_model("shape {} holds a negative number", shape_string(c.ints("shape")));
  }
  c.set_output(0, dtype, to_sym_shape(c.ints("shape")));
  return {};
}

Status eval(EvalContext& c) {
  const double mean = c.f("mean"), scale = c.f("scale");
  ANYRT_ASSIGN(const DType dtype, random_dtype(c));
  return random_fill(c, c.ints("shape"), dtype, [=](RandomStream& r) { return mean + scale * r.normal(); });
}

}  // namespace

extern const OpDef op_onnx_random_normal = {
    .name = "RandomNormal",
    .since = 22,
    .doc = "A tensor of normally distributed random numbers.",
    .flags = kRandom,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      shape=[2,3] seed=1.0 : -> ?
      shape=[2] scale=0.0 mean=2.5 dtype=11 : -> f64[2]{2.5 2.5}
      shape=[0,3] dtype=16 : -> bf16[0,3]{}
      shape=[] scale=0.0 mean=-1.0 dtype=10 : -> f16[]{-1}
      shape=[2,-1] : -> !negative
      shape=[2] dtype=7 : -> !float type
    )"),
};

}  // namespace anyrt
