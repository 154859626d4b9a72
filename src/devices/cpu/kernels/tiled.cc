#include <cmath>
#include <limits>

#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/tile_common.h"

// Operators over tiles (tile_common.h): f16 and bf16 elements, results that are true or false, any number of inputs.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

Bound tile_step(const BindQuery& q, const std::vector<TileProgram::Step>& steps) {
  std::vector<BoundTensor> inputs;
  for (size_t i = 0; i < q.num_inputs(); ++i) inputs.push_back(q.input(i));
  const int value = static_cast<int>(inputs.size() + steps.size()) - 1;
  ANYRT_ASSIGN(TileProgram program,
               TileProgram::make(q.output(0).dims, inputs, {}, steps, {{value, q.output(0).dtype}}));
  return bound_step([program = std::move(program)](const StepArgs& args) {
    program.run(args.in, args.out, args.threads);
    return Status();
  });
}

Bound bind_map(const BindQuery& q, const State&) {
  const auto call = map_call(q);
  if (!call) return not_implemented("no function");
  return tile_step(q, {{*call, {0, 1, 2}}});
}

// Folds any number of inputs from the left.
template <Map kOp>
Bound bind_fold(const BindQuery& q, const State&) {
  const int count = static_cast<int>(q.num_inputs());
  if (count == 1) return tile_step(q, {{{Map::kIdentity}, {0}}});
  std::vector<TileProgram::Step> steps;
  for (int i = 1; i < count; ++i) steps.push_back({{kOp}, {i == 1 ? 0 : count + i - 2, i}});
  return tile_step(q, steps);
}

Bound bind_mean(const BindQuery& q, const State&) {
  const int count = static_cast<int>(q.num_inputs());
  if (count == 1) return tile_step(q, {{{Map::kIdentity}, {0}}});
  std::vector<TileProgram::Step> steps;
  for (int i = 1; i < count; ++i) steps.push_back({{Map::kAdd}, {i == 1 ? 0 : count + i - 2, i}});
  steps.push_back({{Map::kQuotient, static_cast<float>(count)}, {2 * count - 2}});
  return tile_step(q, steps);
}

