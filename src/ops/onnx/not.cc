#include "opdef/elementwise.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DType::kBool}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary<uint64_t>(c, [](uint64_t x) { return x == 0; });
}

}  // namespace

extern const OpDef op_onnx_not = {
    .name = "Not",
    .since = 1,
    .doc = "Logical negation, element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : bool[2]{true false} -> bool[2]{false true}
      : bool[]{false} -> bool[]{true}
      : bool[0]{} -> bool[0]{}
      : bool[2,3,4]{rand:1} -> ?
    )"),
};

}  // namespace anyrt
