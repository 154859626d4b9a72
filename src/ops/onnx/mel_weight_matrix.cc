#include <algorithm>
#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kIndexTypes}, {"T2", kFloats}, {"T3", kNumeric}};
constexpr Param kInputs[] = {{"num_mel_bins", "T1"},
                             {"dft_length", "T1"},
                             {"sample_rate", "T1"},
                             {"lower_edge_hertz", "T2"},
                             {"upper_edge_hertz", "T2"}};
constexpr Param kOutputs[] = {{"output", "T3", kRequiredParam, "[dft_length / 2 + 1, num_mel_bins]"}};
constexpr AttrDef kAttrs[] = {int_attr("output_datatype", 1).with_doc("element type of the output")};

Expected<DType> output_dtype(const AttrReader& a) {
  const DType dtype = a.dtype("output_datatype");
  if (!kNumeric.has(dtype)) return invalid_model("output_datatype {} is not a numeric type", a.i("output_datatype"));
  return dtype;
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const DType dtype, output_dtype(c));
  SymShape out(2);
  if (const auto n = c.input_elements(1); n && n->size() == 1) out[0] = Dim::floor_div((*n)[0], Dim(2)) + Dim(1);
  if (const auto bins = c.input_elements(0); bins && bins->size() == 1) out[1] = (*bins)[0];
  c.set_output(0, dtype, std::move(out));
  return {};
}

// Frequencies in hertz to mel in float, as the edges are given.
float to_mel(float hertz) { return 2595 * std::log10(1 + hertz / 700); }

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const DType dtype, output_dtype(c));
  ANYRT_ASSIGN(const int64_t bands, c.input_int(0));
  ANYRT_ASSIGN(const int64_t length, c.input_int(1));
  ANYRT_ASSIGN(const int64_t rate, c.input_int(2));
  ANYRT_ASSIGN(const double lower, c.input_double(3));
  ANYRT_ASSIGN(const double upper, c.input_double(4));
  if (bands < 0 || length < 0 || length > int64_t{1} << 40 || rate < 1) {
    return invalid_argument("{} bands of a transform of {} at a rate of {} make no sense", bands, length, rate);
  }
  const int64_t bins = length / 2 + 1;
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(DType::kFloat64, {bins, bands}));
  const float low = to_mel(static_cast<float>(lower)), high = to_mel(static_cast<float>(upper));
  if (!std::isfinite(low) || !std::isfinite(high))
    return invalid_argument("the edges {} and {} have no mel values", lower, upper);
  const double step = (high - low) / static_cast<float>(bands + 2);
  // The spectrum bin of each corner of the triangles.
  const auto corner = [&](int64_t i) {
    const double hertz = 700 * (std::pow(10, (static_cast<double>(i) * step + low) / 2595) - 1);
    const double bin = std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate));
    return static_cast<int64_t>(std::clamp(bin, -1e15, 1e15));
  };
  double* out = y.mutable_data<double>();
  const auto set = [&](int64_t bin, int64_t band, double v) {
    if (bin >= 0 && bin < bins) out[bin * bands + band] = v;
  };
  for (int64_t m = 0; m < bands; ++m) {
    const int64_t left = corner(m), middle = corner(m + 1), right = corner(m + 2);
    if (left == middle) set(middle, m, 1);
    for (int64_t k = std::max<int64_t>(left, 0); left != middle && k <= std::min(middle, bins - 1); ++k) {
      set(k, m, static_cast<double>(k - left) / static_cast<double>(middle - left));
    }
    for (int64_t k = std::max<int64_t>(middle, 0); k < std::min(right, bins); ++k) {
      set(k, m, static_cast<double>(right - k) / static_cast<double>(right - middle));
    }
  }
  return c.set_output_as(0, y, dtype);
}

}  // namespace

extern const OpDef op_onnx_mel_weight_matrix = {
    .name = "MelWeightMatrix",
    .since = 17,
    .first = 17,
    .doc = "Triangular filters that sum the bins of a spectrum into bands of the mel scale.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : i64[]{2}, i64[]{8}, i64[]{100}, f32[]{0}, f32[]{50} -> f32[5,2]{0 0 1 0 0 1 0 0 0 0}
      output_datatype=11 : i32[]{2}, i32[]{8}, i32[]{100}, f64[]{0}, f64[]{50} -> f64[5,2]{0 0 1 0 0 1 0 0 0 0}
      : i64[]{0}, i64[]{8}, i64[]{100}, f32[]{0}, f32[]{50} -> f32[5,0]{}
      : i64[]{2}, i64[]{8}, i64[]{0}, f32[]{0}, f32[]{50} -> !make no sense
      output_datatype=8 : i64[]{2}, i64[]{8}, i64[]{100}, f32[]{0}, f32[]{50} -> !numeric type
    )"),
};

}  // namespace anyrt