Bound bind_clip(const BindQuery& q, const State&) {
  MapCall call{Map::kClip, -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  bool known = true;
  for (size_t k = 1; k <= 2; ++k) {
    if (!q.has_input(k)) continue;
    const Tensor* limit = q.input(k).constant;
    known = known && limit && limit->size() == 1;
    if (!known) break;
    ANYRT_ASSIGN(const std::vector<double> v, to_doubles(*limit));
    (k == 1 ? call.a : call.b) = static_cast<float>(v[0]);
    known = !std::isnan(v[0]);
  }
  if (!known) {
    if (!q.has_input(1) || !q.has_input(2)) return not_implemented("one limit that is known only when it runs");
    return tile_step(q, {{{Map::kLimit}, {0, 1, 2}}});
  }
  const BoundTensor x = q.input(0);
  const TileProgram::Step step{call, {0}};
  ANYRT_ASSIGN(TileProgram program, TileProgram::make(q.output(0).dims, {&x, 1}, {}, {&step, 1}, {{1, x.dtype}}));
  return bound_step([program = std::move(program)](const StepArgs& args) {
    program.run(args.in, args.out, args.threads);
    return Status();
  });
}

// An exponent of another type than the base.
bool of_two_types(const KernelQuery& q) {
  return q.input_dtype(1) != DType::kFloat64 && q.input_dtype(1) != q.input_dtype(0);
}
bool of_narrow_powers(const KernelQuery& q) { return q.input_dtype(1) != DType::kFloat64; }
bool of_few(const KernelQuery& q) { return q.node().inputs.size() <= TileProgram::kMostInputs; }

constexpr DTypeSet kNarrow = DTypeSet(DType::kFloat16) | DType::kBFloat16;
constexpr DTypeSet kUpTo32 = kNarrow | DType::kFloat32;

constexpr KernelRow narrow(const char* kernel, const char* op, uint32_t in_place = 1) {
  return {.kernel = kernel, .op = op, .dtypes = kNarrow, .in_place = in_place, .bind = bind_map};
}
constexpr KernelRow predicate(const char* kernel, const char* op, DTypeSet dtypes = kUpTo32) {
  return {.kernel = kernel, .op = op, .dtypes = dtypes, .bind = bind_map};
}

constexpr KernelRow kRows[] = {
    narrow("narrow_abs", "Abs"),
    narrow("narrow_neg", "Neg"),
    narrow("narrow_sqrt", "Sqrt"),
    narrow("narrow_reciprocal", "Reciprocal"),
    narrow("narrow_exp", "Exp"),
    narrow("narrow_log", "Log"),
    narrow("narrow_erf", "Erf"),
    narrow("narrow_sign", "Sign"),
    narrow("narrow_floor", "Floor"),
    narrow("narrow_ceil", "Ceil"),
    narrow("narrow_round", "Round"),
    narrow("narrow_sin", "Sin"),
    narrow("narrow_cos", "Cos"),
    narrow("narrow_tan", "Tan"),
    narrow("narrow_asin", "Asin"),
    narrow("narrow_acos", "Acos"),
    narrow("narrow_atan", "Atan"),
    narrow("narrow_sinh", "Sinh"),
    narrow("narrow_cosh", "Cosh"),
    narrow("narrow_asinh", "Asinh"),
    narrow("narrow_acosh", "Acosh"),
    narrow("narrow_atanh", "Atanh"),
    narrow("narrow_shrink", "Shrink"),
    narrow("narrow_relu", "Relu"),
    narrow("narrow_leaky_relu", "LeakyRelu"),
    narrow("narrow_hard_sigmoid", "HardSigmoid"),
    narrow("narrow_hard_swish", "HardSwish"),
    narrow("narrow_sigmoid", "Sigmoid"),
    narrow("narrow_swish", "Swish"),
    narrow("narrow_tanh", "Tanh"),
    narrow("narrow_elu", "Elu"),
    narrow("narrow_selu", "Selu"),
    narrow("narrow_celu", "Celu"),
    narrow("narrow_gelu", "Gelu"),
    narrow("narrow_mish", "Mish"),
    narrow("narrow_softplus", "Softplus"),
    narrow("narrow_softsign", "Softsign"),
    narrow("narrow_thresholded_relu", "ThresholdedRelu"),
    narrow("narrow_add", "Add", 3),
    narrow("narrow_sub", "Sub", 3),
    narrow("narrow_mul", "Mul", 3),
    narrow("narrow_div", "Div", 3),
    narrow("narrow_mod", "Mod", 3),
    narrow("narrow_prelu", "PRelu", 1),
    {.kernel = "narrow_pow",
     .op = "Pow",
     .dtypes = kNarrow,
     .in_place = 1,
     .accepts = of_narrow_powers,
     .bind = bind_map},
    {.kernel = "f32_pow_mixed", .op = "Pow", .in_place = 1, .accepts = of_two_types, .bind = bind_map},
    {.kernel = "narrow_clip", .op = "Clip", .dtypes = kNarrow, .in_place = 1, .bind = bind_clip},
    {.kernel = "sum", .op = "Sum", .dtypes = kUpTo32, .in_place = 1, .accepts = of_few, .bind = bind_fold<Map::kAdd>},
    {.kernel = "max", .op = "Max", .dtypes = kUpTo32, .in_place = 1, .accepts = of_few, .bind = bind_fold<Map::kMax>},
    {.kernel = "min", .op = "Min", .dtypes = kUpTo32, .in_place = 1, .accepts = of_few, .bind = bind_fold<Map::kMin>},
    {.kernel = "mean", .op = "Mean", .dtypes = kUpTo32, .in_place = 1, .accepts = of_few, .bind = bind_mean},
    predicate("float_less", "Less"),
    predicate("float_less_or_equal", "LessOrEqual"),
    predicate("float_greater", "Greater"),
    predicate("float_greater_or_equal", "GreaterOrEqual"),
    predicate("float_equal", "Equal"),
    predicate("float_is_nan", "IsNaN"),
    predicate("float_is_inf", "IsInf"),
};

}  // namespace

extern const KernelTable kernels_tiled = {kRows};

}  // namespace anyrt::cpu
