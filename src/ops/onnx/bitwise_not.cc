#include "opdef/elementwise.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kInts}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary<int64_t, uint64_t>(c, [](auto x) { return ~x; });
}

}  // namespace

extern const OpDef op_onnx_bitwise_not = {
    .name = "BitwiseNot",
    .since = 18,
    .first = 18,
    .doc = "Inverts every bit.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : i8[3]{0 -1 5} -> i8[3]{-1 0 -6}
      : u8[2]{0 170} -> u8[2]{255 85}
      : u64[]{1} -> u64[]{18446744073709551614}
      : i32[0]{} -> i32[0]{}
      : i16[2,3,4]{rand:1} -> ?
    )"),
};

}  // namespace anyrt
