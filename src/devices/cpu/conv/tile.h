#pragma once

#include <cstdint>

#include "opdef/fused_activation.h"

// What convolutions on channels in blocks ask of the code that is compiled for one instruction set.

namespace anyrt::cpu {

// Where a part of a sum begins: in the input, and at which k of the weights.
struct ConvSegment {
  int64_t x, k;
};

// Some positions of an output row times one panel of weights: the sum, over all segments s and k < depth, of
// x[s.x + position * x_step + k * k_step] * w[s.k + k].
struct ConvTile {
  const float* x;
  int64_t x_step, k_step;
  const ConvSegment* list;
  int64_t segments, tail_segments;  // of `depth`; behind them those of `tail_depth`
  int64_t depth, tail_depth;
  const float* w;  // panel: for each k as many vectors as blocks
  float* y;
  int64_t y_block;    // from one block of channels to the next
  const float* bias;  // a vector for each block; null: none
  const float* z;     // added; lies as y does; null: none
  bool clamp;         // afterwards, to [low, high]
  float low, high;
};

// y = rescale(activation(y) + z) over positions of one block of channels; the lanes from `live` on become zero.
struct ConvFinish {
  float* y;
  const float* z;  // null: none
  int64_t positions, live;
  FusedActivation activation;
  FusedRescale rescale;
};

struct ConvTileKernels {
  int64_t lanes;      // channels of a block
  int64_t positions;  // most of a tile
  // By blocks - 1 (a panel has one or two) and positions - 1.
  void (*tile[2][14])(const ConvTile&);
  void (*finish)(const ConvFinish&);
};

ConvTileKernels conv_tile_kernels();

}  // namespace anyrt::cpu
