#include <numeric>

#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"}};
constexpr Param kOutputs[] = {{"transposed", "T"}};
constexpr AttrDef kAttrs[] = {
    attr("perm", AttrKind::kInts).with_doc("axis perm[i] of the input is axis i of the output; reversed when absent")};

Expected<std::vector<int64_t>> permutation(const AttrReader& c, size_t rank) {
  std::vector<int64_t> perm = c.ints("perm");
  if (!c.has_attr("perm")) {
    perm.resize(rank);
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  if (perm.size() != rank) return invalid_argument("perm has {} entries for a tensor of rank {}", perm.size(), rank);
  return normalize_axes(perm, static_cast<int64_t>(rank));
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* in = c.input_shape(0);
  if (!in) {
    if (c.has_attr("perm")) c.set_output(0, c.input_dtype(0), SymShape(c.ints("perm").size()));
    return {};
  }
  ANYRT_ASSIGN(const std::vector<int64_t> perm, permutation(c, in->size()));
  SymShape out;
  for (int64_t p : perm) out.push_back((*in)[p]);
  c.set_output(0, c.input_dtype(0), std::move(out));
  if (in->size() <= 1) forward_elements(c);
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const std::vector<int64_t> perm, permutation(c, c.input(0).dims().size()));
  ANYRT_ASSIGN(Tensor y, transpose(c.input(0), perm));
  c.set_output(0, std::move(y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_transpose = {
    .name = "Transpose",
    .since = 25,
    .doc = "Reorders the axes of a tensor.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{1 2 3 4 5 6} -> f32[3,2]{1 4 2 5 3 6}
      perm=[1,2,0] : i8[1,2,2]{1 2 3 4} -> i8[2,2,1]{1 2 3 4}
      perm=[0,2,1] : str[1,2,2]{"a" "b" "c" "d"} -> str[1,2,2]{"a" "c" "b" "d"}
      : f32[]{3} -> f32[]{3}
      perm=[1,0] : f32[0,3]{} -> f32[3,0]{}
      perm=[0,0] : f32[2,3]{rand:1} -> !twice
      perm=[0] : f32[2,3]{rand:1} -> !1 entries
    )"),
};

}  // namespace anyrt
