#include <algorithm>
#include <cmath>

#include "opdef/infer.h"
#include "opdef/random.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", kIndexTypes}};
constexpr Param kInputs[] = {{"input", "T1", kRequiredParam, "[batch, classes], logarithms of weights"}};
constexpr Param kOutputs[] = {{"output", "T2", kRequiredParam, "[batch, sample_size], numbers of classes"}};
constexpr AttrDef kAttrs[] = {int_attr("dtype", 6).with_doc("element type of the output: int32 or int64"),
                              int_attr("sample_size", 1), attr("seed", AttrKind::kFloat)};

Status infer(InferContext& c) {
  const DType dtype = c.dtype("dtype");
  if (!kIndexTypes.has(dtype)) return invalid_model("dtype must be int32 or int64, found {}", c.i("dtype"));
  const int64_t samples = c.i("sample_size");
  if (samples < 0) return invalid_model("sample_size must not be negative, found {}", samples);
  const SymShape* x = c.input_shape(0);
  if (x && x->size() != 2) return invalid_model("input must have rank 2, found shape {}", shape_string(*x));
  c.set_output(0, dtype, SymShape{x ? (*x)[0] : Dim(), samples});
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat64));
  if (x.rank() != 2) return invalid_argument("input must have rank 2, found {}", x.type_string());
  const int64_t batch = x.dim(0), classes = x.dim(1), samples = c.i("sample_size");
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kInt64, {batch, samples}));
  if (y.size() > 0 && classes == 0) return invalid_argument("there are no classes to draw from");
  RandomStream random = random_stream(c);
  std::vector<double> upto(static_cast<size_t>(classes));
  for (int64_t b = 0; b < batch && samples > 0; ++b) {
    const double* row = x.data<double>() + b * classes;
    const double top = *std::max_element(row, row + classes);
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k) upto[static_cast<size_t>(k)] = sum += std::exp(row[k] - top);
    for (int64_t s = 0; s < samples; ++s) {
      const auto at = std::upper_bound(upto.begin(), upto.end(), random.uniform() * sum);
      y.mutable_data<int64_t>()[b * samples + s] = std::min<int64_t>(at - upto.begin(), classes - 1);
    }
  }
  return c.set_output_as(0, y, c.dtype("dtype"));
}

}  // namespace

extern const OpDef op_onnx_multinomial = {
    .name = "Multinomial",
    .since = 22,
    .first = 7,
    .doc = "Draws class numbers with given unnormalised log-probabilities.",
    .flags = kRandom,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      sample_size=3 : f32[2,3]{-inf 0 -inf 5 -inf -inf} -> i32[2,3]{1 1 1 0 0 0}
      dtype=7 : f64[1,1]{-1000} -> i64[1,1]{0}
      sample_size=2 : f16[0,3]{} -> i32[0,2]{}
      seed=2.0 sample_size=8 : f32[2,4]{rand:1} -> ?
      : f32[1,0]{} -> !no classes
      dtype=1 : f32[1,1]{0} -> !int32 or int64
    )"),
};

}  // namespace anyrt
