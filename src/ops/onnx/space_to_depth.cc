#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "[N, C, H, W]"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[N, C * b², H / b, W / b]"}};
constexpr AttrDef kAttrs[] = {
    required_attr("blocksize", AttrKind::kInt),
    string_attr("mode", "DCR").with_doc("DCR: blocks are the outer part of the channel axis; CRD: the inner part"),
};

constexpr int64_t kMaxBlock = int64_t{1} << 20;

Status check_mode(const AttrReader& a) {
  if (a.s("mode") == "DCR" || a.s("mode") == "CRD") return {};
  return invalid_model("mode is '{}', expected DCR or CRD", a.s("mode"));
}

// From [N, C, H / b, b, W / b, b].
std::vector<int64_t> order(const AttrReader& a) {
  return a.s("mode") == "DCR" ? std::vector<int64_t>{0, 3, 5, 1, 2, 4} : std::vector<int64_t>{0, 1, 3, 5, 2, 4};
}

Status infer(InferContext& c) {
  ANYRT_TRY(check_mode(c));
  const int64_t size = c.i("blocksize");
  if (size < 1 || size > kMaxBlock) return invalid_model("blocksize is {}, expected 1 or more", size);
  std::optional<SymShape> out;
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() != 4) return invalid_model("the input has rank {}, expected 4", x->size());
    for (size_t i = 2; i < 4; ++i) {
      const Dim& d = (*x)[i];
      if (d.is_const() && d.value() % size != 0)
        return invalid_model("a size of {} is no multiple of {}", d.value(), size);
    }
    const Dim b(size);
    out = SymShape{(*x)[0], (*x)[1] * b * b, Dim::floor_div((*x)[2], b), Dim::floor_div((*x)[3], b)};
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const int64_t b = c.i("blocksize");
  if (b < 1 || b > kMaxBlock) return invalid_argument("blocksize is {}, expected 1 or more", b);
  if (x.rank() != 4) return invalid_argument("the input has rank {}, expected 4", x.rank());
  const int64_t n = x.dim(0), depth = x.dim(1), h = x.dim(2), w = x.dim(3);
  if (h % b != 0 || w % b != 0) return invalid_argument("a size of {} x {} is no multiple of {}", h, w, b);
  ANYRT_TRY(checked_element_count(Dims{depth, b, b}).status());
  ANYRT_ASSIGN(Tensor y, x.reshaped({n, depth, h / b, b, w / b, b}));
  ANYRT_TRY(check_mode(c));
  const std::vector<int64_t> perm = order(c);
  ANYRT_ASSIGN(y, transpose(y, perm));
  ANYRT_ASSIGN(y, y.reshaped({n, depth * b * b, h / b, w / b}));
  c.set_output(0, std::move(y));
  return {};
}

Status decompose(RewriteContext& c) {
  const Type& type = c.input_type(0);
  const auto dims = type.shape ? to_dims(*type.shape) : std::nullopt;
  if (!dims || dims->size() != 4) return not_implemented("the shape of the input is not known");
  const int64_t b = c.i("blocksize"), n = (*dims)[0], depth = (*dims)[1], h = (*dims)[2] / b, w = (*dims)[3] / b;
  const Attr zeros_count{"allowzero", int64_t{1}};
  ValueId v = c.op("Reshape", {c.input(0), c.constant_ints({n, depth, h, b, w, b})}, {zeros_count});
  v = c.op("Transpose", {v}, {{"perm", order(c)}});
  c.replace_output(0, c.op("Reshape", {v, c.constant_ints({n, depth * b * b, h, w})}, {zeros_count}));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 28 && c.s("mode") != "DCR") return not_implemented("mode {} needs opset 28", c.s("mode"));
  if (c.version() < 28) c.remove_attr("mode");
  return downgrade_unchanged(c);
}

}  // namespace

extern const OpDef op_onnx_space_to_depth = {
    .name = "SpaceToDepth",
    .since = 28,
    .doc = "Moves blocks of height and width into the channel axis.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      blocksize=2 : f32[1,1,2,4]{1 2 3 4 5 6 7 8} -> f32[1,4,1,2]{1 3 2 4 5 7 6 8}
      blocksize=2 : i64[1,2,2,2]{1 2 3 4 5 6 7 8} -> i64[1,8,1,1]{1 5 2 6 3 7 4 8}
      blocksize=2 mode="CRD" : i64[1,2,2,2]{1 2 3 4 5 6 7 8} -> i64[1,8,1,1]{1 2 3 4 5 6 7 8}
      blocksize=2 mode="CDR" : f32[1,1,2,2]{1 2 3 4} -> !DCR or CRD
      blocksize=3 : f16[2,2,0,3]{} -> f16[2,18,0,1]{}
      blocksize=2 : f32[1,1,3,2]{1 2 3 4 5 6} -> !no multiple
    )"),
};

}  // namespace anyrt
