#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"input", "T"}, {"repeats", "int64", kRequiredParam, "1-D: one count for each axis"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* in = c.input_shape(0);
  const auto repeats = c.input_elements(1);
  if (!in || !repeats) {
    const auto rank = in ? in->size() : known_length(c, 1);
    if (rank) c.set_output(0, c.input_dtype(0), SymShape(*rank));
    return {};
  }
  if (repeats->size() != in->size()) {
    return invalid_model("{} repeats for an input of rank {}", repeats->size(), in->size());
  }
  SymShape out;
  for (size_t i = 0; i < in->size(); ++i) {
    const Dim& r = (*repeats)[i];
    if (r.is_const() && r.value() < 0) return invalid_model("repeat {} of axis {} is negative", r.value(), i);
    out.push_back(surely_nonnegative(r) ? (*in)[i] * r : Dim());
  }
  const auto elements = c.input_elements(0);
  if (elements && out.size() == 1 && out[0].is_const() && out[0].value() <= 1024 && !elements->empty()) {
    SymShape repeated;
    for (int64_t k = 0; k < out[0].value(); ++k) repeated.push_back((*elements)[k % elements->size()]);
    c.set_output_elements(0, std::move(repeated));
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const std::vector<int64_t> repeats, c.input_ints(1));
  if (repeats.size() != x.dims().size()) {
    return invalid_argument("{} repeats for an input of rank {}", repeats.size(), x.rank());
  }
  // An axis of d elements repeated r times is the axes [1, d] expanded to [r, d].
  Dims apart, spread, dims;
  for (size_t i = 0; i < repeats.size(); ++i) {
    int64_t d = 0;
    if (repeats[i] < 0) return invalid_argument("repeat {} of axis {} is negative", repeats[i], i);
    if (__builtin_mul_overflow(repeats[i], x.dims()[i], &d)) return invalid_argument("axis {} overflows", i);
    dims.push_back(d);
    apart.insert(apart.end(), {1, x.dims()[i]});
    spread.insert(spread.end(), {repeats[i], x.dims()[i]});
  }
  ANYRT_ASSIGN(Tensor y, x.reshaped(std::move(apart)));
  ANYRT_ASSIGN(y, broadcast_to(y, spread));
  ANYRT_ASSIGN(y, y.reshaped(std::move(dims)));
  c.set_output(0, std::move(y));
  return {};
}

// Opset 1 to 5: scalars `tiles` and `axis`, of the input's type, repeat one axis.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 6 || !c.has_input(2)) return {};
  const Attr as_int64{"to", static_cast<int64_t>(DType::kInt64)};
  const ValueId one = c.constant_ints({1});
  const ValueId tiles = c.op("Reshape", {c.op("Cast", {c.input(1)}, {as_int64}), one});
  const ValueId axis = c.op("Reshape", {c.op("Cast", {c.input(2)}, {as_int64}), one});
  const ValueId rank = c.op("Shape", {c.op("Shape", {c.input(0)})});
  const ValueId ones = c.op("ConstantOfShape", {rank}, {{"value", Tensor::int64s({1})}});
  c.set_input(1, c.op("ScatterElements", {ones, axis, tiles}));
  c.graph().truncate_inputs(c.id(), 2);
  return {};
}

}  // namespace

extern const OpDef op_onnx_tile = {
    .name = "Tile",
    .since = 13,
    .doc = "Repeats a tensor along its axes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{0 1 2 3}, i64[2]{2 2} -> f32[4,4]{0 1 0 1 2 3 2 3 0 1 0 1 2 3 2 3}
      : str[2]{"a" "b"}, i64[1]{2} -> str[4]{"a" "b" "a" "b"}
      : u16[1,2]{1 2}, i64[2]{3 0} -> u16[3,0]{}
      : f32[]{4}, i64[0]{} -> f32[]{4}
      : bool[1,2]{true false}, i64[2]{2 1} -> bool[2,2]{true false true false}
      : f32[2]{1 2}, i64[2]{1 1} -> !2 repeats
    )"),
};

}  // namespace anyrt
