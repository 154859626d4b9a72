#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "int64", kRequiredParam, "[rank of X, how many]"}};

Status infer(InferContext& c) {
  SymShape shape{Dim(), c.fresh_dim("nonzero")};
  if (const auto rank = c.input_rank(0)) shape[0] = Dim(*rank);
  c.set_output(0, DType::kInt64, std::move(shape));
  return {};
}

// Offsets of the elements that are not zero, not false, not empty.
Expected<std::vector<int64_t>> find(const Tensor& x) {
  std::vector<int64_t> found;
  const auto scan = [&](const auto* data, const auto& is_set) {
    for (int64_t i = 0; i < x.size(); ++i) {
      if (is_set(data[i])) found.push_back(i);
    }
  };
  const bool known = dispatch<bool, std::string, Complex64, Complex128>(x.dtype(), [&]<class T>(TypeTag<T>) {
    scan(x.data<T>(), [](const T& v) {
      if constexpr (std::is_same_v<T, bool>)
        return v;
      else if constexpr (std::is_same_v<T, std::string>)
        return !v.empty();
      else
        return v.re != 0 || v.im != 0;
    });
  });
  if (known) return found;
  ANYRT_ASSIGN(const Tensor wide, cast_tensor(x, compute_dtype(x.dtype())));
  dispatch<float, double, int64_t, uint64_t>(
      wide.dtype(), [&]<class T>(TypeTag<T>) { scan(wide.data<T>(), [](T v) { return v != 0; }); });
  return found;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const std::vector<int64_t> found, find(x));
  const int64_t count = static_cast<int64_t>(found.size());
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt64, {x.rank(), count}));
  int64_t* out = y->mutable_data<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = found[static_cast<size_t>(i)];
    for (int a = x.rank(); a-- > 0; rest /= x.dim(a)) out[a * count + i] = rest % x.dim(a);
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_non_zero = {
    .name = "NonZero",
    .since = 13,
    .first = 9,
    .doc = "Indices of the elements that are not zero, in row-major order, one column each.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : bool[2,2]{true false true true} -> i64[2,3]{0 1 1 0 0 1}
      : f32[4]{0 -0.0 nan 2} -> i64[1,2]{2 3}
      : str[2]{"" "x"} -> i64[1,1]{1}
      : i64[]{5} -> i64[0,1]{}
      : u8[2,0]{} -> i64[2,0]{}
      : f16[3,4,5]{rand:1} -> ?
    )"),
};

}  // namespace anyrt
