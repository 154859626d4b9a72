#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "devices/cpu/conv/tile.h"
#include "devices/cpu/kernels/conv_common.h"
#include "opdef/blocked.h"

// Convolution whose result, and mostly input, holds channels in blocks of one vector (opdef/blocked.h).

namespace anyrt::cpu {

// Weights in panels of two blocks of output channels (the last one of a group may have one): for each k as many
// vectors. k goes through blocks of input channels, taps, channels of a block; where the input is plain, through
// channels and taps. Depthwise: [blocks, taps, lanes].
struct BlockedWeights {
  Dims dims;  // of W
  int64_t lanes = 0, group = 1;
  bool x_plain = false, depthwise = false;
  std::shared_ptr<Buffer> bytes;
  Tensor original;  // of Winograd's form: W, where it lies
  // Where Winograd's form may pay, but sizes are known only when the plan is placed: made then.
  bool winograd_later = false;
  mutable std::mutex mutex;
  mutable std::shared_ptr<const BlockedWeights> winograd;

  const float* data() const { return reinterpret_cast<const float*>(bytes->data()); }
  int64_t taps() const { return product(dims) / (dims[0] * dims[1]); }
  int64_t depth() const { return dims[1] * taps(); }
  int64_t group_blocks() const { return (dims[0] / group + lanes - 1) / lanes; }
  int64_t group_panels() const { return (group_blocks() + 1) / 2; }
  // Without groups on blocks: W[out, in, tap].
  float weight(int64_t out, int64_t in, int64_t tap) const;
};

// With memory from the store (may be null), as all that packs here.
Expected<std::shared_ptr<const void>> pack_blocked(const Tensor& w, int64_t group, bool x_plain, bool depthwise,
                                                   PackedStore* store);
// Whether Winograd's F(4x4, 3x3) on the last two axes pays.
bool blocked_winograd_pays(const ConvGeometry& g);
// Its 36 matrices, each in such panels.
Expected<std::shared_ptr<const void>> pack_blocked_winograd(const Tensor& w, PackedStore* store);
Expected<Tensor> unpack_blocked(const BlockedWeights& w);

// What is applied to the sums of some positions of one or two blocks.
class BlockedEpilogue {
 public:
  // `channels` are those of the output, a multiple of the lanes in every group but the last.
  BlockedEpilogue(const Epilogue& e, const FusedRescale& rescale, int64_t channels, const ConvTileKernels& kernels);
  // Sets what the tile itself does.
  void prepare(ConvTile& t) const;
  // Does the rest for `blocks` blocks from block number `block` on.
  void finish(const ConvTile& t, const float* z, int64_t block, int64_t blocks, int64_t positions) const;
  bool adds_before() const { return has_z_ && !add_after_; }
  // The bias, in whole blocks: as it is, or copied to `padded`.
  size_t padded_floats() const;
  const float* bias(const float* given, float* padded) const;

 private:
  FusedActivation activation_;
  FusedRescale rescale_;
  bool has_z_ = false, add_after_ = false, in_tile_ = false, has_bias_ = false;
  float low_ = 0, high_ = 0;
  int64_t channels_ = 0, lanes_ = 1;
  void (*finish_)(const ConvFinish&) = nullptr;
};

using BlockedState = std::shared_ptr<const BlockedWeights>;
ConvBound bind_blocked_direct(ConvPlan plan, BlockedState w);
ConvBound bind_blocked_depthwise(ConvPlan plan, BlockedState w);
// `direct` has the weights where `w` has no original; else null.
ConvBound bind_blocked_winograd(ConvPlan plan, BlockedState w, BlockedState direct);
// Winograd's form of weights that were packed for the direct convolution.
Expected<BlockedState> winograd_form(const BlockedState& direct);

}  // namespace anyrt::cpu
