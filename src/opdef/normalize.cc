#include "opdef/normalize.h"

#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {

Status scale_and_shift(Tensor& y, const Tensor& scale, const Tensor& bias) {
  for (const Tensor* p : {&scale, &bias}) {
    if (!p->defined()) continue;
    ANYRT_ASSIGN(const Dims joined, broadcast_dims(y.dims(), p->dims()));
    if (joined != y.dims()) {
      return invalid_argument("a parameter of shape {} does not broadcast to {}", shape_string(p->dims()),
                              shape_string(y.dims()));
    }
  }
  Status status;
  dispatch<float, double>(y.dtype(), [&]<class T>(TypeTag<T>) {
    status = [&]() -> Status {
      ANYRT_ASSIGN(y, (combine<T, T>(y, scale, [](T a, T b) { return a * b; })));
      if (!bias.defined()) return {};
      ANYRT_ASSIGN(y, (combine<T, T>(y, bias, [](T a, T b) { return a + b; })));
      return {};
    }();
  });
  return status;
}

Expected<Tensor> channel_parameter(const EvalContext& c, size_t i, int64_t channels, DType compute) {
  ANYRT_ASSIGN(Tensor p, c.input_as(i, compute));
  if (p.rank() != 1 || p.size() != channels) {
    return invalid_argument("input {} must hold one element for each of {} channels, found {}", i, channels,
                            c.input(i).type_string());
  }
  return p;
}

Status infer_channel_parameter(const InferContext& c, size_t i, const Dim& channels) {
  const SymShape* s = c.input_shape(i);
  if (!s) return {};
  const bool wrong = s->size() != 1 || ((*s)[0].is_const() && channels.is_const() && !((*s)[0] == channels));
  if (!wrong) return {};
  return invalid_model("input {} must have shape [{}], found {}", i, channels.to_string(), shape_string(*s));
}

ValueId axes_constant(RewriteContext& c, int64_t from, int64_t to) {
  std::vector<int64_t> axes;
  for (int64_t a = from; a < to; ++a) axes.push_back(a);
  return c.constant_ints(axes);
}

ValueId unsqueeze_channels(RewriteContext& c, ValueId vector, int64_t rank) {
  return rank <= 2 ? vector : c.op("Unsqueeze", {vector, axes_constant(c, 1, rank - 1)});
}

ValueId standardize(RewriteContext& c, ValueId x, ValueId axes, float epsilon) {
  const DType dtype = c.graph().value(x).type.dtype;
  const ValueId centred = c.op("Sub", {x, c.op("ReduceMean", {x, axes})});
  const ValueId variance = c.op("ReduceMean", {c.op("Mul", {centred, centred}), axes});
  const ValueId deviation = c.op("Sqrt", {c.op("Add", {variance, c.constant_scalar(epsilon, dtype)})});
  return c.op("Div", {centred, deviation});
}

}  // namespace anyrt
