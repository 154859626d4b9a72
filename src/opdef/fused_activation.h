#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include "opdef/attrs.h"
#include "opdef/rewrite.h"

// Activations that fused operators apply to their result: attributes `activation` (a name, "" = none) and
// `activation_params`. Every function here is the reference for the vectorised ones.

namespace anyrt {

enum class Activation : uint8_t {
  kNone,
  kRelu,
  kClip,         // a = lower limit, b = upper limit
  kLeakyRelu,    // a = slope
  kHardSigmoid,  // a = slope, b = offset
  kHardSwish,
  kSigmoid,
  kSwish,  // a = factor inside the sigmoid
  kTanh,
  kElu,   // a = scale of the negative side
  kSelu,  // a = scale of the negative side, b = scale of both
  kCelu,  // a = scale of the negative side
  kGelu,
  kGeluTanh,
  kMish,
  kSoftplus,
  kSoftsign,
  kThresholdedRelu,  // a = threshold
};

struct FusedActivation {
  Activation kind = Activation::kNone;
  float a = 0, b = 0;
};

// What may follow at the very end, attribute `rescale`: x * scale + shift, then at least `low` and at most `high`.
struct FusedRescale {
  float scale = 1, shift = 0;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
  bool idle() const { return scale == 1 && shift == 0 && std::isinf(low) && std::isinf(high); }
  template <class T>
  T operator()(T x) const {
    x = x * static_cast<T>(scale) + static_cast<T>(shift);
    x = x < static_cast<T>(low) ? static_cast<T>(low) : x;
    return x > static_cast<T>(high) ? static_cast<T>(high) : x;
  }
};
// From the attribute: four numbers, or none.
Expected<FusedRescale> read_rescale(const AttrReader& c);

// Parameters that are not given take the defaults of the ONNX operator of that name. NotImplemented for a name that is
// not in the list above.
Expected<FusedActivation> parse_activation(std::string_view name, std::span<const float> params = {});
// From attributes activation and activation_params.
Expected<FusedActivation> read_activation(const AttrReader& c);
std::string_view activation_name(Activation kind);
size_t activation_param_count(std::string_view name);  // 0 for an unknown name

template <class T>
T activate(const FusedActivation& f, T x) {
  const T a = static_cast<T>(f.a), b = static_cast<T>(f.b);
  const auto softplus = [](T v) { return (v < 0 ? T(0) : v) + std::log1p(std::exp(-std::abs(v))); };
  const auto unit = [](T v) { return v < 0 ? T(0) : v > 1 ? T(1) : v; };
  switch (f.kind) {
    case Activation::kNone: return x;
    case Activation::kRelu: return x < 0 ? T(0) : x;
    case Activation::kClip: x = x < a ? a : x; return x > b ? b : x;
    case Activation::kLeakyRelu: return x < 0 ? a * x : x;
    case Activation::kHardSigmoid: return unit(a * x + b);
    case Activation::kHardSwish: return x * unit(x / 6 + T(0.5));
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    case Activation::kSwish: return x / (1 + std::exp(-a * x));
    case Activation::kTanh: return std::tanh(x);
    case Activation::kElu: return x < 0 ? a * std::expm1(x) : x;
    case Activation::kSelu: return b * (x < 0 ? a * std::expm1(x) : x);
    case Activation::kCelu: return x < 0 ? a * std::expm1(x / a) : x;
    case Activation::kGelu: return T(0.5) * x * (1 + std::erf(x * T(0.7071067811865476)));
    case Activation::kGeluTanh:
      return T(0.5) * x * (1 + std::tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)));
    case Activation::kMish: return x * std::tanh(softplus(x));
    case Activation::kSoftplus: return softplus(x);
    case Activation::kSoftsign: return x / (1 + std::abs(x));
    case Activation::kThresholdedRelu: return x > a ? x : T(0);
  }
  return x;
}

// The activation as ONNX operators; x itself for kNone.
ValueId emit_activation(RewriteContext& c, ValueId x, const FusedActivation& f, DType dtype);
ValueId emit_rescale(RewriteContext& c, ValueId x, const FusedRescale& r, DType dtype);

}  // namespace anyrt
