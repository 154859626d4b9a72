#include "opdef/elementwise.h"
#include "opdef/integer_division.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T", kRequiredParam, "broadcasts with A"}};
constexpr Param kOutputs[] = {{"C", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("fmod", 0).with_doc("1: the remainder has the sign of A, as fmod in C")};

Status infer(InferContext& c) { return c.i("fmod") ? infer_broadcast(c) : infer_broadcast_elements(c, Dim::mod); }

Status eval(EvalContext& c) {
  ANYRT_TRY(check_divisors(c));
  const bool c_style = c.i("fmod") != 0;
  return eval_binary<float, double, int64_t, uint64_t>(c, [=]<class T>(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      const T r = std::fmod(a, b);
      return !c_style && r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else {
      return c_style ? remainder_truncating(a, b) : remainder_flooring(a, b);
    }
  });
}

}  // namespace

extern const OpDef op_onnx_mod = {
    .name = "Mod",
    .since = 13,
    .first = 10,
    .doc = "Remainder of A / B with the sign of B, or with fmod that of A; NumPy broadcasting.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : i32[6]{-4 7 5 4 -7 8}, i32[6]{2 -3 8 -2 3 5} -> i32[6]{0 -2 5 0 2 3}
      fmod=1 : i32[6]{-4 7 5 4 -7 8}, i32[6]{2 -3 8 -2 3 5} -> i32[6]{0 1 5 0 -1 3}
      fmod=1 : f32[6]{-4.3 7.2 5 4.3 -7.2 8}, f32[6]{2.1 -3.4 8 -2.1 3.4 5} -> f32[6]{-0.1 0.4 5 0.1 -0.4 3} ~ 1e-4 1e-6
      fmod=1 : f64[3]{inf 1 -1}, f64[3]{2 0 inf} -> f64[3]{nan nan -1}
      : i64[1]{-9223372036854775808}, i64[1]{-1} -> i64[1]{0}
      : u8[2,1]{250 7}, u8[2]{100 3} -> u8[2,2]{50 1 7 1}
      : i32[1]{1}, i32[1]{0} -> !by zero
    )"),
};

}  // namespace anyrt
