#include <cmath>
#include <limits>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/map_common.h"

// f32 functions of one tensor.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kGrain = 1 << 15;

Bound map_step(const BindQuery& q, const MapCall& call) {
  return bound_step([n = q.output(0).count(), call, grain = kGrain / map_cost(call.op),
                     f = map_function(call.op)](const StepArgs& args) {
    const auto part = [&](int64_t begin, int64_t end) {
      MapBlock m;
      m.n = end - begin;
      m.in[0] = args.input<float>(0) + begin;
      m.out = args.output<float>(0) + begin;
      m.step[0] = 1;
      m.a = call.a;
      m.b = call.b;
      f(m);
    };
    if (n <= grain) {
      if (n > 0) part(0, n);
    } else {
      parallel_for(n, grain, part, args.threads);
    }
    return Status();
  });
}

Bound bind_map(const BindQuery& q, const State&) {
  const auto call = map_call(q);
  if (!call) return not_implemented("no function");
  return map_step(q, *call);
}

Bound bind_clip(const BindQuery& q, const State&) {
  MapCall call{Map::kClip, -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  for (size_t k = 1; k <= 2; ++k) {
    if (!q.has_input(k)) continue;
    const Tensor* limit = q.input(k).constant;
    if (!limit || limit->size() != 1) return not_implemented("a limit is known only when it runs");
    (k == 1 ? call.a : call.b) = *limit->data<float>();
  }
  if (std::isnan(call.a) || std::isnan(call.b)) return not_implemented("a limit is NaN");
  return map_step(q, call);
}

// Limits that are read when it runs.
Bound bind_limit(const BindQuery& q, const State&) {
  return bound_step([n = q.output(0).count(), f = map_function(Map::kLimit)](const StepArgs& args) {
    const float low = -std::numeric_limits<float>::infinity(), high = -low;
    const float* const limits[2] = {args.in[1] ? args.input<float>(1) : &low,
                                    args.in[2] ? args.input<float>(2) : &high};
    const auto part = [&](int64_t begin, int64_t end) {
      MapBlock m;
      m.n = end - begin;
      m.in[0] = args.input<float>(0) + begin;
      m.in[1] = limits[0];
      m.in[2] = limits[1];
      m.out = args.output<float>(0) + begin;
      m.step[0] = 1;
      f(m);
    };
    if (n <= kGrain) {
      if (n > 0) part(0, n);
    } else {
      parallel_for(n, kGrain, part, args.threads);
    }
    return Status();
  });
}

bool has_constant_limits(const KernelQuery& q) {
  for (size_t k = 1; k <= 2; ++k) {
    if (!q.has_input(k)) continue;
    const Tensor* limit = q.input_constant(k);
    if (!limit || limit->size() != 1 || limit->dtype() != DType::kFloat32 || std::isnan(*limit->data<float>()))
      return false;
  }
  return true;
}
bool has_three_inputs(const KernelQuery& q) { return q.node().inputs.size() == 3; }

constexpr KernelRow row(const char* kernel, const char* op) {
  return {.kernel = kernel, .op = op, .in_place = 1, .bind = bind_map};
}

constexpr KernelRow kRows[] = {
    row("f32_abs", "Abs"),
    row("f32_neg", "Neg"),
    row("f32_sqrt", "Sqrt"),
    row("f32_reciprocal", "Reciprocal"),
    row("f32_exp", "Exp"),
    row("f32_log", "Log"),
    row("f32_erf", "Erf"),
    row("f32_sign", "Sign"),
    row("f32_floor", "Floor"),
    row("f32_ceil", "Ceil"),
    row("f32_round", "Round"),
    row("f32_sin", "Sin"),
    row("f32_cos", "Cos"),
    row("f32_tan", "Tan"),
    row("f32_asin", "Asin"),
    row("f32_acos", "Acos"),
    row("f32_atan", "Atan"),
    row("f32_sinh", "Sinh"),
    row("f32_cosh", "Cosh"),
    row("f32_asinh", "Asinh"),
    row("f32_acosh", "Acosh"),
    row("f32_atanh", "Atanh"),
    row("f32_shrink", "Shrink"),
    row("f32_relu", "Relu"),
    row("f32_leaky_relu", "LeakyRelu"),
    row("f32_hard_sigmoid", "HardSigmoid"),
    row("f32_hard_swish", "HardSwish"),
    row("f32_sigmoid", "Sigmoid"),
    row("f32_swish", "Swish"),
    row("f32_tanh", "Tanh"),
    row("f32_elu", "Elu"),
    row("f32_selu", "Selu"),
    row("f32_celu", "Celu"),
    row("f32_gelu", "Gelu"),
    row("f32_mish", "Mish"),
    row("f32_softplus", "Softplus"),
    row("f32_softsign", "Softsign"),
    row("f32_thresholded_relu", "ThresholdedRelu"),
    {.kernel = "f32_clip",
     .op = "Clip",
     .priority = 1,
     .in_place = 1,
     .accepts = has_constant_limits,
     .bind = bind_clip},
    {.kernel = "f32_limit", .op = "Clip", .in_place = 1, .accepts = has_three_inputs, .bind = bind_limit},
};

}  // namespace

extern const KernelTable kernels_unary = {kRows};

}  // namespace anyrt::cpu
