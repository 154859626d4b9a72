#include "opdef/eval.h"

namespace anyrt {

const Tensor& EvalContext::input(size_t i) const {
  static const Tensor kNone;
  if (!has_input(i)) return kNone;
  const Value& v = value(i);
  return v.is_tensor() ? v.tensor() : kNone;
}

Expected<Tensor> EvalContext::input_as(size_t i, DType dtype) const {
  const Tensor& x = input(i);
  if (!x.defined()) return invalid_argument("input {} is missing or not a tensor", i);
  return x.dtype() == dtype ? Expected<Tensor>(x) : cast_tensor(x, dtype);
}

Expected<std::vector<int64_t>> EvalContext::input_ints(size_t i) const {
  if (!has_input(i)) return std::vector<int64_t>();
  return to_int64s(input(i));
}

Expected<int64_t> EvalContext::input_int(size_t i) const {
  ANYRT_ASSIGN(const std::vector<int64_t> v, input_ints(i));
  if (v.size() != 1) return invalid_argument("input {} must hold one integer, found {} elements", i, v.size());
  return v[0];
}

Expected<double> EvalContext::input_double(size_t i) const {
  if (!has_input(i)) return invalid_argument("input {} is missing", i);
  ANYRT_ASSIGN(const std::vector<double> v, to_doubles(input(i)));
  if (v.size() != 1) return invalid_argument("input {} must hold one number, found {} elements", i, v.size());
  return v[0];
}

Status EvalContext::set_output_as(size_t i, const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) {
    set_output(i, tensor);
    return {};
  }
  ANYRT_ASSIGN(Tensor y, cast_tensor(tensor, dtype));
  set_output(i, std::move(y));
  return {};
}

void EvalContext::parallel_for(int64_t n, int64_t, const std::function<void(int64_t, int64_t)>& f) {
  if (n > 0) f(0, n);
}

}  // namespace anyrt
