#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "devices/cpu/gemm/epilogue.h"
#include "devices/cpu/gemm/gemm.h"
#include "devices/cpu/kernel.h"
#include "opdef/conv.h"

// Convolution of floats: Conv, and FusedConv of domain anyrt.

namespace anyrt::cpu {

struct ConvPlan {
  ConvGeometry g;
  int64_t in_size = 0, out_size = 0, taps = 0;  // of one plane; of one kernel
  int64_t in_group = 0, out_group = 0;          // channels
  Epilogue epilogue;                            // bias by row of [out_channels, windows]
  FusedRescale rescale;                         // after it

  const float* bias(const StepArgs& args) const { return epilogue.has_bias ? args.input<float>(2) : nullptr; }
  const float* residual(const StepArgs& args) const { return epilogue.has_z ? args.input<float>(3) : nullptr; }
};

// `x` and `z` are the plain dims of inputs 0 and 3.
Expected<ConvPlan> plan_conv(const BindQuery& q, const Dims& x, const Dims& z);

// The weights of a 3 x 3 kernel where 36 products of transformed tiles take its place.
struct WinogradWeights {
  int64_t in = 0, out = 0;
  std::shared_ptr<Buffer> bytes;  // [36, out, in]
  const float* data() const { return reinterpret_cast<const float*>(bytes->data()); }
};
// Whether they pay for a convolution with these channels and output sizes.
bool winograd_pays(const ConvGeometry& g);
Expected<std::shared_ptr<const void>> winograd_weights(const Tensor& w, PackedStore* store);

// A row of v.in positions, `unit` floats each, between zeros: `pitch` positions from that of the first tap on.
inline void copy_padded_row(const float* row, const WindowAxis& v, int64_t pitch, int64_t unit, float* to) {
  const int64_t begin = std::clamp<int64_t>(v.pad_begin, 0, pitch),
                end = std::clamp<int64_t>(v.pad_begin + v.in, begin, pitch);
  std::fill_n(to, begin * unit, 0.0f);
  std::memcpy(to + begin * unit, row, static_cast<size_t>((end - begin) * unit) * sizeof(float));
  std::fill(to + end * unit, to + pitch * unit, 0.0f);
}

using ConvBound = Expected<std::unique_ptr<BoundStep>>;
ConvBound bind_unfolded(ConvPlan plan);
ConvBound bind_depthwise(ConvPlan plan);
// Few output channels, stride 1 along the last axis.
bool narrow_pays(const ConvPlan& p);
ConvBound bind_narrow(ConvPlan plan);
ConvBound bind_winograd(ConvPlan plan, std::shared_ptr<const WinogradWeights> weights);

}  // namespace anyrt::cpu
