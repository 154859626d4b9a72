#pragma once

#include <optional>
#include <span>
#include <vector>

#include "passes/match.h"
#include "passes/pass.h"

namespace anyrt {

// A Conv or ConvTranspose with constant weights that one node alone reads.
struct FoldableConv {
  const Node* node = nullptr;
  int64_t channels = 0;  // of the output
  int rank = 0;          // of the output
};
std::optional<FoldableConv> foldable_conv(const Graph& graph, ValueId v);

// One number for each channel out of a constant that is broadcast over the output of the convolution; nullopt when it
// varies along another axis.
std::optional<std::vector<double>> channel_values(const FoldableConv& conv, const Tensor& t);

// The convolution whose result is the old one's times `scale` plus `shift`, by channel. kNoValue when a weight would
// not be finite.
Expected<ValueId> scaled_conv(Rewrite& rewrite, const Graph& graph, const FoldableConv& conv,
                              std::span<const double> scale, std::span<const double> shift);

}  // namespace anyrt
