#pragma once

#include <cstdint>
#include <vector>

#include "device/bound.h"
#include "opdef/reduce.h"

namespace anyrt::cpu {

// How a reduction walks its input, worked out once. The innermost axis is either reduced - then a task makes one result
// of rows of contiguous elements - or kept: then a task makes up to `width` neighbouring results (columns).
class ReduceLoops {
 public:
  // What lies in front of one task, or of one part of its reduced elements.
  struct Task {
    int64_t in = 0, out = 0, width = 1;  // offsets in elements
    int64_t part = 0;
  };

  ReduceLoops() = default;
  // Large reductions to few results are cut into parts, always the same ones, whose results are to be joined.
  ReduceLoops(const Dims& groups, const std::vector<int64_t>& out_steps, int64_t width, bool may_split);

  bool by_row() const { return by_row_; }
  int64_t outputs() const { return outputs_; }
  int64_t count() const { return count_; }  // elements that meet in one result
  int64_t parts() const { return parts_; }
  int64_t tasks() const { return tasks_ * parts_; }
  int64_t task_elements() const { return task_elements_; }
  // The length of rows that lie one behind the other, each with a result of its own; 0 where it is not so simple.
  int64_t plain_row() const { return plain_row_; }
  int64_t row_stride() const { return reduced_[rows_axis()].in; }
  Task task(int64_t index) const;

  // f(offset, rows, n): `rows` rows, row_stride() apart, of n elements (0 where the task makes columns).
  template <class F>
  void each_piece(const Task& t, const F& f) const {
    int64_t at[kMostAxes];
    const size_t inner = rows_axis();
    const auto begin = [&](size_t a) { return a == split_axis_ ? part_begin(t.part) : 0; };
    const auto end = [&](size_t a) { return a == split_axis_ ? part_begin(t.part + 1) : reduced_[a].size; };
    const int64_t first_row = begin(inner), rows = end(inner) - first_row;
    const int64_t first = by_row_ ? begin(inner + 1) : 0, n = by_row_ ? end(inner + 1) - first : 0;
    const int64_t start = t.in + first_row * reduced_[inner].in + first;
    for (size_t a = 0; a < inner; ++a) {
      at[a] = begin(a);
      if (at[a] >= end(a)) return;
    }
    for (;;) {
      int64_t offset = start;
      for (size_t a = 0; a < inner; ++a) offset += at[a] * reduced_[a].in;
      f(offset, rows, n);
      size_t a = inner;
      for (; a > 0; --a) {
        if (++at[a - 1] < end(a - 1)) break;
        at[a - 1] = begin(a - 1);
      }
      if (a == 0) return;
    }
  }

 private:
  static constexpr size_t kMostAxes = 64;
  struct Axis {
    int64_t size = 1, in = 0, out = 0;
  };

  size_t rows_axis() const { return reduced_.size() - (by_row_ ? 2 : 1); }
  int64_t part_begin(int64_t part) const;

  std::vector<Axis> kept_;     // outermost first, without the columns
  std::vector<Axis> reduced_;  // outermost first; the last one is that of rows, or of their elements
  bool by_row_ = false;
  int64_t plain_row_ = 0;
  int64_t columns_ = 1, width_ = 1, blocks_ = 1;
  int64_t outputs_ = 1, count_ = 1, tasks_ = 0, task_elements_ = 0;
  size_t split_axis_ = 0;
  int64_t parts_ = 1, part_step_ = 1;
};

// The reduction of a Reduce* node; NotImplemented where its axes are known only when it runs.
Expected<Reduction> bound_reduction(const BindQuery& q);

}  // namespace anyrt::cpu
