#include "devices/cpu/kernels/reduce_common.h"

#include <algorithm>

namespace anyrt::cpu {

namespace {

constexpr int64_t kPartElements = 1 << 16;
constexpr int64_t kMostParts = 64;
constexpr int64_t kPartUnit = 4096;  // of the elements of a row

}  // namespace

ReduceLoops::ReduceLoops(const Dims& groups, const std::vector<int64_t>& out_steps, int64_t width, bool may_split) {
  int64_t stride = 1;
  for (size_t i = groups.size(); i-- > 0;) {
    const bool reduced = out_steps[i] == 0;
    (reduced ? reduced_ : kept_).push_back({groups[i], stride, out_steps[i]});
    (reduced ? count_ : outputs_) *= groups[i];
    stride *= groups[i];
  }
  std::reverse(kept_.begin(), kept_.end());
  std::reverse(reduced_.begin(), reduced_.end());
  by_row_ = out_steps.back() == 0;
  if (!by_row_) {
    columns_ = kept_.back().size;
    kept_.pop_back();
  }
  while (reduced_.size() < (by_row_ ? 2 : 1)) reduced_.insert(reduced_.begin(), Axis{});
  width_ = by_row_ ? 1 : std::min(width, std::max<int64_t>(1, columns_));
  blocks_ = (columns_ + width_ - 1) / width_;
  tasks_ = outputs_ == 0 ? 0 : blocks_;
  for (const Axis& a : kept_) tasks_ *= a.size;
  task_elements_ = std::max<int64_t>(1, count_ * width_);
  part_step_ = std::max<int64_t>(1, reduced_[0].size);
  const bool plain = by_row_ && kept_.size() <= 1 && reduced_.size() == 2 && reduced_[0].size == 1;
  if (plain && count_ > 0) plain_row_ = count_;
  if (!may_split || count_ == 0 || tasks_ == 0) return;
  while (split_axis_ + 1 < reduced_.size() && reduced_[split_axis_].size == 1) ++split_axis_;
  const int64_t size = reduced_[split_axis_].size;
  const int64_t wanted = std::min(task_elements_ / kPartElements, kMostParts / tasks_);
  const int64_t unit = by_row_ && split_axis_ + 1 == reduced_.size() ? kPartUnit : 1;
  part_step_ = size;
  if (wanted < 2) return;
  part_step_ = (size / wanted + unit - 1) / unit * unit;
  part_step_ = std::max(part_step_, unit);
  parts_ = (size + part_step_ - 1) / part_step_;
  if (parts_ > 1) plain_row_ = 0;
  task_elements_ = std::max<int64_t>(1, task_elements_ / parts_);
}

int64_t ReduceLoops::part_begin(int64_t part) const { return std::min(part * part_step_, reduced_[split_axis_].size); }

ReduceLoops::Task ReduceLoops::task(int64_t index) const {
  Task t;
  t.part = index / tasks_;
  int64_t rest = index % tasks_;
  const int64_t column = rest % blocks_ * width_;
  rest /= blocks_;
  t.in = t.out = column;
  t.width = std::min(width_, columns_ - column);
  for (size_t a = kept_.size(); a-- > 0;) {
    t.in += rest % kept_[a].size * kept_[a].in;
    t.out += rest % kept_[a].size * kept_[a].out;
    rest /= kept_[a].size;
  }
  return t;
}

Expected<Reduction> bound_reduction(const BindQuery& q) {
  const Dims& dims = q.input(0).dims;
  std::vector<int64_t> axes;
  if (q.has_input(1)) {
    if (!q.input(1).ints) return not_implemented("axes that are known only when it runs");
    axes = *q.input(1).ints;
  }
  if (axes.empty() && q.i("noop_with_empty_axes") == 0) {
    for (size_t i = 0; i < dims.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  return plan_reduction(dims, axes, q.i("keepdims") != 0);
}

}  // namespace anyrt::cpu
