#include "opdef/elementwise.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("bias", 0.0f), float_attr("lambd", 0.5f)};

// x + bias for an integer x: exact where the bias is whole, else by way of double.
template <class T>
T add_bias(T x, double bias) {
  if (bias == std::trunc(bias) && std::abs(bias) < 9e15) {
    return static_cast<T>(static_cast<uint64_t>(x) + static_cast<uint64_t>(static_cast<int64_t>(bias)));
  }
  return truncate_to<T>(static_cast<double>(x) + bias);
}

Status eval(EvalContext& c) {
  const float bias = c.f("bias"), lambd = c.f("lambd");
  return eval_unary<float, double, int64_t, uint64_t>(c, [=]<class T>(T x) {
    if constexpr (std::is_integral_v<T>) {
      const double r = static_cast<double>(x);
      return r < -double{lambd} ? add_bias(x, bias) : r > lambd ? add_bias(x, -double{bias}) : T(0);
    } else {
      return x < -static_cast<T>(lambd)  ? x + static_cast<T>(bias)
             : x > static_cast<T>(lambd) ? x - static_cast<T>(bias)
                                         : T(0);
    }
  });
}

}  // namespace

extern const OpDef op_onnx_shrink = {
    .name = "Shrink",
    .since = 9,
    .first = 9,
    .doc = "x + bias below -lambd, x - bias above lambd, 0 between.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[5]{1.5 -1.5 0.5 -0.5 inf} -> f32[5]{1.5 -1.5 0 0 inf}
      : f64[1,1]{1.5} -> f64[1,1]{1.5} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.5} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      lambd=1.5 bias=1.5 : f32[5]{-2 -1 0 1 2} -> f32[5]{-0.5 0 0 0 0.5}
      lambd=1 bias=0.5 : i32[3]{-5 0 5} -> i32[3]{-4 0 4}
    )"),
};

}  // namespace anyrt
