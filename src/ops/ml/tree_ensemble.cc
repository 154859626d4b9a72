#include "opdef/tree_model.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N,F]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N,n_targets]"}};
constexpr AttrDef kAttrs[] = {
    int_attr("aggregate_function", 1).with_doc("0 average, 1 sum, 2 minimum, 3 maximum"),
    required_attr("leaf_targetids", AttrKind::kInts),
    required_attr("leaf_weights", AttrKind::kTensor),
    attr("membership_values", AttrKind::kTensor).with_doc("sets of the nodes of mode 6, divided by NaN"),
    attr("n_targets", AttrKind::kInt).with_doc("1 when absent"),
    required_attr("nodes_falseleafs", AttrKind::kInts),
    required_attr("nodes_falsenodeids", AttrKind::kInts),
    required_attr("nodes_featureids", AttrKind::kInts),
    attr("nodes_hitrates", AttrKind::kTensor),
    attr("nodes_missing_value_tracks_true", AttrKind::kInts),
    required_attr("nodes_modes", AttrKind::kTensor).with_doc("0 <=, 1 <, 2 >=, 3 >, 4 ==, 5 !=, 6 member of a set"),
    required_attr("nodes_splits", AttrKind::kTensor),
    required_attr("nodes_trueleafs", AttrKind::kInts),
    required_attr("nodes_truenodeids", AttrKind::kInts),
    int_attr("post_transform", 0).with_doc("0 none, 1 softmax, 2 logistic, 3 softmax_zero, 4 probit"),
    required_attr("tree_roots", AttrKind::kInts),
};

Status infer(InferContext& c) {
  ANYRT_TRY(check_tree_settings(c));
  c.set_output(0, c.input_dtype(0), SymShape{infer_rows(c, 0), Dim(c.i("n_targets", 1))});
  return {};
}

template <class T>
Status evaluate(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, dtype_of<T>));
  ANYRT_ASSIGN(const TreeModel<T> model, read_tree_targets<T>(c));
  ANYRT_ASSIGN(const Tensor y, evaluate_trees<T>(c, model, x, nullptr));
  return c.set_output_as(0, y, c.input(0).dtype());
}

Status eval(EvalContext& c) { return c.input(0).dtype() == DType::kFloat64 ? evaluate<double>(c) : evaluate<float>(c); }

}  // namespace

extern const OpDef op_ml_tree_ensemble = {
    .name = "TreeEnsemble",
    .domain = kMlDomain,
    .since = 5,
    .first = 5,
    .doc = "Decision trees whose leaves add to targets.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      tree_roots=[0] nodes_splits=f64[3]{3.14 1.2 4.2} nodes_featureids=[0,0,0] nodes_modes=u8[3]{0 0 0} nodes_truenodeids=[1,0,2] nodes_trueleafs=[0,1,1] nodes_falsenodeids=[2,1,3] nodes_falseleafs=[0,1,1] leaf_targetids=[0,1,0,1] leaf_weights=f64[4]{5.23 12.12 -12.23 7.21} n_targets=2 : f64[3,2]{1.2 3.4 -0.12 1.66 4.14 1.77} -> f64[3,2]{5.23 0 5.23 0 -12.23 0}
      tree_roots=[0] nodes_splits=f32[1]{0} nodes_featureids=[0] nodes_modes=u8[1]{6} membership_values=f32[2]{1 3} nodes_truenodeids=[0] nodes_trueleafs=[1] nodes_falsenodeids=[1] nodes_falseleafs=[1] leaf_targetids=[0,0] leaf_weights=f32[2]{10 20} : f32[3,1]{1 2 3} -> f32[3,1]{10 20 10}
      tree_roots=[0] nodes_splits=f32[1]{0} nodes_featureids=[0] nodes_modes=u8[1]{0} nodes_truenodeids=[0] nodes_trueleafs=[0] nodes_falsenodeids=[0] nodes_falseleafs=[1] leaf_targetids=[0] leaf_weights=f32[1]{10} : f32[1,1]{1} -> !circle
      tree_roots=[0] nodes_splits=f16[1]{0} nodes_featureids=[2] nodes_modes=u8[1]{0} nodes_truenodeids=[0] nodes_trueleafs=[1] nodes_falsenodeids=[0] nodes_falseleafs=[1] leaf_targetids=[0] leaf_weights=f16[1]{10} : f16[1,1]{1} -> !feature 2
    )"),
};

}  // namespace anyrt
