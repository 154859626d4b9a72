#pragma once

#include <optional>

#include "passes/match.h"

namespace anyrt::cpu {

// A strided transposed convolution as a convolution with stride 1 that computes the phases of its result as channels:
// channel (row phase, column phase, m), m up to M rounded up to whole blocks. Output position q * stride + phase is
// position q of that phase.
struct PhaseConv {
  Tensor w;                                 // [phases * M in whole blocks, C, taps...]
  std::vector<int64_t> pads;                // begins, then ends
  int64_t rows = 1, columns = 1;            // phases
  int64_t crop_rows = 0, crop_columns = 0;  // at the end of the interleaved phases
  int64_t channels = 0;                     // M
};

// nullopt for another operator, and where weights, paddings or groups do not allow it.
std::optional<PhaseConv> phase_conv(const Graph& graph, const Node& node, int64_t block);
// A bias [M] for each phase, in whole blocks.
Tensor phase_bias(const PhaseConv& p, const float* bias);

}  // namespace anyrt::cpu
