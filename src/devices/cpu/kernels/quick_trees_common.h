#pragma once

#include <cstddef>
#include <cstdint>

namespace anyrt::cpu {

inline constexpr size_t kQuickLeaves = 32;

// A comparison of a small tree, with the leaves (one bit each) that are left where it does not match. Of what all
// comparisons leave, whatever their order, the lowest bit is the leaf that a walk would come to.
struct QuickNode {
  float value;
  uint32_t feature;  // 1 + column; the highest bit: NaN is a match
  uint32_t keep;
};

// The bits of sixteen rows: those of two tiles of eight, as FlatTrees lays them out.
using QuickFn = void (*)(const QuickNode* nodes, size_t count, const float* first, const float* second, uint32_t* bits);
QuickFn quick_trees(bool less, bool missing);

}  // namespace anyrt::cpu
