#include "devices/cpu/conv/blocked.h"

#include <algorithm>
#include <limits>

#include "base/threads.h"

namespace anyrt::cpu {
namespace {

// Calls f(index in the packed weights, index in W) for every weight.
template <class F>
void for_each_weight(const BlockedWeights& p, int64_t group, int64_t block, const F& f) {
  const int64_t out_group = p.dims[0] / p.group, in = p.dims[1], taps = p.taps(), lanes = p.lanes;
  const int64_t blocks = p.group_blocks(), width = std::min<int64_t>(2, blocks - block / 2 * 2);
  int64_t to = (group * blocks + block / 2 * 2) * p.depth() * lanes + block % 2 * lanes;
  const auto row = [&](int64_t channel, int64_t tap) {
    for (int64_t i = 0; i < std::min(lanes, out_group - block * lanes); ++i)
      f(to + i, ((group * out_group + block * lanes + i) * in + channel) * taps + tap);
    to += width * lanes;
  };
  const int64_t unit = p.x_plain ? 1 : lanes;
  for (int64_t first = 0; first < in; first += unit) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = first; c < std::min(in, first + unit); ++c) row(c, tap);
    }
  }
}

}  // namespace

Expected<std::shared_ptr<const void>> pack_blocked(const Tensor& w, int64_t group, bool x_plain, bool depthwise) {
  auto p = std::make_shared<BlockedWeights>();
  p->dims = w.dims();
  p->lanes = conv_tile_kernels().lanes;
  p->group = group;
  p->x_plain = x_plain;
  p->depthwise = depthwise;
  const float* from = w.data<float>();
  const int64_t lanes = p->lanes, taps = p->taps();
  const int64_t floats =
      depthwise ? block_count(group, lanes) * lanes * taps : group * p->group_blocks() * lanes * p->depth();
  ANYRT_ASSIGN(p->bytes, allocate_buffer(static_cast<size_t>(floats) * sizeof(float)));
  auto* to = reinterpret_cast<float*>(p->bytes->data());
  if (depthwise) {
    std::fill_n(to, floats, 0.0f);
    for (int64_t c = 0; c < group; ++c) {
      for (int64_t t = 0; t < taps; ++t) to[(c / lanes * taps + t) * lanes + c % lanes] = from[c * taps + t];
    }
    return std::shared_ptr<const void>(std::move(p));
  }
  const int64_t blocks = p->group_blocks();
  parallel_for(group * blocks, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, p->depth() * lanes)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   if (p->dims[0] / group < (i % blocks + 1) * lanes) {  // lanes without a channel
                     const int64_t b = i % blocks, width = std::min<int64_t>(2, blocks - b / 2 * 2);
                     float* first = to + (i - b + b / 2 * 2) * p->depth() * lanes + b % 2 * lanes;
                     for (int64_t k = 0; k < p->depth(); ++k) std::fill_n(first + k * width * lanes, lanes, 0.0f);
                   }
                   for_each_weight(*p, i / blocks, i % blocks, [&](int64_t a, int64_t b) { to[a] = from[b]; });
                 }
               });
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
  for (int64_t g = 0; g < p.group; ++g) {
    for (int64_t b = 0; b < p.group_blocks(); ++b)
      for_each_weight(p, g, b, [&](int64_t i, int64_t k) { to[k] = from[i]; });
  }
  return w;
}

float BlockedWeights::weight(int64_t out, int64_t in, int64_t tap) const {
  const int64_t block = out / lanes, first = block / 2 * 2, width = std::min<int64_t>(2, group_blocks() - first);
  const int64_t begin = in / lanes * lanes, count = std::min(lanes, dims[1] - begin);
  const int64_t k = begin * taps() + tap * count + in - begin;
  return data()[first * depth() * lanes + (k * width + block % 2) * lanes + out % lanes];
}

Expected<BlockedState> winograd_form(const BlockedState& direct) {
  const std::lock_guard lock(direct->mutex);
  if (!direct->winograd) {
    ANYRT_ASSIGN(const Tensor w, unpack_blocked(*direct));
    ANYRT_ASSIGN(auto made, pack_blocked_winograd(w));
    direct->winograd = std::static_pointer_cast<const BlockedWeights>(std::move(made));
  }
  return direct->winograd;
}

BlockedEpilogue::BlockedEpilogue(const Epilogue& e, int64_t channels, const ConvTileKernels& kernels)
    : activation_(e.activation),
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
  if (has_z_ && add_after_ && activation_.kind != Activation::kNone) in_tile_ = false;
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
             std::min(lanes_, channels_ - (block + b) * lanes_), activation_});
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
