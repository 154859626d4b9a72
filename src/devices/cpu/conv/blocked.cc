#include "devices/cpu/conv/blocked.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "devices/cpu/gemm/block.h"

namespace anyrt::cpu {
namespace {

// For each k of the packed weights the place in a row of W, [channels, taps].
std::vector<int32_t> weight_order(const BlockedWeights& p) {
  std::vector<int32_t> order;
  const int64_t in = p.dims[1], taps = p.taps(), unit = p.x_plain ? 1 : p.lanes;
  order.reserve(static_cast<size_t>(in * taps));
  for (int64_t first = 0; first < in; first += unit) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = first; c < std::min(in, first + unit); ++c)
        order.push_back(static_cast<int32_t>(c * taps + tap));
    }
  }
  return order;
}

void fill_depthwise(const BlockedWeights& p, const float* from, float* to) {
  const int64_t lanes = p.lanes, taps = p.taps();
  std::fill_n(to, block_count(p.group, lanes) * lanes * taps, 0.0f);
  for (int64_t c = 0; c < p.group; ++c) {
    for (int64_t t = 0; t < taps; ++t) to[(c / lanes * taps + t) * lanes + c % lanes] = from[c * taps + t];
  }
}

// One block of a panel, where k goes through the rows of W in another order.
void fill_block(const std::vector<int32_t>& order, const float* rows, int64_t lanes, int64_t live, int64_t step,
                float* to) {
  constexpr int64_t kChunk = 64;  // of the sum, so that what is written stays in the first level
  const auto depth = static_cast<int64_t>(order.size());
  for (int64_t k0 = 0; k0 < depth; k0 += kChunk) {
    const int64_t k1 = std::min(depth, k0 + kChunk);
    for (int64_t lane = 0; lane < live; ++lane) {
      const float* row = rows + lane * depth;
      float* out = to + k0 * step + lane;
      for (int64_t k = k0; k < k1; ++k, out += step) *out = row[order[static_cast<size_t>(k)]];
    }
    for (int64_t k = k0; k < k1; ++k) std::fill(to + k * step + live, to + k * step + lanes, 0.0f);
  }
}

void fill_panels(const BlockedWeights& p, const float* from, float* to) {
  const int64_t lanes = p.lanes, blocks = p.group_blocks(), depth = p.depth(), out_group = p.dims[0] / p.group;
  const int64_t pairs = p.group_panels();
  const std::vector<int32_t> order = weight_order(p);
  const GemmKernels gemm = gemm_kernels_f32();
  // Then a panel of two blocks is one of a product.
  const bool in_order = (p.x_plain || p.taps() == 1) && gemm.panel == 2 * lanes;
  parallel_for(p.group * pairs, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, depth * lanes)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t group = i / pairs, pair = i % pairs, width = std::min<int64_t>(2, blocks - 2 * pair);
                   const float* rows = from + group * out_group * depth;
                   float* panels = to + group * blocks * depth * lanes;
                   if (in_order && width == 2) {
                     gemm.pack(rows, 1, depth, depth, out_group, panels, pair, pair + 1);
                     continue;
                   }
                   for (int64_t b = 2 * pair; b < 2 * pair + width; ++b) {
                     fill_block(order, rows + b * lanes * depth, lanes, std::min(lanes, out_group - b * lanes),
                                width * lanes, panels + 2 * pair * depth * lanes + b % 2 * lanes);
                   }
                 }
               });
}

}  // namespace

Expected<std::shared_ptr<const void>> pack_blocked(const Tensor& w, int64_t group, bool x_plain, bool depthwise,
                                                   PackedStore* store) {
  auto p = std::make_shared<BlockedWeights>();
  p->dims = w.dims();
  p->lanes = conv_tile_kernels().lanes;
  p->group = group;
  p->x_plain = x_plain;
  p->depthwise = depthwise;
  const int64_t blocks = depthwise ? block_count(group, p->lanes) : group * p->group_blocks();
  const auto fill = [&](std::byte* to) {
    depthwise ? fill_depthwise(*p, w.data<float>(), reinterpret_cast<float*>(to))
              : fill_panels(*p, w.data<float>(), reinterpret_cast<float*>(to));
    return Status();
  };
  const auto floats = static_cast<size_t>(blocks * p->lanes * (depthwise ? p->taps() : p->depth()));
  ANYRT_ASSIGN(p->bytes, take_packed(store, floats * sizeof(float), fill));
  return std::shared_ptr<const void>(std::move(p));
}

