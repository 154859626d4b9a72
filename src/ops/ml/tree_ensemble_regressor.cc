#include "opdef/tree_model.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N,F]"}};
constexpr Param kOutputs[] = {{"Y", "float32", kRequiredParam, "[N,n_targets]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("aggregate_function", "SUM").with_doc("AVERAGE, SUM, MIN or MAX"),
    attr("base_values", AttrKind::kFloats).with_doc("added to each target"),
    attr("base_values_as_tensor", AttrKind::kTensor),
    attr("n_targets", AttrKind::kInt).with_doc("1 when absent"),
    attr("nodes_falsenodeids", AttrKind::kInts),
    attr("nodes_featureids", AttrKind::kInts),
    attr("nodes_hitrates", AttrKind::kFloats),
    attr("nodes_hitrates_as_tensor", AttrKind::kTensor),
    attr("nodes_missing_value_tracks_true", AttrKind::kInts),
    attr("nodes_modes", AttrKind::kStrings).with_doc("BRANCH_LEQ, _LT, _GTE, _GT, _EQ, _NEQ or LEAF"),
    attr("nodes_nodeids", AttrKind::kInts),
    attr("nodes_treeids", AttrKind::kInts),
    attr("nodes_truenodeids", AttrKind::kInts),
    attr("nodes_values", AttrKind::kFloats),
    attr("nodes_values_as_tensor", AttrKind::kTensor),
    string_attr("post_transform", "NONE"),
    attr("target_ids", AttrKind::kInts),
    attr("target_nodeids", AttrKind::kInts),
    attr("target_treeids", AttrKind::kInts),
    attr("target_weights", AttrKind::kFloats),
    attr("target_weights_as_tensor", AttrKind::kTensor),
};

Status infer(InferContext& c) {
  ANYRT_TRY(parse_tree_aggregate(c.s("aggregate_function")).status());
  ANYRT_TRY(parse_post_transform(c.s("post_transform")).status());
  if (c.i("n_targets", 1) < 1) return invalid_model("n_targets must be 1 or more, found {}", c.i("n_targets"));
  c.set_output(0, DType::kFloat32, SymShape{infer_rows(c, 0), Dim(c.i("n_targets", 1))});
  return {};
}

template <class T>
Status evaluate(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, dtype_of<T>));
  ANYRT_ASSIGN(const TreeModel<T> model, read_tree_regressor<T>(c));
  ANYRT_ASSIGN(const Tensor y, evaluate_trees<T>(c, model, x, nullptr));
  return c.set_output_as(0, y, DType::kFloat32);
}

Status eval(EvalContext& c) { return c.input(0).dtype() == DType::kFloat64 ? evaluate<double>(c) : evaluate<float>(c); }

}  // namespace

extern const OpDef op_ml_tree_ensemble_regressor = {
    .name = "TreeEnsembleRegressor",
    .domain = kMlDomain,
    .since = 3,
    .doc = "Decision trees whose leaves add to targets; TreeEnsemble has taken its place since version 5.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_tree_lists,
    .cases = ANYRT_CASES(R"(
      nodes_treeids=[0,0,0] nodes_nodeids=[0,1,2] nodes_featureids=[1,0,0] nodes_values=[0.5,0.0,0.0] nodes_modes=["BRANCH_LEQ","LEAF","LEAF"] nodes_truenodeids=[1,0,0] nodes_falsenodeids=[2,0,0] target_treeids=[0,0] target_nodeids=[1,2] target_ids=[0,0] target_weights=[1.0,2.0] base_values=[10.0] : f32[3,2]{0 0.5 0 0.6 0 nan} -> f32[3,1]{11 12 12}
      nodes_treeids=[0,0,0] nodes_nodeids=[0,1,2] nodes_featureids=[0,0,0] nodes_values=[1.0,0.0,0.0] nodes_modes=["BRANCH_GT","LEAF","LEAF"] nodes_truenodeids=[1,0,0] nodes_falsenodeids=[2,0,0] nodes_missing_value_tracks_true=[1,0,0] target_treeids=[0,0,0] target_nodeids=[1,2,2] target_ids=[0,1,0] target_weights=[1.0,2.0,3.0] n_targets=2 aggregate_function="MAX" : f64[2,1]{nan 1} -> f32[2,2]{1 0 3 2}
      nodes_treeids=[0] nodes_nodeids=[0] nodes_featureids=[0] nodes_values=[0.0] nodes_modes=["LEAF"] nodes_truenodeids=[0] nodes_falsenodeids=[0] target_treeids=[0] target_nodeids=[0] target_ids=[0] target_weights=[4.0] aggregate_function="AVERAGE" : i64[2,1]{1 2} -> f32[2,1]{4 4}
      nodes_treeids=[0] nodes_nodeids=[0] nodes_featureids=[0] nodes_values=[0.0] nodes_modes=["BRANCH_EQ"] nodes_truenodeids=[0] nodes_falsenodeids=[0] : f32[1,1]{1} -> !circle
    )"),
};

}  // namespace anyrt
