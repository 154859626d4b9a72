#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"V", any_value(kAllDTypes)}};
constexpr Param kInputs[] = {{"cond", "bool", kRequiredParam, "one element"}};
constexpr Param kOutputs[] = {{"outputs", "V", kVariadicAnyParam}};
constexpr AttrDef kAttrs[] = {required_attr("then_branch", AttrKind::kGraph),
                              required_attr("else_branch", AttrKind::kGraph)};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const std::vector<Type> then_types, c.infer_subgraph("then_branch", {}));
  ANYRT_ASSIGN(const std::vector<Type> else_types, c.infer_subgraph("else_branch", {}));
  if (then_types.size() != c.num_outputs() || else_types.size() != c.num_outputs()) {
    return invalid_model("{} outputs, but the branches give {} and {}", c.num_outputs(), then_types.size(),
                         else_types.size());
  }
  for (size_t i = 0; i < then_types.size(); ++i) {
    if (!same_kind_and_dtype(then_types[i], else_types[i])) {
      return invalid_model("output {} is {} in one branch and {} in the other", i, then_types[i].to_string(),
                           else_types[i].to_string());
    }
    c.set_output(i, join_types(then_types[i], else_types[i]));
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& cond = c.input(0);
  if (cond.size() != 1) return invalid_argument("cond must hold one element, found {}", cond.type_string());
  ANYRT_ASSIGN(std::vector<Value> out, c.run_subgraph(cond.data<bool>()[0] ? "then_branch" : "else_branch", {}));
  for (size_t i = 0; i < out.size(); ++i) c.set_output(i, std::move(out[i]));
  return {};
}

}  // namespace

extern const OpDef op_onnx_if = {
    .name = "If",
    .since = 25,
    .doc = "Runs one of two subgraphs.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = [](RewriteContext& c) { return downgrade_any_value(c, 13); },
};

}  // namespace anyrt
