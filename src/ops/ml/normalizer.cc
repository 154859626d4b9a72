#include <algorithm>
#include <cmath>

#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {{"Y", "float32", kRequiredParam, "shape of X"}};
constexpr AttrDef kAttrs[] = {string_attr("norm", "MAX").with_doc("MAX: the largest entry; L1; L2")};

enum class Norm { kMax, kL1, kL2 };

Expected<Norm> norm_of(const AttrReader& c) {
  const std::string& norm = c.s("norm");
  if (norm == "MAX") return Norm::kMax;
  if (norm == "L1") return Norm::kL1;
  if (norm == "L2") return Norm::kL2;
  return invalid_model("norm must be MAX, L1 or L2, found '{}'", norm);
}

Status infer(InferContext& c) {
  ANYRT_TRY(norm_of(c).status());
  const SymShape* s = c.input_shape(0);
  c.set_output(0, DType::kFloat32, s ? std::optional<SymShape>(*s) : std::nullopt);
  return {};
}

float measure(Norm norm, std::span<const float> row) {
  float m = 0;
  switch (norm) {
    case Norm::kMax:
      m = row[0];
      for (float v : row) m = std::max(m, v);
      return m;
    case Norm::kL1:
      for (float v : row) m += std::abs(v);
      return m;
    case Norm::kL2:
      for (float v : row) m += v * v;
      return std::sqrt(m);
  }
  return m;
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Norm norm, norm_of(c));
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, x.dims()));
  if (x.size() == 0) return {};
  for (int64_t r = 0; r < rows.count; ++r) {
    const std::span<const float> row(x.data<float>() + r * rows.width, static_cast<size_t>(rows.width));
    const float m = measure(norm, row);
    float* out = y->mutable_data<float>() + r * rows.width;
    for (size_t i = 0; i < row.size(); ++i) out[i] = m == 0 ? row[i] : row[i] / m;
  }
  return {};
}

}  // namespace

extern const OpDef op_ml_normalizer = {
    .name = "Normalizer",
    .domain = kMlDomain,
    .doc = "Divides each row by its largest entry, by its L1 norm or by its L2 norm; rows of norm 0 stay.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[3,2]{1 -2 -3 -2 0 0} -> f32[3,2]{1 -2 1.5 1 0 0}
      norm="L1" : i64[1,2]{1 -3} -> f32[1,2]{0.25 -0.75}
      norm="L2" : f64[2]{3 -4} -> f32[2]{0.6 -0.8}
      norm="L2" : i32[0,2]{} -> f32[0,2]{}
      norm="L3" : f32[1]{1} -> !norm must be
    )"),
};

}  // namespace anyrt
