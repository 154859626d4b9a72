#include "opdef/nll_loss.h"

#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {

Status check_reduction(const std::string& reduction) {
  if (reduction == "none" || reduction == "sum" || reduction == "mean") return {};
  return invalid_model("reduction must be none, sum or mean, found '{}'", reduction);
}

Status infer_loss(InferContext& c, size_t output) {
  ANYRT_TRY(check_reduction(c.s("reduction")));
  const SymShape *x = c.input_shape(0), *target = c.input_shape(1), *weight = c.input_shape(2);
  if (x && x->size() < 2) return invalid_model("input 0 must have rank 2 or more, found {}", shape_string(*x));
  if (x && target && target->size() + 1 != x->size()) {
    return invalid_model("targets of shape {} do not fit {}", shape_string(*target), shape_string(*x));
  }
  if (weight && weight->size() != 1) return invalid_model("weights must be a vector, found {}", shape_string(*weight));
  std::optional<SymShape> shape;
  if (c.s("reduction") != "none") {
    shape.emplace();
  } else if (target) {
    shape = *target;
  } else if (x) {
    shape = *x;
    shape->erase(shape->begin() + 1);
  }
  c.set_output(output, c.input_dtype(0), std::move(shape));
  return {};
}

Status eval_nll_loss(EvalContext& c, const Tensor& log_prob, DType dtype) {
  const Tensor& x = log_prob;
  if (x.rank() < 2) return invalid_argument("input 0 must have rank 2 or more, found {}", x.type_string());
  Dims expected = x.dims();
  expected.erase(expected.begin() + 1);
  if (c.input(1).dims() != expected) {
    return invalid_argument("targets must have shape {}, found {}", shape_string(expected),
                            shape_string(c.input(1).dims()));
  }
  ANYRT_ASSIGN(const Tensor target, c.input_as(1, DType::kInt64));
  const int64_t classes = x.dim(1), inner = product(x.dims(), 2, x.rank());
  Tensor weight;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(weight, c.input_as(2, x.dtype()));
    if (weight.rank() != 1 || weight.size() != classes)
      return invalid_argument("weights must have shape [{}], found {}", classes, weight.type_string());
  }
  const bool ignores = c.has_attr("ignore_index");
  const int64_t ignored = c.i("ignore_index");
  const std::string& reduction = c.s("reduction");
  ANYRT_ASSIGN(Tensor loss, Tensor::make(x.dtype(), expected));
  const int64_t* t = target.data<int64_t>();
  for (int64_t i = 0; i < target.size(); ++i) {
    if ((ignores && t[i] == ignored) || (t[i] >= 0 && t[i] < classes)) continue;
    return Status(Code::kOutOfRange, fmt::format("target {} is not one of {} classes", t[i], classes));
  }
  dispatch<float, double>(x.dtype(), [&]<class T>(TypeTag<T>) {
    double sum = 0, weights = 0;
    for (int64_t i = 0; i < target.size(); ++i) {
      T& out = loss.mutable_data<T>()[i];
      out = 0;
      if (ignores && t[i] == ignored) continue;
      const T w = weight.defined() ? weight.data<T>()[t[i]] : T(1);
      out = -x.data<T>()[(i / inner * classes + t[i]) * inner + i % inner] * w;
      sum += out;
      weights += w;
    }
    if (reduction == "none") return;
    loss = Tensor::scalar(static_cast<T>(reduction == "mean" ? sum / weights : sum));
  });
  return c.set_output_as(0, loss, dtype);
}

}  // namespace anyrt
