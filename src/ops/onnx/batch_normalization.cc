#include "opdef/infer.h"
#include "opdef/normalize.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"T1", kFloats}, {"T2", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, …], or [N] with one channel"},
                             {"scale", "T1", kRequiredParam, "[C]"},
                             {"B", "T1", kRequiredParam, "[C]"},
                             {"input_mean", "T2", kRequiredParam, "[C]; in training the running mean"},
                             {"input_var", "T2", kRequiredParam, "[C]; in training the running variance"}};
constexpr Param kOutputs[] = {{"Y", "T"},
                              {"running_mean", "T2", kOptionalParam, "training only"},
                              {"running_var", "T2", kOptionalParam, "training only"}};
constexpr AttrDef kAttrs[] = {float_attr("epsilon", 1e-5f), float_attr("momentum", 0.9f),
                              int_attr("training_mode", 0).with_doc("1: statistics are those of the batch")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_type(0));
  const SymShape* x = c.input_shape(0);
  if (x && x->empty()) return invalid_model("X must have rank 1 or more");
  const Dim channels = !x ? Dim() : x->size() == 1 ? Dim(1) : (*x)[1];
  for (size_t i = 1; i <= 4; ++i) ANYRT_TRY(infer_channel_parameter(c, i, channels));
  for (size_t i : {1, 2}) c.set_output(i, c.input_dtype(3), SymShape{channels});
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 1) return invalid_argument("X must have rank 1 or more");
  const DType compute = compute_dtype(x.dtype());
  const int64_t channels = x.rank() == 1 ? 1 : x.dim(1), batch = x.dim(0), inner = product(x.dims(), 2, x.rank());
  const bool training = c.i("training_mode") != 0;
  const double epsilon = c.f("epsilon"), momentum = c.f("momentum");
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  Tensor p[5];
  for (size_t i = 1; i <= 4; ++i) {
    ANYRT_ASSIGN(p[i], channel_parameter(c, i, channels, compute));
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  ANYRT_ASSIGN(Tensor running_mean, Tensor::make(compute, {channels}));
  ANYRT_ASSIGN(Tensor running_var, Tensor::make(compute, {channels}));
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(channels, 1 + 4096 / std::max<int64_t>(1, batch * inner), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        double mean = p[3].data<T>()[k], variance = p[4].data<T>()[k];
        if (training) {
          double sum = 0, squares = 0;
          const auto each = [&](auto f) {
            for (int64_t n = 0; n < batch; ++n) {
              const T* in = wide.data<T>() + (n * channels + k) * inner;
              for (int64_t i = 0; i < inner; ++i) f(static_cast<double>(in[i]));
            }
          };
          each([&](double v) { sum += v; });
          const double count = static_cast<double>(batch * inner), batch_mean = sum / count;
          each([&](double v) { squares += (v - batch_mean) * (v - batch_mean); });
          const double batch_var = squares / count;
          running_mean.mutable_data<T>()[k] = static_cast<T>(mean * momentum + batch_mean * (1 - momentum));
          running_var.mutable_data<T>()[k] = static_cast<T>(variance * momentum + batch_var * (1 - momentum));
          mean = batch_mean;
          variance = batch_var;
        }
        const T factor = static_cast<T>(static_cast<double>(p[1].data<T>()[k]) / std::sqrt(variance + epsilon));
        const T centre = static_cast<T>(mean), bias = p[2].data<T>()[k];
        for (int64_t n = 0; n < batch; ++n) {
          const int64_t at = (n * channels + k) * inner;
          const T* in = wide.data<T>() + at;
          T* out = y.mutable_data<T>() + at;
          for (int64_t i = 0; i < inner; ++i) out[i] = (in[i] - centre) * factor + bias;
        }
      }
    });
  });
  ANYRT_TRY(c.set_output_as(0, y, x.dtype()));
  if (!training) {
    // Without training these outputs are not defined; they pass the statistics on.
    running_mean = p[3];
    running_var = p[4];
  }
  const DType stats = c.input(3).dtype();
  if (c.num_outputs() > 1 && c.wants_output(1)) ANYRT_TRY(c.set_output_as(1, running_mean, stats));
  if (c.num_outputs() > 2 && c.wants_output(2)) ANYRT_TRY(c.set_output_as(2, running_var, stats));
  return {};
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  if (!rank || *rank < 2) return not_implemented("needs X of known rank 2 or more");
  if (c.i("training_mode") != 0) return not_implemented("training is not decomposed");
  const DType dtype = c.input_type(0).dtype;
  const auto param = [&](size_t i) {
    ValueId v = c.input(i);
    if (c.input_type(i).dtype != dtype) v = c.op("Cast", {v}, {{"to", static_cast<int64_t>(dtype)}});
    return v;
  };
  const ValueId deviation = c.op("Sqrt", {c.op("Add", {param(4), constant_like(c, c.f("epsilon"))})});
  const ValueId factor = unsqueeze_channels(c, c.op("Div", {param(1), deviation}), *rank);
  const ValueId centred = c.op("Sub", {c.input(0), unsqueeze_channels(c, param(3), *rank)});
  const ValueId scaled = c.op("Mul", {centred, factor});
  c.replace_output(0, c.op("Add", {scaled, unsqueeze_channels(c, param(2), *rank)}));
  return {};
}