Expected<Tensor> unpack_blocked(const BlockedWeights& p) {
  ANYRT_ASSIGN(Tensor w, Tensor::make(DType::kFloat32, p.dims));
  float* to = w.mutable_data<float>();
  const float* from = p.data();
  if (p.depthwise) {
    const int64_t taps = p.taps();
    for (int64_t i = 0; i < p.dims[0] * taps; ++i)
      to[i] = from[(i / taps / p.lanes * taps + i % taps) * p.lanes + i / taps % p.lanes];
    return w;
  }
  const std::vector<int32_t> order = weight_order(p);
  const int64_t lanes = p.lanes, blocks = p.group_blocks(), depth = p.depth(), out_group = p.dims[0] / p.group;
  for (int64_t channel = 0; channel < p.dims[0]; ++channel) {
    const int64_t lane = channel % out_group % lanes, b = channel % out_group / lanes, first = b / 2 * 2;
    const int64_t width = std::min<int64_t>(2, blocks - first);
    const float* block = from + (channel / out_group * blocks + first) * depth * lanes + b % 2 * lanes + lane;
    for (int64_t k = 0; k < depth; ++k) to[channel * depth + order[static_cast<size_t>(k)]] = block[k * width * lanes];
  }
  return w;
}

float BlockedWeights::weight(int64_t out, int64_t in, int64_t tap) const {
  if (original.defined()) return original.data<float>()[(out * dims[1] + in) * taps() + tap];
  const int64_t block = out / lanes, first = block / 2 * 2, width = std::min<int64_t>(2, group_blocks() - first);
  const int64_t begin = in / lanes * lanes, count = std::min(lanes, dims[1] - begin);
  const int64_t k = begin * taps() + tap * count + in - begin;
  return data()[first * depth() * lanes + (k * width + block % 2) * lanes + out % lanes];
}

Expected<BlockedState> winograd_form(const BlockedState& direct) {
  const std::lock_guard lock(direct->mutex);
  if (!direct->winograd) {
    ANYRT_ASSIGN(const Tensor w, unpack_blocked(*direct));
    ANYRT_ASSIGN(auto made, pack_blocked_winograd(w, nullptr));
    direct->winograd = std::static_pointer_cast<const BlockedWeights>(std::move(made));
  }
  return direct->winograd;
}

BlockedEpilogue::BlockedEpilogue(const Epilogue& e, const FusedRescale& rescale, int64_t channels,
                                 const ConvTileKernels& kernels)
    : activation_(e.activation),
      rescale_(rescale),
      has_z_(e.has_z),
      add_after_(e.add_after),
      has_bias_(e.has_bias),
      channels_(channels),
      lanes_(kernels.lanes),
      finish_(kernels.finish) {
  low_ = -std::numeric_limits<float>::infinity();
  high_ = std::numeric_limits<float>::infinity();
  if (activation_.kind == Activation::kRelu) low_ = 0;
  if (activation_.kind == Activation::kClip) low_ = activation_.a, high_ = activation_.b;
  const bool is_clamp = activation_.kind == Activation::kRelu || activation_.kind == Activation::kClip;
  // Lanes without a channel stay zero where zero is.
  in_tile_ = activation_.kind == Activation::kNone || (is_clamp && low_ <= 0 && high_ >= 0);
  if ((has_z_ && add_after_ && activation_.kind != Activation::kNone) || !rescale_.idle()) in_tile_ = false;
}

void BlockedEpilogue::prepare(ConvTile& t) const {
  t.clamp = in_tile_ && activation_.kind != Activation::kNone;
  t.low = low_;
  t.high = high_;
}

void BlockedEpilogue::finish(const ConvTile& t, const float* z, int64_t block, int64_t blocks,
                             int64_t positions) const {
  if (in_tile_) return;
  for (int64_t b = 0; b < blocks; ++b) {
    finish_({t.y + b * t.y_block, has_z_ && add_after_ ? z + b * t.y_block : nullptr, positions,
             std::min(lanes_, channels_ - (block + b) * lanes_), activation_, rescale_});
  }
}

size_t BlockedEpilogue::padded_floats() const {
  return has_bias_ && channels_ % lanes_ != 0 ? static_cast<size_t>(block_count(channels_, lanes_) * lanes_) : 0;
}

const float* BlockedEpilogue::bias(const float* given, float* padded) const {
  if (padded_floats() == 0) return given;
  std::copy_n(given, channels_, padded);
  std::fill(padded + channels_, padded + padded_floats(), 0.0f);
  return padded;
}

}  // namespace anyrt::cpu
