#include "opdef/elementwise.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kUnsignedInts}};
constexpr Param kInputs[] = {{"X", "T"}, {"Y", "T", kRequiredParam, "broadcasts with X"}};
constexpr Param kOutputs[] = {{"Z", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("direction", AttrKind::kString).with_doc("LEFT or RIGHT")};

Status infer(InferContext& c) {
  const std::string& direction = c.s("direction");
  if (direction != "LEFT" && direction != "RIGHT")
    return invalid_model("direction must be LEFT or RIGHT, found '{}'", direction);
  return infer_broadcast(c);
}

Status eval(EvalContext& c) {
  if (c.s("direction") == "LEFT") {
    return eval_binary<uint64_t>(c, [](uint64_t a, uint64_t b) { return b < 64 ? a << b : 0; });
  }
  return eval_binary<uint64_t>(c, [](uint64_t a, uint64_t b) { return b < 64 ? a >> b : 0; });
}

}  // namespace

extern const OpDef op_onnx_bit_shift = {
    .name = "BitShift",
    .since = 11,
    .first = 11,
    .doc = "Shifts the bits of X by Y places; what leaves the element is lost.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      direction="RIGHT" : u8[3]{16 4 1}, u8[3]{1 2 3} -> u8[3]{8 1 0}
      direction="LEFT" : u8[3]{16 4 200}, u8[3]{1 2 1} -> u8[3]{32 16 144}
      direction="LEFT" : u64[2]{1 1}, u64[2]{63 64} -> u64[2]{9223372036854775808 0}
      direction="RIGHT" : u32[2,1]{256 1}, u32[2]{4 40} -> u32[2,2]{16 0 0 0}
      direction="UP" : u8[1]{1}, u8[1]{1} -> !LEFT or RIGHT
    )"),
};

}  // namespace anyrt
