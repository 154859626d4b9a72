#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"X", "T"}, {"slope", "T", kRequiredParam, "broadcasts to the shape of X"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "shape of X"}};

Status infer(InferContext& c) {
  const SymShape *x = c.input_shape(0), *slope = c.input_shape(1);
  if (x && slope) {
    if (slope->size() > x->size()) {
      return invalid_model("slope of shape {} does not broadcast to {}", shape_string(*slope), shape_string(*x));
    }
    ANYRT_TRY(broadcast_shapes(*x, *slope).status());
  }
  return infer_same(c);
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Dims dims, broadcast_dims(c.input(0).dims(), c.input(1).dims()));
  if (dims != c.input(0).dims()) {
    return invalid_argument("slope of shape {} does not broadcast to {}", shape_string(c.input(1).dims()),
                            shape_string(c.input(0).dims()));
  }
  return eval_binary<float, double, int64_t, uint64_t>(c, []<class T>(T x, T slope) {
    if constexpr (std::is_same_v<T, int64_t>)
      return x < 0 ? static_cast<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(slope)) : x;
    else
      return x < 0 ? x * slope : x;
  });
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.input(0);
  const ValueId negative = c.op("Less", {x, constant_like(c, 0)});
  c.replace_output(0, c.op("Where", {negative, c.op("Mul", {x, c.input(1)}), x}));
  return {};
}

// Before opset 7 a slope of one axis belongs to the channels, axis 1 of X.
Status upgrade(RewriteContext& c) {
  c.remove_attr("consumed_inputs");
  if (c.version() >= 7) return {};
  const auto rank = c.input_rank(0), slope_rank = c.input_rank(1);
  if (!rank || !slope_rank) return not_implemented("the form of opset {} needs inputs of known rank", c.version());
  if (*slope_rank != 1 || *rank <= 2 || (*c.input_type(1).shape)[0].is(1)) return {};
  std::vector<int64_t> axes;
  for (int64_t k = 1; k < *rank - 1; ++k) axes.push_back(k);
  c.set_input(1, c.op("Unsqueeze", {c.input(1), c.constant_ints(axes)}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_prelu = {
    .name = "PRelu",
    .since = 16,
    .doc = "x where x >= 0, slope * x elsewhere; the slope is a tensor that broadcasts to X.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{1 -2 -3 4}, f32[2]{10 0.5} -> f32[2,2]{1 -1 -30 4}
      : f64[4]{nan -inf inf -0}, f64[]{0.25} -> f64[4]{nan -inf inf 0}
      : i32[3]{-2 0 2}, i32[1]{3} -> i32[3]{-6 0 2}
      : u64[2]{1 2}, u64[1]{3} -> u64[2]{1 2}
      : f16[0,2]{}, f16[2]{1 2} -> f16[0,2]{}
      : f32[2,3,4]{rand:1}, f32[3,1]{rand:2} -> ?
      : f32[2]{1 2}, f32[2,2]{1 2 3 4} -> !does not broadcast
    )"),
};

}  // namespace anyrt
