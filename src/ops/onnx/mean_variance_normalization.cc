#include "opdef/infer.h"
#include "opdef/normalize.h"
#include "opdef/reduce.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr int64_t kDefaultAxes[] = {0, 2, 3};
constexpr double kEpsilon = 1e-9;  // added to the standard deviation
constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {{.name = "axes",
                               .kind = AttrKind::kInts,
                               .has_default = true,
                               .doc = "axes that are normalised together",
                               .ints = kDefaultAxes}};

Status infer(InferContext& c) {
  if (const auto rank = c.input_rank(0)) ANYRT_TRY(normalize_axes(c.ints("axes"), *rank).status());
  return infer_same(c);
}

// The node's axes; an empty list means all.
std::vector<int64_t> axes_of(const AttrReader& c, int64_t rank) {
  std::vector<int64_t> axes = c.ints("axes");
  for (int64_t a = 0; axes.empty() && a < rank; ++a) axes.push_back(a);
  return axes;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Reduction r, plan_reduction(x.dims(), axes_of(c, x.rank()), true));
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    std::vector<double> mean(static_cast<size_t>(r.outputs), 0), deviation(mean);
    const double count = static_cast<double>(r.count);
    fold(r, wide.data<T>(), mean.data(), [](double& sum, T v, int64_t) { sum += v; });
    for (double& m : mean) m /= count;
    fold(r, wide.data<T>(), deviation.data(), [&](double& sum, T v, int64_t o) {
      const double d = v - mean[static_cast<size_t>(o)];
      sum += d * d;
    });
    for (double& d : deviation) d = std::sqrt(d / count) + kEpsilon;
    T* out = y.mutable_data<T>();
    std::vector<char> unused(static_cast<size_t>(r.outputs));
    fold(r, wide.data<T>(), unused.data(), [&](char&, T v, int64_t o) {
      *out++ = static_cast<T>((v - mean[static_cast<size_t>(o)]) / deviation[static_cast<size_t>(o)]);
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

Status decompose(RewriteContext& c) {
  const ValueId axes = c.constant_ints(c.ints("axes"));
  const ValueId centred = c.op("Sub", {c.input(0), c.op("ReduceMean", {c.input(0), axes})});
  const ValueId variance = c.op("ReduceMean", {c.op("Mul", {centred, centred}), axes});
  const ValueId deviation = c.op("Add", {c.op("Sqrt", {variance}), constant_like(c, kEpsilon)});
  c.replace_output(0, c.op("Div", {centred, deviation}));
  return {};
}

// onnxruntime read opset 1 to 8 models with the attributes across_channels and normalize_variance.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 9) return {};
  const bool across = c.i("across_channels", 0) != 0, variance = c.i("normalize_variance", 1) != 0;
  c.remove_attr("across_channels");
  c.remove_attr("normalize_variance");
  const std::vector<int64_t> axes = across ? std::vector<int64_t>{0, 1, 2, 3} : std::vector<int64_t>{0, 2, 3};
  if (variance) {
    c.set_attr("axes", axes);
  } else {
    c.replace_output(0, c.op("Sub", {c.input(0), c.op("ReduceMean", {c.input(0), c.constant_ints(axes)})}));
  }
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 9) return {};
  return not_implemented("opset {} cannot be written, 9 is the oldest", c.version());
}

}  // namespace

extern const OpDef op_onnx_mean_variance_normalization = {
    .name = "MeanVarianceNormalization",
    .since = 13,
    .doc = "(X - mean) / (standard deviation + 1e-9) over axes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,2,1,1]{1 10 3 30} -> f32[2,2,1,1]{-1 -1 1 1}
      axes=[-1] : f64[2,2]{1 3 10 30} -> f64[2,2]{-1 1 -1 1} ~ 1e-6 0
      axes=[0] : f16[0,2]{} -> f16[0,2]{}
      axes=[1] : bf16[1,2]{5 5} -> bf16[1,2]{0 0}
      axes=[1,3] : f32[2,3,4,5]{rand:1} -> ?
      : f32[2,2]{1 2 3 4} -> !axis 2
    )"),
};

}  // namespace anyrt
