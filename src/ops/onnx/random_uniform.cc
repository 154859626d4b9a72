#include "opdef/random_fill.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("shape", AttrKind::kInts),
                              int_attr("dtype", 1).with_doc("element type of the output"), float_attr("low", 0.0f),
                              float_attr("high", 1.0f), attr("seed", AttrKind::kFloat)};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const DType dtype, random_dtype(c));
  for (int64_t d : c.ints("shape")) {
    if (d < 0) return invalid_model("shape {} holds a negative number", shape_string(c.ints("shape")));
  }
  c.set_output(0, dtype, to_sym_shape(c.ints("shape")));
  return {};
}

Status eval(EvalContext& c) {
  const double low = c.f("low"), high = c.f("high");
  ANYRT_ASSIGN(const DType dtype, random_dtype(c));
  return random_fill(c, c.ints("shape"), dtype, [=](RandomStream& r) { return low + (high - low) * r.uniform(); });
}

}  // namespace

extern const OpDef op_onnx_random_uniform = {
    .name = "RandomUniform",
    .since = 22,
    .doc = "A tensor of random numbers spread evenly over [low, high).",
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
      shape=[2] low=2.5 high=2.5 dtype=11 : -> f64[2]{2.5 2.5}
      shape=[0,3] dtype=16 : -> bf16[0,3]{}
      shape=[] low=-1.0 high=-1.0 dtype=10 : -> f16[]{-1}
      shape=[2,-1] : -> !negative
      shape=[2] dtype=7 : -> !float type
    )"),
};

}  // namespace anyrt
