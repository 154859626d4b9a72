#include "opdef/elementwise.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kInts}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T", kRequiredParam, "broadcasts with A"}};
constexpr Param kOutputs[] = {{"C", "T"}};

Status eval(EvalContext& c) {
  return eval_binary<int64_t, uint64_t>(c, [](auto a, auto b) { return a | b; });
}

}  // namespace

extern const OpDef op_onnx_bitwise_or = {
    .name = "BitwiseOr",
    .since = 18,
    .first = 18,
    .doc = "Bit by bit or of integers with NumPy broadcasting.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : u8[2]{12 255}, u8[2,1]{10 3} -> u8[2,2]{14 255 15 255}
      : i8[2]{-128 5}, i8[]{-1} -> i8[2]{-1 -1}
      : i64[]{-9223372036854775808}, i64[]{255} -> i64[]{-9223372036854775553}
      : i16[0,2]{}, i16[2]{1 2} -> i16[0,2]{}
      : i32[3]{rand:1}, i32[4,1]{rand:2} -> ?
    )"),
};

}  // namespace anyrt
