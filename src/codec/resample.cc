#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "codec/wav.h"

namespace anyrt {

namespace {

constexpr double kZeroCrossings = 32, kRolloff = 0.95, kBeta = 9;
constexpr int64_t kMaxRate = 10'000'000;
constexpr int64_t kMaxTableSize = 1 << 22;

// The modified Bessel function of order 0, by its power series.
double bessel_i0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > sum * 1e-17; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

// The filter for one ratio up/down (in lowest terms); output i lies at input position i * down / up.
class Kernel {
 public:
  Kernel(int64_t up, int64_t down)
      : up_(up),
        cutoff_(kRolloff * std::min(1.0, static_cast<double>(up) / static_cast<double>(down))),
        reach_(kZeroCrossings / cutoff_),
        width_(2 * static_cast<int64_t>(std::ceil(reach_))) {
    const bool small = up <= kMaxTableSize / width_;
    table_.resize(static_cast<size_t>(small ? up * width_ : width_));
    filled_.resize(small ? static_cast<size_t>(up) : 0);
  }
  int64_t width() const { return width_; }

  // Weights of the inputs first, first + 1, … where first = floor(position) - width/2 + 1.
  const double* weights(int64_t phase) {
    double* row = table_.data() + (filled_.empty() ? 0 : phase * width_);
    if (filled_.empty() || !filled_[static_cast<size_t>(phase)]) fill(phase, row);
    if (!filled_.empty()) filled_[static_cast<size_t>(phase)] = true;
    return row;
  }

 private:
  void fill(int64_t phase, double* out) const {
    const double fraction = static_cast<double>(phase) / static_cast<double>(up_);
    double sum = 0;
    for (int64_t k = 0; k < width_; ++k) {
      const double distance = static_cast<double>(k - width_ / 2 + 1) - fraction;
      const double inside = 1 - (distance / reach_) * (distance / reach_);
      const double x = std::numbers::pi * cutoff_ * distance;
      out[k] = inside > 0 ? (x == 0 ? 1 : std::sin(x) / x) * bessel_i0(kBeta * std::sqrt(inside)) : 0;
      sum += out[k];
    }
    for (int64_t k = 0; k < width_; ++k) out[k] /= sum;
  }

  int64_t up_;
  double cutoff_, reach_;
  int64_t width_;
  std::vector<double> table_;  // one row a phase, or a single row where that would be too large
  std::vector<bool> filled_;   // rows of the table that are made
};

Status check_sound(const Tensor& t) {
  if (t.dtype() == DType::kFloat32 && t.rank() == 2 && t.dim(0) > 0) return ok_status();
  return invalid_argument("sound is float32[channels,samples], found {}", t.type_string());
}

}  // namespace

Expected<Tensor> mix_to_mono(const Tensor& samples) {
  ANYRT_TRY(check_sound(samples));
  const int64_t channels = samples.dim(0), count = samples.dim(1);
  if (channels == 1) return samples;
  ANYRT_ASSIGN(Tensor out, Tensor::make(DType::kFloat32, {1, count}));
  const float* in = samples.data<float>();
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += in[c * count + i];
    out.mutable_data<float>()[i] = static_cast<float>(sum / static_cast<double>(channels));
  }
  return out;
}

Expected<Audio> resample_audio(const Audio& audio, int64_t rate) {
  ANYRT_TRY(check_sound(audio.samples));
  if (audio.rate < 1 || audio.rate > kMaxRate || rate < 1 || rate > kMaxRate) {
    return invalid_argument("cannot resample from {} to {} samples a second; 1 to {} are allowed", audio.rate, rate,
                            kMaxRate);
  }
  if (rate == audio.rate) return audio;
  const int64_t common = std::gcd(rate, audio.rate), up = rate / common, down = audio.rate / common;
  const int64_t channels = audio.samples.dim(0), in_count = audio.samples.dim(1);
  if (in_count > (INT64_MAX - down) / up) return invalid_argument("{} samples are too many to resample", in_count);
  const int64_t out_count = (in_count * up + down - 1) / down;
  Audio out;
  out.rate = rate;
  ANYRT_ASSIGN(out.samples, Tensor::make(DType::kFloat32, {channels, out_count}));
  Kernel kernel(up, down);
  for (int64_t i = 0; i < out_count; ++i) {
    // floor(i * down / up) and the remainder, without overflow for long sounds.
    const int64_t whole = i / up, part = i % up * down;
    const int64_t at = whole * down + part / up, phase = part % up;
    const double* weights = kernel.weights(phase);
    const int64_t first = at - kernel.width() / 2 + 1;
    const int64_t begin = std::max<int64_t>(0, -first), end = std::min(kernel.width(), in_count - first);
    for (int64_t c = 0; c < channels; ++c) {
      const float* in = audio.samples.data<float>() + c * in_count;
      double sum = 0;
      for (int64_t k = begin; k < end; ++k) sum += in[first + k] * weights[k];
      out.samples.mutable_data<float>()[c * out_count + i] = static_cast<float>(sum);
    }
  }
  return out;
}

}  // namespace anyrt
