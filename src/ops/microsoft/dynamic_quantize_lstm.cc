#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {
    {"T", DType::kFloat32}, {"T1", DType::kInt32}, {"T2", DTypeSet(DType::kUInt8) | DType::kInt8}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[steps, batch, inputs]"},
                             {"W", "T2", kRequiredParam, "[directions, inputs, 4 * hidden]"},
                             {"R", "T2", kRequiredParam, "[directions, hidden, 4 * hidden]"},
                             {"B", "T", kOptionalParam},
                             {"sequence_lens", "T1", kOptionalParam},
                             {"initial_h", "T", kOptionalParam},
                             {"initial_c", "T", kOptionalParam},
                             {"P", "T", kOptionalParam},
                             {"W_scale", "T", kRequiredParam, "[directions] or [directions, 4 * hidden]"},
                             {"W_zero_point", "T2"},
                             {"R_scale", "T"},
                             {"R_zero_point", "T2"}};
constexpr Param kOutputs[] = {{"Y", "T", kOptionalParam}, {"Y_h", "T", kOptionalParam}, {"Y_c", "T", kOptionalParam}};
constexpr AttrDef kAttrs[] = {attr("activation_alpha", AttrKind::kFloats),
                              attr("activation_beta", AttrKind::kFloats),
                              attr("activations", AttrKind::kStrings),
                              attr("clip", AttrKind::kFloat),
                              string_attr("direction", "forward"),
                              attr("hidden_size", AttrKind::kInt),
                              int_attr("input_forget", 0)};

Status infer(InferContext& c) {
  std::optional<SymShape> y, state;
  const SymShape *x = c.input_shape(0), *r = c.input_shape(2);
  if (x && r && x->size() == 3 && r->size() == 3) {
    y = SymShape{(*x)[0], (*r)[0], (*x)[1], (*r)[1]};
    state = SymShape{(*r)[0], (*x)[1], (*r)[1]};
  }
  c.set_output(0, DType::kFloat32, y);
  c.set_output(1, DType::kFloat32, state);
  c.set_output(2, DType::kFloat32, state);
  return {};
}

// The weights alone are quantised here; what multiplies them stays float, which is more exact.
Status decompose(RewriteContext& c) {
  const std::vector<Attr> attrs = attrs_named(
      c, {"activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "input_forget"});
  const auto real = [&](size_t x, size_t scale, size_t zero) {
    const auto wide = [&](ValueId v) { return c.op("Cast", {v}, {{"to", static_cast<int64_t>(DType::kFloat32)}}); };
    const auto column = [&](ValueId v) { return c.op("Reshape", {v, c.constant_ints({0, 1, -1})}); };
    const ValueId y = c.op("Sub", {wide(c.input(x)), column(wide(c.input(zero)))});
    return c.op("Transpose", {c.op("Mul", {y, column(c.input(scale))})}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  };
  const ValueId w = real(1, 8, 9), r = real(2, 10, 11);
  const std::vector<ValueId> y =
      c.ops("", "LSTM", {c.input(0), w, r, c.input(3), c.input(4), c.input(5), c.input(6), c.input(7)}, attrs, 3);
  for (size_t i = 0; i < 3; ++i) c.replace_output(i, y[i]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_dynamic_quantize_lstm = {
    .name = "DynamicQuantizeLSTM",
    .domain = "com.microsoft",
    .doc = "LSTM with quantised weights.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      activations=["Affine","Affine","Affine"] : f32[1,1,1]{2}, u8[1,1,4]{11 12 13 14}, u8[1,1,4]{2 2 2 2}, f32[1,8]{1 0 0 0 0 0 0 1}, _, f32[1,1,1]{1}, f32[1,1,1]{2}, _, f32[1]{1}, u8[1]{10}, f32[1]{0.5}, u8[1]{0} -> f32[1,1,1,1]{270}, f32[1,1,1]{270}, f32[1,1,1]{54}
      direction="bidirectional" : f32[4,3,5]{rand:1}, u8[2,5,24]{rand:2}, u8[2,6,24]{rand:3}, f32[2,48]{rand:4}, _, _, _, _, f32[2,24]{rand:5}, u8[2,24]{rand:6}, f32[2]{0.1 0.2}, u8[2]{1 2} -> ?
    )"),
};

}  // namespace anyrt
