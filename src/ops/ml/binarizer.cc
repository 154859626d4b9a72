#include "opdef/ml_util.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("threshold", 0)};

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const float threshold = c.f("threshold");
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), x.dims()));
  dispatch<float, double, int32_t, int64_t>(x.dtype(), [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < x.size(); ++i) y->mutable_data<T>()[i] = T(x.data<T>()[i] > threshold);
  });
  return {};
}

}  // namespace

extern const OpDef op_ml_binarizer = {
    .name = "Binarizer",
    .domain = kMlDomain,
    .doc = "1 where a number is above a threshold, else 0.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      threshold=1.0 : f32[3]{0.5 1 1.5} -> f32[3]{0 0 1}
      : i64[2,1]{-1 1} -> i64[2,1]{0 1}
      threshold=0.5 : i32[2]{0 1} -> i32[2]{0 1}
      : f64[0]{} -> f64[0]{}
    )"),
};

}  // namespace anyrt
