#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"B", DType::kBool}, {"T", kAllDTypes}};
constexpr Param kInputs[] = {{"condition", "B"}, {"X", "T", kRequiredParam, "taken where true"}, {"Y", "T"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "broadcast shape of all inputs"}};

// The elements when the condition is a constant and everything else is a vector or a scalar.
std::optional<SymShape> chosen_elements(const InferContext& c) {
  const auto x = c.input_elements(1), y = c.input_elements(2);
  const Tensor* condition = c.input_constant(0);
  if (!condition || !x || !y || condition->rank() > 1) return std::nullopt;
  const auto n = std::max({static_cast<size_t>(condition->size()), x->size(), y->size()});
  const auto fits = [&](size_t size) { return size == 1 || size == n; };
  if (!fits(static_cast<size_t>(condition->size())) || !fits(x->size()) || !fits(y->size())) return std::nullopt;
  if (c.input_rank(1).value_or(2) > 1 || c.input_rank(2).value_or(2) > 1) return std::nullopt;
  SymShape out(n);
  for (size_t i = 0; i < n; ++i) {
    const bool first = condition->span<bool>()[condition->size() == 1 ? 0 : i];
    out[i] = first ? (*x)[x->size() == 1 ? 0 : i] : (*y)[y->size() == 1 ? 0 : i];
  }
  return out;
}

Status infer(InferContext& c) {
  const Type& x = c.input_type(1);
  const DType dtype = x.dtype != DType::kUndefined ? x.dtype : c.input_dtype(2);
  std::optional<SymShape> shape = SymShape{};
  for (size_t i = 0; i < 3 && shape; ++i) {
    const SymShape* s = c.input_shape(i);
    if (!s) {
      shape.reset();
      break;
    }
    ANYRT_ASSIGN(shape, broadcast_shapes(*shape, *s));
  }
  c.set_output(0, dtype, std::move(shape));
  if (auto elements = chosen_elements(c)) c.set_output_elements(0, std::move(*elements));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor &condition = c.input(0), &x = c.input(1), &y = c.input(2);
  ANYRT_ASSIGN(const Dims values, broadcast_dims(x.dims(), y.dims()));
  ANYRT_ASSIGN(const Dims dims, broadcast_dims(condition.dims(), values));
  ANYRT_ASSIGN(const Tensor mask, broadcast_to(condition, dims));
  ANYRT_ASSIGN(Tensor * out, c.output(0, x.dtype(), dims));
  const bool* take = mask.data<bool>();
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T *px = storage<T>(x), *py = storage<T>(y);
    T* z = mutable_storage<T>(*out);
    for_each_broadcast_run(dims, x.dims(), y.dims(),
                           [&](int64_t o, int64_t ix, int64_t iy, int64_t n, int64_t step_x, int64_t step_y) {
                             for (int64_t i = 0; i < n; ++i)
                               z[o + i] = take[o + i] ? px[ix + i * step_x] : py[iy + i * step_y];
                           });
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_where = {
    .name = "Where",
    .since = 16,
    .first = 9,
    .doc = "X where the condition is true, else Y, with NumPy broadcasting of all three.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : bool[2,2]{true false true true}, f32[2,2]{1 2 3 4}, f32[2,2]{9 8 7 6} -> f32[2,2]{1 8 3 4}
      : bool[2,1]{true false}, i64[]{1}, i64[3]{7 8 9} -> i64[2,3]{1 1 1 7 8 9}
      : bool[2]{true false}, str[]{"yes"}, str[]{"no"} -> str[2]{"yes" "no"}
      : bool[]{false}, c64[1]{1+2i}, c64[1]{3-1i} -> c64[1]{3-1i}
      : bool[0]{}, f16[1]{1}, f16[]{2} -> f16[0]{}
      : bool[4,1]{rand:1}, bf16[3]{rand:2}, bf16[2,4,3]{rand:3} -> ?
      : bool[2]{true false}, f32[3]{1 2 3}, f32[3]{1 2 3} -> !do not broadcast
    )"),
};

}  // namespace anyrt
