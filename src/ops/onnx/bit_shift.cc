#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kInts}};
constexpr Param kInputs[] = {{"X", "T"}, {"Y", "T", kRequiredParam, "broadcasts with X"}};
constexpr Param kOutputs[] = {{"Z", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("direction", AttrKind::kString).with_doc("LEFT or RIGHT")};

Status infer(InferContext& c) {
  const std::string& direction = c.s("direction");
  if (direction != "LEFT" && direction != "RIGHT")
    return invalid_model("direction must be LEFT or RIGHT, found '{}'", direction);
  return infer_broadcast(c);
}

// Places below 0 or beyond the element leave what the sign bit alone gives.
int64_t shift_signed(int64_t a, int64_t places, int bits, bool left) {
  const bool beyond = places < 0 || places >= bits;
  if (!left) return beyond ? (a < 0 ? -1 : 0) : a >> places;
  if (beyond) return 0;
  const int unused = 64 - bits;
  return static_cast<int64_t>(static_cast<uint64_t>(a) << places << unused) >> unused;
}

Status eval(EvalContext& c) {
  const bool left = c.s("direction") == "LEFT";
  if (kSignedInts.has(c.input(0).dtype())) {
    const int bits = static_cast<int>(element_size(c.input(0).dtype())) * 8;
    return eval_binary<int64_t>(c, [=](int64_t a, int64_t b) { return shift_signed(a, b, bits, left); });
  }
  if (left) {
    return eval_binary<uint64_t>(c, [](uint64_t a, uint64_t b) { return b < 64 ? a << b : 0; });
  }
  return eval_binary<uint64_t>(c, [](uint64_t a, uint64_t b) { return b < 64 ? a >> b : 0; });
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 28 && kSignedInts.has(c.input_type(0).dtype))
    return not_implemented("{} needs opset 28", dtype_name(c.input_type(0).dtype));
  return {};
}

}  // namespace

extern const OpDef op_onnx_bit_shift = {
    .name = "BitShift",
    .since = 28,
    .first = 11,
    .doc =
        "Shifts the bits of X by Y places; what leaves the element is lost. To the right, signed types keep the sign.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      direction="RIGHT" : u8[3]{16 4 1}, u8[3]{1 2 3} -> u8[3]{8 1 0}
      direction="LEFT" : u8[3]{16 4 200}, u8[3]{1 2 1} -> u8[3]{32 16 144}
      direction="LEFT" : u64[2]{1 1}, u64[2]{63 64} -> u64[2]{9223372036854775808 0}
      direction="RIGHT" : u32[2,1]{256 1}, u32[2]{4 40} -> u32[2,2]{16 0 0 0}
      direction="LEFT" : i8[4]{64 -128 3 -1}, i8[4]{1 1 2 8} -> i8[4]{-128 0 12 0}
      direction="RIGHT" : i8[4]{-128 127 -1 5}, i8[4]{1 3 7 -1} -> i8[4]{-64 15 -1 0}
      direction="RIGHT" : i64[3]{-9 -9 9}, i64[3]{2 64 -5} -> i64[3]{-3 -1 0}
      direction="LEFT" : i32[2]{1 1}, i32[2]{31 32} -> i32[2]{-2147483648 0}
      direction="RIGHT" : i16[1]{-32768}, i16[1]{15} -> i16[1]{-1}
      direction="UP" : u8[1]{1}, u8[1]{1} -> !LEFT or RIGHT
    )"),
};

}  // namespace anyrt
