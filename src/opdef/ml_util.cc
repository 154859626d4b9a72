#include "opdef/ml_util.h"

#include <algorithm>
#include <limits>

namespace anyrt {

Expected<PostTransform> parse_post_transform(std::string_view name) {
  constexpr std::string_view kNames[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<PostTransform>(i);
  }
  return invalid_model("post_transform must be NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT, found '{}'", name);
}

template <class T>
T logistic(T x) {
  const T v = 1 / (1 + std::exp(-std::abs(x)));
  return x < 0 ? 1 - v : v;
}

namespace {

// Quantile of the normal distribution through Winitzki's closed form of the inverse error function, with the constants
// that trained models were checked against elsewhere.
template <class T>
T probit(T p) {
  constexpr T kA = T(0.147), kPi = T(3.14159), kSqrt2 = T(1.41421356);
  const T x = 2 * p - 1;
  const T log = std::log((1 - x) * (1 + x));
  const T half = 2 / (kPi * kA) + log / 2;
  const T root = std::sqrt(-half + std::sqrt(half * half - log / kA));
  return kSqrt2 * (x < 0 ? -root : root);
}

// Softmax; with `keep_zero` scores of (nearly) zero stay zero in proportion and do not count in the sum.
template <class T>
void softmax(std::span<T> scores, bool keep_zero) {
  T top = std::numeric_limits<T>::lowest();
  for (T s : scores) top = s > top ? s : top;
  const T at_zero = std::exp(-top);
  T sum = 0;
  for (T& s : scores) {
    if (keep_zero && s <= T(1e-7) && s >= T(-1e-7)) {
      s *= at_zero;
    } else {
      s = std::exp(s - top);
      sum += s;
    }
  }
  for (T& s : scores) s /= sum;
}

}  // namespace

template <class T>
void apply_post_transform(PostTransform how, std::span<T> scores) {
  switch (how) {
    case PostTransform::kNone: break;
    case PostTransform::kSoftmax: softmax(scores, false); break;
    case PostTransform::kSoftmaxZero: softmax(scores, true); break;
    case PostTransform::kLogistic:
      for (T& s : scores) s = logistic(s);
      break;
    case PostTransform::kProbit:
      for (T& s : scores) s = probit(s);
      break;
  }
}

template float logistic(float);
template double logistic(double);
template void apply_post_transform(PostTransform, std::span<float>);
template void apply_post_transform(PostTransform, std::span<double>);

Expected<Rows> rows_of(const Tensor& x) {
  if (x.rank() == 1) return Rows{1, x.dim(0)};
  if (x.rank() == 2) return Rows{x.dim(0), x.dim(1)};
  return invalid_argument("X must have the shape [C] or [N,C], found {}", x.type_string());
}

Dim infer_rows(const InferContext& c, size_t i) {
  const SymShape* s = c.input_shape(i);
  if (!s || s->empty()) return {};
  return s->size() == 1 ? Dim(1) : (*s)[0];
}

Status ClassLabels::write(EvalContext& c, size_t i, const std::vector<int64_t>& positions) const {
  ANYRT_ASSIGN(Tensor * y, c.output(i, dtype(), {static_cast<int64_t>(positions.size())}));
  for (size_t k = 0; k < positions.size(); ++k) {
    const int64_t p = positions[k];
    if (size() > 0 && (p < 0 || static_cast<size_t>(p) >= size())) {
      return make_error(Code::kOutOfRange, "class {} of {} labels", p, size());
    }
    if (!strings_->empty()) {
      y->mutable_data<std::string>()[k] = (*strings_)[p];
    } else {
      y->mutable_data<int64_t>()[k] = ints_->empty() ? p : (*ints_)[p];
    }
  }
  return {};
}

}  // namespace anyrt
