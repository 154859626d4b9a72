#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr DTypeSet kBytes = DTypeSet(DType::kInt8) | DType::kUInt8;
constexpr TypeRule kTypes[] = {
    {"T1", kBytes}, {"T2", kBytes}, {"T3", DTypeSet(DType::kFloat32) | DType::kFloat16}, {"T4", DType::kInt32}};
constexpr Param kInputs[] = {{"input", "T1", kRequiredParam, "[batch, tokens, inputs]"},
                             {"weight", "T2", kRequiredParam, "[inputs, 3 * hidden]"},
                             {"bias", "T3", kRequiredParam, "[3 * hidden]"},
                             {"input_scale", "T3"},
                             {"weight_scale", "T3", kRequiredParam, "one, or one a column"},
                             {"mask_index", "T4", kOptionalParam},
                             {"input_zero_point", "T1", kOptionalParam},
                             {"weight_zero_point", "T2", kOptionalParam},
                             {"past", "T3", kOptionalParam, "[2, batch, heads, past, head]"}};
constexpr Param kOutputs[] = {{"output", "T3", kRequiredParam, "[batch, tokens, hidden]"},
                              {"present", "T3", kOptionalParam}};
constexpr AttrDef kAttrs[] = {attr("do_rotary", AttrKind::kInt),
                              attr("mask_filter_value", AttrKind::kFloat),
                              required_attr("num_heads", AttrKind::kInt),
                              attr("past_present_share_buffer", AttrKind::kInt),
                              attr("scale", AttrKind::kFloat),
                              int_attr("unidirectional", 0)};

Status infer(InferContext& c) {
  std::optional<SymShape> out;
  const SymShape *x = c.input_shape(0), *w = c.input_shape(1);
  if (x && w && x->size() == 3 && w->size() == 2) out = SymShape{(*x)[0], (*x)[1], Dim::floor_div((*w)[1], Dim(3))};
  c.set_output(0, c.input_dtype(3), out);
  c.set_output(1, c.input_dtype(3));
  return {};
}

Status decompose(RewriteContext& c) {
  if (c.i("past_present_share_buffer") != 0)
    return invalid_argument("past_present_share_buffer needs the number of rows in use, for which there is no input");
  const std::vector<Attr> attrs =
      attrs_named(c, {"do_rotary", "mask_filter_value", "num_heads", "scale", "unidirectional"});
  const DType to = known_dtype(c, 3);
  // In plain arithmetic, since scale and zero point may each be one number or one a column.
  const auto real = [&](size_t x, size_t scale, size_t zero) {
    const auto wide = [&](ValueId v) { return c.op("Cast", {v}, {{"to", static_cast<int64_t>(to)}}); };
    ValueId y = wide(c.input(x));
    if (c.has_input(zero)) y = c.op("Sub", {y, wide(c.input(zero))});
    return c.op("Mul", {y, c.input(scale)});
  };
  const ValueId x = real(0, 3, 6), w = real(1, 4, 7);
  const std::vector<ValueId> y =
      c.ops("com.microsoft", "Attention", {x, w, c.input(2), c.input(5), c.input(8)}, attrs, 2);
  for (size_t i = 0; i < 2; ++i) c.replace_output(i, y[i]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_q_attention = {
    .name = "QAttention",
    .domain = "com.microsoft",
    .doc = "Self-attention over a quantised input, with quantised weights of the projections.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      num_heads=1 : u8[1,1,2]{2 4}, i8[2,3]{1 2 3 4 5 6}, f32[3]{0 0 1}, f32[]{0.5}, f32[]{1}, _, u8[]{0}, i8[]{0} -> f32[1,1,1]{16}
      num_heads=2 unidirectional=1 : u8[2,3,4]{rand:1}, i8[4,12]{rand:2}, f32[12]{rand:3}, f32[]{0.01}, f32[12]{rand:4}, i32[2]{3 2}, u8[]{3}, i8[12]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