// Before opset 14 the node trains when more than Y is asked for; before 9 `spatial` = 0 gives every element of [C, …]
// its own statistics.
Status upgrade(RewriteContext& c) {
  for (const char* name : {"consumed_inputs", "is_test"}) c.remove_attr(name);
  const bool spatial = c.i("spatial", 1) != 0;
  c.remove_attr("spatial");
  if (c.version() >= 14) return {};
  for (size_t i : {3, 4}) {
    if (c.has_output(i) && !c.graph().value(c.output(i)).uses.empty()) {
      return not_implemented("output {} (saved statistics of opset {})", i, c.version());
    }
  }
  const bool training = c.has_output(1) || c.has_output(2);
  if (c.num_outputs() <= 3 && spatial) {
    if (training) c.set_attr("training_mode", int64_t{1});
    return {};
  }
  std::vector<ValueId> inputs = c.node().inputs;
  const ValueId shape = c.op("Shape", {c.input(0)});
  ValueId params_shape = kNoValue;
  if (!spatial) {
    params_shape = c.op("Shape", {c.input(3)});
    const ValueId flat = c.constant_ints({-1});
    inputs[0] = c.op("Flatten", {inputs[0]}, {{"axis", int64_t{1}}});
    for (size_t i = 1; i <= 4; ++i) inputs[i] = c.op("Reshape", {inputs[i], flat});
  }
  const auto out = c.ops(
      "", "BatchNormalization", inputs,
      {{"epsilon", c.f("epsilon", 1e-5f)}, {"momentum", c.f("momentum", 0.9f)}, {"training_mode", int64_t{training}}},
      3);
  c.replace_output(0, spatial ? out[0] : c.op("Reshape", {out[0], shape}));
  for (size_t i : {1, 2}) {
    if (c.has_output(i)) c.replace_output(i, spatial ? out[i] : c.op("Reshape", {out[i], params_shape}));
  }
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 14) return {};
  if (c.i("training_mode") != 0) return not_implemented("training in opset {}", c.version());
  if (c.version() < 9) return not_implemented("opset {} cannot be written, 9 is the oldest", c.version());
  c.remove_attr("training_mode");
  return {};
}

}  // namespace

extern const OpDef op_onnx_batch_normalization = {
    .name = "BatchNormalization",
    .since = 15,
    .doc =
        "(X - mean) / sqrt(var + epsilon) * scale + B for every channel, with given statistics or those of the batch.",
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
      epsilon=0.0 : f32[1,2,1,3]{-1 0 1 2 3 4}, f32[2]{1 1.5}, f32[2]{0 1}, f32[2]{0 3}, f32[2]{1 1.5625} -> f32[1,2,1,3]{-1 0 1 -0.2 1 2.2}
      epsilon=0.0 training_mode=1 momentum=0.5 : f64[2,1]{1 3}, f64[1]{2}, f64[1]{1}, f64[1]{0}, f64[1]{0} -> f64[2,1]{-1 3}, f64[1]{1}, f64[1]{0.5}
      epsilon=0.0 : f16[2]{1 2}, f32[1]{2}, f32[1]{0}, f64[1]{1}, f64[1]{4} -> f16[2]{0 1}
      : bf16[2,0,3]{}, bf16[0]{}, bf16[0]{}, bf16[0]{}, bf16[0]{} -> bf16[2,0,3]{}
      : f32[2,3,4]{rand:1}, f32[3]{rand:2}, f32[3]{rand:3}, f32[3]{rand:4}, f32[3]{1 2 3} -> ?
      : f32[1,2]{1 2}, f32[3]{1 2 3}, f32[2]{0 0}, f32[2]{0 0}, f32[2]{1 1} -> !shape
    )"),
};

}  // namespace anyrt
