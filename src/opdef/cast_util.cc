#include "opdef/cast_util.h"

namespace anyrt {

Expected<F8Round> round_mode(const AttrReader& c) {
  const std::string& mode = c.s("round_mode");
  if (mode == "up") return F8Round::kUp;
  if (mode == "down") return F8Round::kDown;
  if (mode == "nearest") return F8Round::kNearest;
  return invalid_model("round_mode must be up, down or nearest, found '{}'", mode);
}

Status infer_cast(InferContext& c, DType to) {
  const SymShape* shape = c.input_shape(0);
  c.set_output(0, to, shape ? std::optional<SymShape>(*shape) : std::nullopt);
  constexpr DTypeSet kHoldsShapes = kIndexTypes | DType::kUInt64 | DType::kFloat32 | DType::kFloat64;
  if (kHoldsShapes.has(to)) {
    if (auto elements = c.input_elements(0)) c.set_output_elements(0, std::move(*elements));
  }
  return {};
}

Status eval_cast(EvalContext& c, DType to) {
  ANYRT_ASSIGN(const F8Round round, round_mode(c));
  ANYRT_ASSIGN(Tensor y, cast_tensor(c.input(0), to, c.i("saturate") != 0, round));
  c.set_output(0, std::move(y));
  return {};
}

Status downgrade_cast(RewriteContext& c, DType to) {
  if (c.version() < 24) {
    if (to == DType::kFloat8E8M0) return not_implemented("float8e8m0 came with opset 24");
    c.remove_attr("round_mode");
  }
  if (c.version() < 19) {
    if (kFloat8s.has(to)) return not_implemented("float8 came with opset 19");
    c.remove_attr("saturate");
  }
  return {};
}

}  // namespace anyrt
