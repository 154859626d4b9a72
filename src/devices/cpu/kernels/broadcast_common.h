#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "opdef/shape_util.h"
#include "tensor/tensor.h"

namespace anyrt::cpu {

// How up to N operands are read as one output shape: axes merged where all of them allow it, worked out once.
template <size_t N>
struct BroadcastLoops {
  using Offsets = std::array<int64_t, N>;
  // The inner loop: `rows` times `n` elements. Strides in elements; `step` is 0 or 1.
  struct Block {
    int64_t rows = 1, n = 1;
    Offsets row{}, step{};
    int64_t out_row = 0;
  };

  BroadcastLoops(const Dims& out, std::span<const Dims* const> operands) {
    for (const int64_t d : out) total *= d;
    if (total == 0) return;
    struct Axis {
      int64_t size = 1;
      Offsets stride{};
    };
    std::array<Dims, N> strides;
    for (size_t k = 0; k < operands.size(); ++k) strides[k] = broadcast_strides(*operands[k], out);
    std::vector<Axis> axes;
    for (size_t i = 0; i < out.size(); ++i) {
      if (out[i] == 1) continue;
      Axis axis;
      axis.size = out[i];
      bool merge = !axes.empty();
      for (size_t k = 0; k < operands.size(); ++k) {
        axis.stride[k] = strides[k][i];
        merge = merge && axes.back().stride[k] == axis.stride[k] * axis.size;
      }
      if (merge) {
        axes.back().size *= axis.size;
        axes.back().stride = axis.stride;
      } else {
        axes.push_back(axis);
      }
    }
    if (!axes.empty()) {
      block.n = axes.back().size;
      block.step = axes.back().stride;
      axes.pop_back();
    }
    if (!axes.empty()) {
      block.rows = axes.back().size;
      block.row = axes.back().stride;
      axes.pop_back();
    }
    block.out_row = block.n;
    for (const Axis& a : axes) {
      sizes.push_back(a.size);
      outer_strides.push_back(a.stride);
      outer *= a.size;
    }
  }

  // f(Block, operand offsets, output offset) for blocks that cover the output; large outputs in parallel.
  template <class F>
  void run(int64_t grain, int threads, const F& f) const {
    if (total == 0) return;
    if (total <= grain) {
      run_outer(0, outer, f);
    } else if (outer > 1) {
      parallel_for(
          outer, std::max<int64_t>(1, grain / (block.rows * block.n)),
          [&](int64_t begin, int64_t end) { run_outer(begin, end, f); }, threads);
    } else if (block.rows > 1) {
      parallel_for(
          block.rows, std::max<int64_t>(1, grain / block.n),
          [&](int64_t begin, int64_t end) {
            Block part = block;
            part.rows = end - begin;
            Offsets at;
            for (size_t k = 0; k < N; ++k) at[k] = begin * block.row[k];
            f(part, at, begin * block.out_row);
          },
          threads);
    } else {
      parallel_for(
          block.n, grain,
          [&](int64_t begin, int64_t end) {
            Block part = block;
            part.n = end - begin;
            Offsets at;
            for (size_t k = 0; k < N; ++k) at[k] = begin * block.step[k];
            f(part, at, begin);
          },
          threads);
    }
  }

  // Where the operands of block i begin.
  Offsets offsets(int64_t i) const {
    Offsets at{};
    for (size_t a = sizes.size(); a-- > 0; i /= sizes[a]) {
      const int64_t index = i % sizes[a];
      for (size_t k = 0; k < N; ++k) at[k] += index * outer_strides[a][k];
    }
    return at;
  }

  int64_t total = 1, outer = 1;
  Block block;
  std::vector<int64_t> sizes;
  std::vector<Offsets> outer_strides;

 private:
  template <class F>
  void run_outer(int64_t begin, int64_t end, const F& f) const {
    for (int64_t i = begin; i < end; ++i) f(block, offsets(i), i * block.rows * block.n);
  }
};

}  // namespace anyrt::cpu
