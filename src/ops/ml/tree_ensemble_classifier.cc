#include "opdef/tree_model.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kMlNumbers}, {"T2", kMlLabels}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "[N,F]"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "[N]: the best class of each row"},
                              {"Z", "float32", kRequiredParam, "[N,E]: the score of each class"}};
constexpr AttrDef kAttrs[] = {
    attr("base_values", AttrKind::kFloats).with_doc("added to each class"),
    attr("base_values_as_tensor", AttrKind::kTensor),
    attr("class_ids", AttrKind::kInts),
    attr("class_nodeids", AttrKind::kInts),
    attr("class_treeids", AttrKind::kInts),
    attr("class_weights", AttrKind::kFloats),
    attr("class_weights_as_tensor", AttrKind::kTensor),
    attr("classlabels_int64s", AttrKind::kInts),
    attr("classlabels_strings", AttrKind::kStrings),
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
};

Status infer(InferContext& c) {
  ANYRT_TRY(parse_post_transform(c.s("post_transform")).status());
  const ClassLabels labels = tree_labels(c);
  if (labels.size() == 0) return invalid_model("either classlabels_int64s or classlabels_strings is needed");
  const Dim n = infer_rows(c, 0);
  c.set_output(0, labels.dtype(), SymShape{n});
  c.set_output(1, DType::kFloat32, SymShape{n, Dim(static_cast<int64_t>(labels.size()))});
  return {};
}

template <class T>
Status evaluate(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, dtype_of<T>));
  ANYRT_ASSIGN(const TreeModel<T> model, read_tree_classifier<T>(c));
  std::vector<int64_t> chosen;
  ANYRT_ASSIGN(const Tensor z, evaluate_trees<T>(c, model, x, &chosen));
  ANYRT_TRY(write_tree_labels(c, model, chosen));
  return c.set_output_as(1, z, DType::kFloat32);
}

Status eval(EvalContext& c) { return c.input(0).dtype() == DType::kFloat64 ? evaluate<double>(c) : evaluate<float>(c); }

}  // namespace

extern const OpDef op_ml_tree_ensemble_classifier = {
    .name = "TreeEnsembleClassifier",
    .domain = kMlDomain,
    .since = 3,
    .doc =
        "Decision trees whose leaves add to the scores of classes; TreeEnsemble has taken its place since version 5.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_tree_lists,
};

}  // namespace anyrt
