#include <algorithm>
#include <bit>
#include <functional>
#include <vector>

#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// This file is compiled once for each instruction set.
#ifndef ANYRT_CPU_NON_MAX_SUPPRESSION_ARGS_
#define ANYRT_CPU_NON_MAX_SUPPRESSION_ARGS_
namespace anyrt::cpu {
namespace {

struct Box {
  float x1, y1, x2, y2, area;
};

// Boxes side by side, as vectors want them.
struct Boxes {
  std::vector<float> x1, y1, x2, y2, area;

  size_t size() const { return x1.size(); }
  void clear() {
    for (auto* v : {&x1, &y1, &x2, &y2, &area}) v->clear();
  }
  void add(const Box& b) {
    x1.push_back(b.x1);
    y1.push_back(b.y1);
    x2.push_back(b.x2);
    y2.push_back(b.y2);
    area.push_back(b.area);
  }
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/non_max_suppression.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Whether the part that `a` shares with any of the boxes is above `threshold` of what both cover. In the order of the
// reference's operations, NaN included.
template <class D>
HWY_INLINE bool overlaps_some(D d, const Box& a, const Boxes& kept, size_t at, float threshold) {
  const auto zero = hn::Zero(d);
  const auto least = [](auto p, auto q) HWY_ATTR { return hn::IfThenElse(hn::Lt(q, p), q, p); };
  const auto most = [](auto p, auto q) HWY_ATTR { return hn::IfThenElse(hn::Lt(p, q), q, p); };
  const auto w =
      hn::Sub(least(hn::Set(d, a.x2), hn::LoadU(d, &kept.x2[at])), most(hn::Set(d, a.x1), hn::LoadU(d, &kept.x1[at])));
  const auto h =
      hn::Sub(least(hn::Set(d, a.y2), hn::LoadU(d, &kept.y2[at])), most(hn::Set(d, a.y1), hn::LoadU(d, &kept.y1[at])));
  const auto meet = hn::And(hn::Gt(w, zero), hn::Gt(h, zero));
  if (hn::AllFalse(d, meet)) return false;
  const auto area = hn::LoadU(d, &kept.area[at]), both = hn::Mul(w, h);
  const auto all = hn::Sub(hn::Add(hn::Set(d, a.area), area), both);
  const auto real = hn::And(hn::And(hn::Gt(area, zero), hn::Gt(all, zero)), meet);
  return a.area > 0 && !hn::AllFalse(d, hn::And(real, hn::Gt(hn::Div(both, all), hn::Set(d, threshold))));
}

bool overlaps_any(const Box& a, const Boxes& kept, float threshold) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d), n = kept.size();
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    if (overlaps_some(d, a, kept, i, threshold)) return true;
  }
  for (; i < n; ++i) {
    if (overlaps_some(one, a, kept, i, threshold)) return true;
  }
  return false;
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace anyrt::cpu {
namespace {

HWY_EXPORT(overlaps_any);

Box read_box(const float* b, bool by_centre) {
  Box box;
  if (by_centre) {
    box = {b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2, 0};
  } else {
    box = {std::min(b[1], b[3]), std::min(b[0], b[2]), std::max(b[1], b[3]), std::max(b[0], b[2]), 0};
  }
  box.area = (box.x2 - box.x1) * (box.y2 - box.y1);
  return box;
}

// Greater for a better score, then for a smaller index; NaN is the least.
uint64_t key_of(float score, int64_t index) {
  uint32_t bits = std::bit_cast<uint32_t>(score == 0 ? 0.0f : score);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if (score != score) bits = 0;
  return uint64_t{bits} << 32 | (0xffffffffu - static_cast<uint32_t>(index));
}

struct Settings {
  int64_t limit = 0;
  float iou = 0, least = 0;
  bool has_least = false;
};

// The boxes of one class that stay.
std::vector<int64_t> select(const Boxes& boxes, const float* score, const Settings& s) {
  const auto n = static_cast<int64_t>(boxes.size());
  std::vector<uint64_t> keys(static_cast<size_t>(n));
  size_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    keys[count] = key_of(score[i], i);
    count += !s.has_least || score[i] > s.least ? 1 : 0;
  }
  keys.resize(count);
  std::vector<int64_t> chosen;
  Boxes kept;
  const auto overlaps = HWY_DYNAMIC_DISPATCH(overlaps_any);
  // Most of the boxes are never looked at, and need no order.
  const auto share = static_cast<std::ptrdiff_t>(std::clamp<int64_t>(2 * std::min(s.limit, n), 64, 1 << 20));
  for (auto at = keys.begin(); at != keys.end();) {
    const auto end = keys.end() - at > 2 * share ? at + share : keys.end();
    if (end != keys.end()) std::nth_element(at, end, keys.end(), std::greater<>());
    std::sort(at, end, std::greater<>());
    for (; at != end; ++at) {
      if (static_cast<int64_t>(chosen.size()) >= s.limit) return chosen;
      const auto i = static_cast<size_t>(0xffffffffu - static_cast<uint32_t>(*at));
      const Box box = {boxes.x1[i], boxes.y1[i], boxes.x2[i], boxes.y2[i], boxes.area[i]};
      if (overlaps(box, kept, s.iou)) continue;
      kept.add(box);
      chosen.push_back(static_cast<int64_t>(i));
    }
  }
  return chosen;
}

Status run(EvalContext& c, const void*) {
  const Tensor &boxes = c.input(0), &scores = c.input(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.dim(2) != 4 || boxes.dim(0) != scores.dim(0) ||
      boxes.dim(1) != scores.dim(2)) {
    return invalid_argument("boxes {} and scores {} do not fit: expected [batches,boxes,4] and [batches,classes,boxes]",
                            shape_string(boxes.dims()), shape_string(scores.dims()));
  }
  if (boxes.dim(1) > UINT32_MAX) return not_implemented("{} boxes", boxes.dim(1));
  Settings s;
  double iou = 0, least = 0;
  if (c.input(2).size() > 0) {
    ANYRT_ASSIGN(s.limit, c.input_int(2));
  }
  if (c.input(3).size() > 0) {
    ANYRT_ASSIGN(iou, c.input_double(3));
  }
  s.has_least = c.input(4).size() > 0;
  if (s.has_least) {
    ANYRT_ASSIGN(least, c.input_double(4));
  }
  if (!(iou >= 0 && iou <= 1)) return invalid_argument("iou_threshold is {}, expected 0 to 1", iou);
  s.iou = static_cast<float>(iou);
  s.least = static_cast<float>(least);
  const bool by_centre = c.i("center_point_box") != 0;
  const int64_t batches = boxes.dim(0), count = boxes.dim(1), classes = scores.dim(1);
  std::vector<int64_t> found;
  Boxes corners;
  std::vector<std::vector<int64_t>> chosen(static_cast<size_t>(classes));
  for (int64_t b = 0; b < batches && s.limit > 0; ++b) {
    corners.clear();
    for (int64_t i = 0; i < count; ++i) corners.add(read_box(boxes.data<float>() + (b * count + i) * 4, by_centre));
    c.parallel_for(classes, 1 + (1 << 12) / std::max<int64_t>(1, count), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        chosen[static_cast<size_t>(k)] = select(corners, scores.data<float>() + (b * classes + k) * count, s);
    });
    for (int64_t k = 0; k < classes; ++k) {
      for (const int64_t i : chosen[static_cast<size_t>(k)]) found.insert(found.end(), {b, k, i});
    }
    ANYRT_TRY(c.check_cancelled());
  }
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt64, {static_cast<int64_t>(found.size() / 3), 3}));
  std::copy(found.begin(), found.end(), y->mutable_data<int64_t>());
  return {};
}

constexpr KernelRow kRows[] = {{.kernel = "non_max_suppression", .op = "NonMaxSuppression", .run = run}};

}  // namespace

extern const KernelTable kernels_non_max_suppression = {kRows};

}  // namespace anyrt::cpu
#endif
