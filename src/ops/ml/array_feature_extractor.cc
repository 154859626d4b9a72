#include "opdef/ml_util.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers | DType::kString}};
constexpr Param kInputs[] = {{"X", "T"}, {"Y", "int64", kRequiredParam, "indices along the last axis of X"}};
constexpr Param kOutputs[] = {{"Z", "T", kRequiredParam, "rank of X, at least 2"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape *x = c.input_shape(0), *y = c.input_shape(1);
  if (!x || !y) return {};
  if (x->empty()) return invalid_model("X must have rank 1 or more");
  SymShape out(x->begin(), x->end() - 1);
  if (out.empty()) out.push_back(1);
  out.push_back(shape_product(*y, 0, y->size()));
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor &x = c.input(0), &y = c.input(1);
  if (x.rank() < 1) return invalid_argument("X must have rank 1 or more");
  const int64_t width = x.dims().back(), rows = product(x.dims(), 0, x.rank() - 1);
  for (int64_t i : y.span<int64_t>()) {
    if (i < 0 || i >= width) return make_error(Code::kOutOfRange, "index {} is outside of [0, {}]", i, width - 1);
  }
  Dims dims(x.dims().begin(), x.dims().end() - 1);
  if (dims.empty()) dims.push_back(1);
  dims.push_back(y.size());
  ANYRT_ASSIGN(Tensor * z, c.output(0, x.dtype(), dims));
  if (z->size() == 0) return {};
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*z);
    for (int64_t r = 0; r < rows; ++r, in += width) {
      for (int64_t i : y.span<int64_t>()) *out++ = in[i];
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_ml_array_feature_extractor = {
    .name = "ArrayFeatureExtractor",
    .domain = kMlDomain,
    .doc = "Picks columns by index.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{0 1 2 3 4 5}, i64[2]{2 0} -> f32[2,2]{2 0 5 3}
      : i64[3]{5 6 7}, i64[1,2]{1 1} -> i64[1,2]{6 6}
      : str[2]{"a" "b"}, i64[1]{1} -> str[1,1]{"b"}
      : f64[0,2]{}, i64[1]{0} -> f64[0,1]{}
      : f32[3]{1 2 3}, i64[1]{3} -> !index 3
      : f32[3]{1 2 3}, i64[1]{-1} -> !index -1
    )"),
};

}  // namespace anyrt
