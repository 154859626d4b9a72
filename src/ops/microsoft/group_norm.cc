#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat16) | DType::kFloat32},
                               {"M", DTypeSet(DType::kFloat16) | DType::kFloat32}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, H, W, C]; [N, C, H, W] when channels_last is 0"},
                             {"gamma", "M", kRequiredParam, "[C]"},
                             {"beta", "M", kRequiredParam, "[C]"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("activation", AttrKind::kInt).with_doc("0: none, 1: SiLU"),
                              int_attr("channels_last", 1), float_attr("epsilon", 1e-5f),
                              required_attr("groups", AttrKind::kInt)};

Status decompose(RewriteContext& c) {
  const bool last = c.i("channels_last") != 0;
  const int64_t activation = c.i("activation"), groups = c.i("groups");
  const float epsilon = c.f("epsilon");
  if (activation != 0 && activation != 1) return invalid_model("activation is {}, expected 0 or 1", activation);
  const auto rank = c.input_rank(0);
  if (rank && *rank != 4) return invalid_model("X must have rank 4, found {}", *rank);
  const DType dtype = known_dtype(c, 0), wide = DType::kFloat32;
  const auto to = [&](ValueId v, DType want) { return c.op("Cast", {v}, {{"to", static_cast<int64_t>(want)}}); };
  ValueId x = c.input(0);
  x = to(x, wide);
  if (last) {
    ANYRT_ASSIGN(x, channels_first(c, x, 4));
  }
  ValueId y = c.ops("", "GroupNormalization", {x, to(c.input(1), wide), to(c.input(2), wide)},
                    {{"num_groups", groups}, {"epsilon", epsilon}}, 1)[0];
  if (activation == 1) y = c.op("Mul", {y, c.op("Sigmoid", {y})});
  if (last) {
    ANYRT_ASSIGN(y, channels_last(c, y, 4));
  }
  c.replace_output(0, to(y, dtype));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_group_norm = {
    .name = "GroupNorm",
    .domain = "com.microsoft",
    .doc = "Group normalisation with channels last or first, and optionally SiLU after it.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      groups=1 activation=0 epsilon=0.0 : f32[1,1,1,2]{1 3}, f32[2]{1 2}, f32[2]{0 1} -> f32[1,1,1,2]{-1 3}
      groups=2 activation=0 epsilon=0.0 channels_last=0 : f32[1,2,2,1]{1 3 10 30}, f32[2]{1 2}, f32[2]{0 1} -> f32[1,2,2,1]{-1 1 -1 3}
      groups=1 activation=1 epsilon=0.0 : f32[1,1,1,2]{1 3}, f32[2]{1 1}, f32[2]{0 0} -> f32[1,1,1,2]{-0.26894142 0.73105858}
      groups=2 activation=1 : f16[2,3,3,4]{rand:1}, f32[4]{rand:2}, f32[4]{rand:3} -> ?
    )"),
};

}  // namespace anyrt
