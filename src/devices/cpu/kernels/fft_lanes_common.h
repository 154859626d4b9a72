#pragma once

#include <cstdint>
#include <memory>

#include "opdef/fft.h"

namespace anyrt::cpu {

inline constexpr int64_t kFftLanes = 8;  // signals that are transformed side by side

// Eight signals of n values, value k of signal l at re[k * 8 + l] and im[k * 8 + l]; both have room for n * 8 more
// values behind them, which are scratch. The transform of the reference, operation by operation. Not for lengths that
// the reference turns into a convolution (no stages).
void fft_lanes(const Fft<float>& fft, float* re, float* im, bool inverse);
// The same for im = 0 on entry, which is not looked at.
void fft_lanes_real(const Fft<float>& fft, float* re, float* im, bool inverse);

}  // namespace anyrt::cpu
