#include "opdef/fused_activation.h"

#include <limits>

namespace anyrt {
namespace {

struct Row {
  std::string_view name;
  Activation kind;
  size_t params = 0;
  float a = 0, b = 0;  // defaults
};

constexpr Row kRows[] = {
    {"", Activation::kNone},
    {"Relu", Activation::kRelu},
    {"Clip", Activation::kClip, 2, std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()},
    {"LeakyRelu", Activation::kLeakyRelu, 1, 0.01f},
    {"HardSigmoid", Activation::kHardSigmoid, 2, 0.2f, 0.5f},
    {"HardSwish", Activation::kHardSwish},
    {"Sigmoid", Activation::kSigmoid},
    {"Swish", Activation::kSwish, 1, 1},
    {"Tanh", Activation::kTanh},
    {"Elu", Activation::kElu, 1, 1},
    {"Selu", Activation::kSelu, 2, 1.67326319217681884765625f, 1.05070102214813232421875f},
    {"Celu", Activation::kCelu, 1, 1},
    {"Gelu", Activation::kGelu},
    {"GeluTanh", Activation::kGeluTanh},
    {"Mish", Activation::kMish},
    {"Softplus", Activation::kSoftplus},
    {"Softsign", Activation::kSoftsign},
    {"ThresholdedRelu", Activation::kThresholdedRelu, 1, 1},
};

const Row* find_row(Activation kind) {
  for (const Row& row : kRows) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

}  // namespace

std::string_view activation_name(Activation kind) {
  const Row* row = find_row(kind);
  return row ? row->name : std::string_view();
}

size_t activation_param_count(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.params;
  }
  return 0;
}

Expected<FusedActivation> parse_activation(std::string_view name, std::span<const float> params) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    if (params.size() > row.params) {
      return invalid_model("activation '{}' takes {} parameters, found {}", name, row.params, params.size());
    }
    return FusedActivation{row.kind, params.empty() ? row.a : params[0], params.size() < 2 ? row.b : params[1]};
  }
  return not_implemented("activation '{}'", name);
}

Expected<FusedActivation> read_activation(const AttrReader& c) {
  return parse_activation(c.s("activation"), c.floats("activation_params"));
}

Expected<FusedRescale> read_rescale(const AttrReader& c) {
  const std::vector<float> v = c.floats("rescale");
  if (v.empty()) return FusedRescale();
  if (v.size() != 4) return invalid_model("rescale takes 4 numbers, found {}", v.size());
  return FusedRescale{v[0], v[1], v[2], v[3]};
}

ValueId emit_rescale(RewriteContext& c, ValueId x, const FusedRescale& r, DType dtype) {
  const auto scalar = [&](float v) { return c.constant_scalar(static_cast<double>(v), dtype); };
  if (r.scale != 1) x = c.op("Mul", {x, scalar(r.scale)});
  if (r.shift != 0) x = c.op("Add", {x, scalar(r.shift)});
  if (!std::isinf(r.low)) x = c.op("Max", {x, scalar(r.low)});
  if (!std::isinf(r.high)) x = c.op("Min", {x, scalar(r.high)});
  return x;
}

ValueId emit_activation(RewriteContext& c, ValueId x, const FusedActivation& f, DType dtype) {
  const auto scalar = [&](float v) { return c.constant_scalar(static_cast<double>(v), dtype); };
  switch (f.kind) {
    case Activation::kNone: return x;
    case Activation::kClip: return c.op("Clip", {x, scalar(f.a), scalar(f.b)});
    case Activation::kSwish: return c.op("Mul", {x, c.op("Sigmoid", {f.a == 1 ? x : c.op("Mul", {x, scalar(f.a)})})});
    case Activation::kGeluTanh: return c.op("Gelu", {x}, {{"approximate", std::string("tanh")}});
    case Activation::kLeakyRelu:
    case Activation::kElu:
    case Activation::kCelu:
    case Activation::kThresholdedRelu: return c.op(activation_name(f.kind), {x}, {{"alpha", f.a}});
    case Activation::kHardSigmoid: return c.op("HardSigmoid", {x}, {{"alpha", f.a}, {"beta", f.b}});
    case Activation::kSelu: return c.op("Selu", {x}, {{"alpha", f.a}, {"gamma", f.b}});
    default: return c.op(activation_name(f.kind), {x});
  }
}

}  // namespace anyrt
