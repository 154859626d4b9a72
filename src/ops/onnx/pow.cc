#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats | kIndexTypes}, {"T1", kNumeric}};
constexpr Param kInputs[] = {{"X", "T"}, {"Y", "T1", kRequiredParam, "broadcasts with X"}};
constexpr Param kOutputs[] = {{"Z", "T"}};

// By squaring; wraps. A negative exponent gives the truncated fraction, of 0 `lowest`.
int64_t integer_power(int64_t base, int64_t exponent, int64_t lowest) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 ? -1 : 1;
    return base == 0 ? lowest : 0;
  }
  uint64_t result = 1, square = static_cast<uint64_t>(base);
  for (auto e = static_cast<uint64_t>(exponent); e; e >>= 1, square *= square) {
    if (e & 1) result *= square;
  }
  return static_cast<int64_t>(result);
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype();
  const DType base = compute_dtype(dtype), exponent = compute_dtype(c.input(1).dtype());
  // An exponent of another type than the base's is taken in double.
  const bool ints = is_int(base) && is_int(exponent);
  const DType compute = ints ? DType::kInt64 : base == exponent ? base : DType::kFloat64;
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor y, c.input_as(1, compute));
  Expected<Tensor> z = Status();
  if (compute == DType::kInt64) {
    const int64_t lowest =
        dtype == DType::kInt32 ? std::numeric_limits<int32_t>::min() : std::numeric_limits<int64_t>::min();
    z = combine<int64_t, int64_t>(x, y, [=](int64_t a, int64_t b) { return integer_power(a, b, lowest); });
  } else if (compute == DType::kFloat32) {
    z = combine<float, float>(x, y, [](float a, float b) { return std::pow(a, b); });
  } else {
    z = combine<double, double>(x, y, [](double a, double b) { return std::pow(a, b); });
  }
  if (!z.ok()) return z.status();
  return c.set_output_as(0, *z, dtype);
}

}  // namespace

extern const OpDef op_onnx_pow = {
    .name = "Pow",
    .since = 15,
    .doc = "Z = X to the power of Y, element by element with NumPy broadcasting; the result has the type of X.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast,
    .eval = eval,
    .upgrade = upgrade_legacy_broadcast,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[3]{1 2 3}, f32[3]{4 5 6} -> f32[3]{1 32 729}
      : f32[2,3]{1 2 3 4 5 6}, i64[]{2} -> f32[2,3]{1 4 9 16 25 36}
      : i64[2]{3 -2}, i64[2]{39 3} -> i64[2]{4052555153018976267 -8}
      : i32[3]{4 9 7}, f32[]{0.5} -> i32[3]{2 3 2}
      : i32[3]{2 -1 1}, i32[]{-1} -> i32[3]{0 -1 1}
      : f64[4]{0 -8 nan 2}, f64[4]{0 0.5 0 -inf} -> f64[4]{1 nan 1 0}
      : f16[2]{2 3}, u8[2]{10 2} -> f16[2]{1024 9}
      : f32[3]{rand:1}, f32[4,1]{rand:2} -> ?
    )"),
};

}  // namespace anyrt
