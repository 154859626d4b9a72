#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f), int_attr("transA", 0), int_attr("transB", 0),
                              int_attr("transBatchA", 0), int_attr("transBatchB", 0)};

// The last two axes swapped where asked; a batch axis (0) that stands before the rows where asked.
Expected<ValueId> arranged(RewriteContext& c, size_t i, bool trans, bool trans_batch) {
  const auto rank = c.input_rank(i);
  if (!trans && !trans_batch) return c.input(i);
  if (!rank) return not_implemented("input {} must have a known rank to be transposed", i);
  if (*rank < 2) return c.input(i);
  std::vector<int64_t> perm;
  for (int64_t k = 0; k < *rank; ++k) perm.push_back(k);
  // transBatch: the batch axes stand between the two matrix axes, [M, B…, K].
  if (trans_batch) {
    perm.erase(perm.begin());
    perm.insert(perm.end() - 1, 0);
  }
  if (trans) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return c.op("Transpose", {c.input(i)}, {{"perm", perm}});
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const float alpha = c.f("alpha");
  ANYRT_ASSIGN(const ValueId a, arranged(c, 0, c.i("transA") != 0, c.i("transBatchA") != 0));
  ANYRT_ASSIGN(const ValueId b, arranged(c, 1, c.i("transB") != 0, c.i("transBatchB") != 0));
  ValueId y = c.op("MatMul", {a, b});
  if (alpha != 1.0f) y = c.op("Mul", {y, c.constant_scalar(static_cast<double>(alpha), known_dtype(c, 0))});
  c.replace_output(0, y);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_fused_mat_mul = {
    .name = "FusedMatMul",
    .domain = "com.microsoft",
    .doc = "alpha times the product of two possibly transposed matrices.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      transA=1 alpha=2.0 : f32[2,1]{1 2}, f32[2,1]{3 4} -> f32[1,1]{22}
      transB=1 : f32[1,2]{1 2}, f32[1,2]{3 4} -> f32[1,1]{11}
      : f32[2]{1 2}, f32[2]{3 4} -> f32[]{11}
    )"),
};

}  // namespace anyrt
