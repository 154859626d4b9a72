#pragma once

#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"

// Channels in blocks: [N, C, spatial…] as [N, ceil(C / block), spatial…, block], so that one vector holds `block`
// channels of one position. Lanes beyond C hold zero: every operator on blocked values keeps it so.

namespace anyrt {

inline int64_t block_count(int64_t channels, int64_t block) { return (channels + block - 1) / block; }

Dims blocked_dims(const Dims& plain, int64_t block);
Dims plain_dims(const Dims& blocked, int64_t channels);
// An unknown channel count gives an unknown block count.
SymShape blocked_shape(const SymShape& plain, int64_t block);
SymShape plain_shape(const SymShape& blocked, int64_t channels);
// Whether `channels` fill the blocks of dims [N, blocks, spatial…, block].
bool fits_blocked(const Dims& blocked, int64_t channels);

// float or double tensors.
Expected<Tensor> block_channels(const Tensor& x, int64_t block);
Expected<Tensor> unblock_channels(const Tensor& x, int64_t channels);

// The same as ONNX operators; `rank` is that of the plain form.
ValueId emit_block(RewriteContext& c, ValueId x, int64_t rank, int64_t channels, int64_t block, DType dtype);
ValueId emit_unblock(RewriteContext& c, ValueId x, int64_t rank, int64_t channels, int64_t block);

}  // namespace anyrt
