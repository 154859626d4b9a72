#include "opdef/infer.h"
#include "opdef/random.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats | kFloat8s}, {"T1", kFloats | kFloat8s}, {"T2", DType::kBool}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"ratio", "T1", kOptionalParam, "chance of an element to be dropped, 0.5 when omitted"},
                             {"training_mode", "T2", kOptionalParam, "nothing is dropped unless true"}};
constexpr Param kOutputs[] = {{"output", "T"}, {"mask", "T2", kOptionalParam, "true for what was kept"}};
constexpr AttrDef kAttrs[] = {attr("seed", AttrKind::kInt)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_type(0));
  const SymShape* shape = c.input_shape(0);
  c.set_output(1, DType::kBool, shape ? std::optional<SymShape>(*shape) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  double ratio = 0.5;
  if (c.has_input(1)) {
    ANYRT_ASSIGN(ratio, c.input_double(1));
  }
  bool training = false;
  if (c.has_input(2)) {
    if (c.input(2).size() != 1) return invalid_argument("training_mode must hold one element");
    training = c.input(2).data<bool>()[0];
  }
  const bool wants_mask = c.num_outputs() > 1 && c.wants_output(1);
  Tensor* mask = nullptr;
  if (wants_mask) {
    ANYRT_ASSIGN(mask, c.output(1, DType::kBool, x.dims()));
    std::fill_n(mask->mutable_data<bool>(), x.size(), true);
  }
  if (!training || ratio == 0) {
    c.set_output(0, x);
    return {};
  }
  if (!(ratio > 0 && ratio < 1)) return invalid_argument("ratio must be in [0, 1), found {}", ratio);
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  RandomStream random = random_stream(c);
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    const T scale = static_cast<T>(1 / (1 - ratio));
    for (int64_t i = 0; i < x.size(); ++i) {
      const bool keep = random.uniform() >= ratio;
      y.mutable_span<T>()[static_cast<size_t>(i)] = keep ? wide.span<T>()[static_cast<size_t>(i)] * scale : T(0);
      if (mask) mask->mutable_data<bool>()[i] = keep;
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

// Before opset 12 the ratio is an attribute and, outside of training, of no effect; is_test (before 7) was often left
// out by exporters, so such nodes never drop anything here, and their mask is false. Before 10 it has the type of the
// data.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 12) return {};
  const float ratio = c.f("ratio", 0.5f);
  for (const char* name : {"consumed_inputs", "is_test", "ratio"}) c.remove_attr(name);
  const ValueId x = c.input(0), ratio_input = c.constant_scalar(ratio, DType::kFloat32);
  if (!c.has_output(1)) {
    c.set_input(1, ratio_input);
    return {};
  }
  c.replace_output(0, c.op("Dropout", {x, ratio_input}));
  const ValueId nothing = c.op("Less", {x, x});
  c.replace_output(1, c.version() >= 10 ? nothing : c.op("CastLike", {nothing, x}));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 12) return {};
  if (c.has_input(2)) return not_implemented("opset {} has no training_mode", c.version());
  if (c.version() < 10) return not_implemented("opset {} cannot be written, 10 is the oldest", c.version());
  if (c.has_input(1)) {
    const Tensor* ratio = c.input_constant(1);
    if (!ratio || ratio->size() != 1) return not_implemented("opset {} needs a constant ratio", c.version());
    ANYRT_ASSIGN(const std::vector<double> v, to_doubles(*ratio));
    c.set_attr("ratio", static_cast<float>(v[0]));
  }
  c.remove_attr("seed");
  c.graph().truncate_inputs(c.id(), 1);
  return {};
}

}  // namespace

extern const OpDef op_onnx_dropout = {
    .name = "Dropout",
    .since = 22,
    .doc = "In training: sets random elements to 0 and scales the rest by 1 / (1 - ratio). Otherwise the data itself.",
    .flags = kRandom | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[3]{1 2 3} -> f32[3]{1 2 3}
      : f16[2]{1 nan}, f16[]{0.9} -> f16[2]{1 nan}, bool[2]{true true}
      : f64[2]{1 2}, f32[]{0}, bool[]{true} -> f64[2]{1 2}, bool[2]{true true}
      seed=1 : bf16[0]{}, _, bool[]{true} -> bf16[0]{}, bool[0]{}
      seed=7 : f32[3,4]{rand:1}, f32[]{0.5}, bool[]{true} -> ?
      : f32[1]{1}, f32[]{1}, bool[]{true} -> !ratio must be
    )"),
};

}  // namespace anyrt
