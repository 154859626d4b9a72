#include <algorithm>
#include <numeric>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr Param kInputs[] = {
    {"boxes", "float32", kRequiredParam, "[batches, boxes, 4]: y1, x1, y2, x2, or by centre"},
    {"scores", "float32", kRequiredParam, "[batches, classes, boxes]"},
    {"max_output_boxes_per_class", "int64", kOptionalParam, "default 0: none at all"},
    {"iou_threshold", "float32", kOptionalParam, "overlap above which the lower score goes; default 0"},
    {"score_threshold", "float32", kOptionalParam, "scores that do not exceed it go; default: all stay"}};
constexpr Param kOutputs[] = {{"selected_indices", "int64", kRequiredParam, "[selected, 3]: batch, class, box"}};
constexpr AttrDef kAttrs[] = {
    int_attr("center_point_box", 0).with_doc("1: boxes are x centre, y centre, width, height")};

Status infer(InferContext& c) {
  for (size_t i = 0; i < 2; ++i) {
    if (const auto rank = c.input_rank(i); rank && *rank != 3)
      return invalid_model("input {} has rank {}, expected 3", i, *rank);
  }
  c.set_output(0, DType::kInt64, SymShape{c.fresh_dim("selected"), Dim(3)});
  return {};
}

struct Box {
  float x1, y1, x2, y2;
};

Box read_box(const float* b, bool by_centre) {
  if (by_centre) return {b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2};
  return {std::min(b[1], b[3]), std::min(b[0], b[2]), std::max(b[1], b[3]), std::max(b[0], b[2])};
}

bool overlaps(const Box& a, const Box& b, float threshold) {
  const float w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1), h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (!(w > 0) || !(h > 0)) return false;
  const float area_a = (a.x2 - a.x1) * (a.y2 - a.y1), area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
  const float both = w * h, all = area_a + area_b - both;
  return area_a > 0 && area_b > 0 && all > 0 && both / all > threshold;
}

Status eval(EvalContext& c) {
  const Tensor &boxes = c.input(0), &scores = c.input(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.dim(2) != 4 || boxes.dim(0) != scores.dim(0) ||
      boxes.dim(1) != scores.dim(2)) {
    return invalid_argument("boxes {} and scores {} do not fit: expected [batches,boxes,4] and [batches,classes,boxes]",
                            shape_string(boxes.dims()), shape_string(scores.dims()));
  }
  int64_t limit = 0;
  double iou = 0, least = 0;
  if (c.input(2).size() > 0) {
    ANYRT_ASSIGN(limit, c.input_int(2));
  }
  if (c.input(3).size() > 0) {
    ANYRT_ASSIGN(iou, c.input_double(3));
  }
  const bool has_least = c.input(4).size() > 0;
  if (has_least) {
    ANYRT_ASSIGN(least, c.input_double(4));
  }
  if (!(iou >= 0 && iou <= 1)) return invalid_argument("iou_threshold is {}, expected 0 to 1", iou);
  const bool by_centre = c.i("center_point_box") != 0;
  const int64_t count = boxes.dim(1), classes = scores.dim(1);
  std::vector<int64_t> found;
  std::vector<Box> corners(static_cast<size_t>(count)), kept;
  std::vector<int64_t> order;
  for (int64_t b = 0; b < boxes.dim(0) && limit > 0; ++b) {
    for (int64_t i = 0; i < count; ++i) {
      corners[static_cast<size_t>(i)] = read_box(boxes.data<float>() + (b * count + i) * 4, by_centre);
    }
    for (int64_t k = 0; k < classes; ++k) {
      const float* score = scores.data<float>() + (b * classes + k) * count;
      order.clear();
      for (int64_t i = 0; i < count; ++i) {
        if (!has_least || score[i] > static_cast<float>(least)) order.push_back(i);
      }
      // NaN scores, which compare as nothing, go last.
      std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
        return score[i] > score[j] || (score[i] == score[i] && score[j] != score[j]);
      });
      kept.clear();
      for (int64_t i : order) {
        if (static_cast<int64_t>(kept.size()) >= limit) break;
        const Box& box = corners[static_cast<size_t>(i)];
        if (std::any_of(kept.begin(), kept.end(),
                        [&](const Box& o) { return overlaps(box, o, static_cast<float>(iou)); }))
          continue;
        kept.push_back(box);
        found.insert(found.end(), {b, k, i});
      }
      ANYRT_TRY(c.check_cancelled());
    }
  }
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt64, {static_cast<int64_t>(found.size() / 3), 3}));
  std::copy(found.begin(), found.end(), y->mutable_data<int64_t>());
  return {};
}

}  // namespace

extern const OpDef op_onnx_non_max_suppression = {
    .name = "NonMaxSuppression",
    .since = 11,
    .first = 10,
    .doc = "Keeps, class by class, the boxes of highest score that do not overlap much with better ones.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[1,3,4]{0 0 1 1 0 0.1 1 1.1 0 5 1 6}, f32[1,1,3]{0.9 0.75 0.6}, i64[1]{3}, f32[1]{0.5} -> i64[2,3]{0 0 0 0 0 2}
      : f32[1,3,4]{1 1 0 0 0 0.1 1 1.1 0 5 1 6}, f32[1,1,3]{0.9 0.95 0.6}, i64[]{1}, f32[]{0.5}, f32[]{0.4} -> i64[1,3]{0 0 1}
      center_point_box=1 : f32[1,2,4]{0.5 0.5 1 1 5.5 0.5 1 1}, f32[1,2,2]{0.9 0.1 0.2 0.8}, i64[1]{3}, f32[1]{0.5}, f32[1]{0.15} -> i64[3,3]{0 0 0 0 1 1 0 1 0}
      : f32[1,1,4]{0 0 1 1}, f32[1,1,1]{0.9} -> i64[0,3]{}
      : f32[1,1,4]{0 0 1 1}, f32[1,1,1]{nan}, i64[]{1} -> i64[1,3]{0 0 0}
      : f32[1,2,4]{0 0 1 1 0 0 1 1}, f32[1,1,1]{0.9} -> !do not fit
    )"),
};

}  // namespace anyrt
