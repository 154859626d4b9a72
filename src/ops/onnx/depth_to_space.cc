#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "[N, C, H, W]"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[N, C / b², H * b, W * b]"}};
constexpr AttrDef kAttrs[] = {
    required_attr("blocksize", AttrKind::kInt),
    string_attr("mode", "DCR").with_doc("DCR: blocks are the outer part of the channel axis; CRD: the inner part"),
};

constexpr int64_t kMaxBlock = int64_t{1} << 20;

Status check(const AttrReader& a) {
  const int64_t b = a.i("blocksize");
  if (b < 1 || b > kMaxBlock) return invalid_model("blocksize is {}, expected 1 or more", b);
  if (a.s("mode") != "DCR" && a.s("mode") != "CRD")
    return invalid_model("mode is '{}', expected DCR or CRD", a.s("mode"));
  return {};
}

Status infer(InferContext& c) {
  ANYRT_TRY(check(c));
  std::optional<SymShape> out;
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() != 4) return invalid_model("the input has rank {}, expected 4", x->size());
    const Dim b(c.i("blocksize"));
    if ((*x)[1].is_const() && (*x)[1].value() % (b * b).value() != 0) {
      return invalid_model("{} channels cannot be split by {}", (*x)[1].value(), (b * b).value());
    }
    out = SymShape{(*x)[0], Dim::floor_div((*x)[1], b * b), (*x)[2] * b, (*x)[3] * b};
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check(c));
  const Tensor& x = c.input(0);
  const int64_t b = c.i("blocksize");
  if (x.rank() != 4) return invalid_argument("the input has rank {}, expected 4", x.rank());
  if (x.dim(1) % (b * b) != 0) return invalid_argument("{} channels cannot be split by {}", x.dim(1), b * b);
  const int64_t n = x.dim(0), depth = x.dim(1) / (b * b), h = x.dim(2), w = x.dim(3);
  const bool depth_last = c.s("mode") == "DCR";
  const std::vector<int64_t> dcr{0, 3, 4, 1, 5, 2}, crd{0, 1, 4, 2, 5, 3};
  ANYRT_ASSIGN(Tensor y, x.reshaped(depth_last ? Dims{n, b, b, depth, h, w} : Dims{n, depth, b, b, h, w}));
  ANYRT_ASSIGN(y, transpose(y, depth_last ? dcr : crd));
  ANYRT_ASSIGN(y, y.reshaped({n, depth, h * b, w * b}));
  c.set_output(0, std::move(y));
  return {};
}

Status decompose(RewriteContext& c) {
  ANYRT_TRY(check(c));
  const Type& type = c.input_type(0);
  const auto dims = type.shape ? to_dims(*type.shape) : std::nullopt;
  if (!dims || dims->size() != 4) return not_implemented("the shape of the input is not known");
  const int64_t b = c.i("blocksize"), n = (*dims)[0], depth = (*dims)[1] / (b * b), h = (*dims)[2], w = (*dims)[3];
  const bool depth_last = c.s("mode") == "DCR";
  const std::vector<int64_t> split = depth_last ? Dims{n, b, b, depth, h, w} : Dims{n, depth, b, b, h, w};
  const std::vector<int64_t> perm = depth_last ? Dims{0, 3, 4, 1, 5, 2} : Dims{0, 1, 4, 2, 5, 3};
  const Attr zeros_count{"allowzero", int64_t{1}};
  ValueId v = c.op("Reshape", {c.input(0), c.constant_ints(split)}, {zeros_count});
  v = c.op("Transpose", {v}, {{"perm", perm}});
  c.replace_output(0, c.op("Reshape", {v, c.constant_ints({n, depth, h * b, w * b})}, {zeros_count}));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 11) return {};
  if (c.s("mode") != "DCR") return not_implemented("mode {} needs opset 11", c.s("mode"));
  return drop_attr(c, "mode");
}

}  // namespace

extern const OpDef op_onnx_depth_to_space = {
    .name = "DepthToSpace",
    .since = 13,
    .doc = "Moves blocks of the channel axis into height and width.",
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
      blocksize=2 : f32[1,4,1,2]{1 2 3 4 5 6 7 8} -> f32[1,1,2,4]{1 3 2 4 5 7 6 8}
      blocksize=2 mode="CRD" : i8[1,8,1,1]{1 2 3 4 5 6 7 8} -> i8[1,2,2,2]{1 2 3 4 5 6 7 8}
      blocksize=2 mode="DCR" : i8[1,8,1,1]{1 2 3 4 5 6 7 8} -> i8[1,2,2,2]{1 3 5 7 2 4 6 8}
      blocksize=1 : str[1,1,1,2]{"a" "b"} -> str[1,1,1,2]{"a" "b"}
      blocksize=3 : f16[2,18,0,4]{} -> f16[2,2,0,12]{}
      blocksize=2 : f32[1,3,1,1]{1 2 3} -> !cannot be split
    )"),
};

}  // namespace anyrt
