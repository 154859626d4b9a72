#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", DType::kInt64}};
constexpr Param kInputs[] = {{"theta", "T1", kRequiredParam, "[N, 2, 3] or [N, 3, 4]"},
                             {"size", "T2", kRequiredParam, "[N, C, H, W] or [N, C, D, H, W]"}};
constexpr Param kOutputs[] = {{"grid", "T1", kRequiredParam, "[N, H, W, 2] or [N, D, H, W, 3]"}};
constexpr AttrDef kAttrs[] = {
    int_attr("align_corners", 0).with_doc("-1 and 1 are the centres of the corner elements, else their outer edges")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const auto size = c.input_elements(1);
  if (!size) return {};
  if (size->size() != 4 && size->size() != 5)
    return invalid_model("size has {} entries, expected 4 or 5", size->size());
  SymShape out{(*size)[0]};
  out.insert(out.end(), size->begin() + 2, size->end());
  out.emplace_back(static_cast<int64_t>(size->size()) - 2);
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

// Position i of n in [-1, 1].
double base_position(int64_t i, int64_t n, bool align) {
  if (align) return n > 1 ? 2.0 * static_cast<double>(i) / static_cast<double>(n - 1) - 1 : 0;
  return (2.0 * static_cast<double>(i) + 1) / static_cast<double>(n) - 1;
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor theta, c.input_as(0, DType::kFloat64));
  ANYRT_ASSIGN(const std::vector<int64_t> size, c.input_ints(1));
  if (size.size() != 4 && size.size() != 5)
    return invalid_argument("size has {} entries, expected 4 or 5", size.size());
  const int64_t rank = static_cast<int64_t>(size.size()) - 2;
  if (theta.dims() != Dims{size[0], rank, rank + 1}) {
    return invalid_argument("theta has shape {}, expected [{},{},{}]", shape_string(theta.dims()), size[0], rank,
                            rank + 1);
  }
  const Dims spatial(size.begin() + 2, size.end());
  Dims dims = spatial;
  dims.insert(dims.begin(), size[0]);
  dims.push_back(rank);
  ANYRT_ASSIGN(Tensor grid, Tensor::make(DType::kFloat64, dims));
  const bool align = c.i("align_corners") != 0;
  double* out = grid.mutable_data<double>();
  for (int64_t n = 0; n < size[0] && grid.size() > 0; ++n) {
    const double* rows = theta.data<double>() + n * rank * (rank + 1);
    std::vector<int64_t> idx(spatial.size(), 0);
    do {
      for (int64_t r = 0; r < rank; ++r) {
        const double* row = rows + r * (rank + 1);
        double sum = row[rank];
        for (int64_t k = 0; k < rank; ++k) {  // x is the last axis
          const size_t a = static_cast<size_t>(rank - 1 - k);
          sum += row[k] * base_position(idx[a], spatial[a], align);
        }
        *out++ = sum;
      }
    } while (next_index(idx, spatial));
  }
  return c.set_output_as(0, grid, c.input(0).dtype());
}

// With known sizes the positions before the map are a constant matrix [positions, rank + 1].
Status decompose(RewriteContext& c) {
  const Tensor* t = c.input_constant(1);
  if (!t) return not_implemented("the size is not constant");
  ANYRT_ASSIGN(const std::vector<int64_t> size, to_int64s(*t));
  if (size.size() != 4 && size.size() != 5) return invalid_model("size has {} entries, expected 4 or 5", size.size());
  const int64_t rank = static_cast<int64_t>(size.size()) - 2;
  const Dims spatial(size.begin() + 2, size.end());
  ANYRT_ASSIGN(const int64_t count, checked_element_count(spatial));
  ANYRT_ASSIGN(Tensor base, Tensor::make(DType::kFloat64, {count, rank + 1}));
  const bool align = c.i("align_corners") != 0;
  std::vector<int64_t> idx(spatial.size(), 0);
  double* out = base.mutable_data<double>();
  for (int64_t i = 0; i < count; ++i, next_index(idx, spatial)) {
    for (size_t a = spatial.size(); a-- > 0;) *out++ = base_position(idx[a], spatial[a], align);
    *out++ = 1;
  }
  const DType dtype = c.input_type(0).dtype;
  ANYRT_ASSIGN(base, cast_tensor(base, dtype == DType::kUndefined ? DType::kFloat32 : dtype));
  const ValueId map = c.op("Transpose", {c.input(0)}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  std::vector<int64_t> dims = spatial;
  dims.insert(dims.begin(), size[0]);
  dims.push_back(rank);
  const ValueId flat = c.op("MatMul", {c.constant(std::move(base)), map});
  c.replace_output(0, c.op("Reshape", {flat, c.constant_ints(dims)}, {{"allowzero", int64_t{1}}}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_affine_grid = {
    .name = "AffineGrid",
    .since = 20,
    .first = 20,
    .doc = "The grid of positions that an affine map gives for an image, as GridSample reads it.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      align_corners=1 : f32[1,2,3]{1 0 0 0 1 0}, i64[4]{1 1 1 2} -> f32[1,1,2,2]{-1 0 1 0}
      : f64[1,2,3]{1 0 0.5 0 2 0}, i64[4]{1 3 2 2} -> f64[1,2,2,2]{0 -1 1 -1 0 1 1 1}
      : f16[2,3,4]{rand:1}, i64[5]{2 1 2 3 4} -> ?
      : f32[1,2,3]{1 0 0 0 1 0}, i64[5]{1 1 1 2 2} -> !theta has shape
    )"),
};

}  // namespace anyrt
