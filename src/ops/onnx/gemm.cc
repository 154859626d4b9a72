#include "opdef/cost.h"
#include "opdef/elementwise.h"
#include "opdef/infer.h"
#include "opdef/matmul.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {
    {"A", "T"}, {"B", "T"}, {"C", "T", kOptionalParam, "broadcasts to the shape of the product"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {
    float_attr("alpha", 1.0f).with_doc("factor of the product"), float_attr("beta", 1.0f).with_doc("factor of C"),
    int_attr("transA", 0).with_doc("1: A is transposed"), int_attr("transB", 0).with_doc("1: B is transposed")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape *a = c.input_shape(0), *b = c.input_shape(1), *bias = c.input_shape(2);
  for (const SymShape* s : {a, b}) {
    if (s && s->size() != 2) return invalid_model("A and B must be matrices, found shape {}", shape_string(*s));
  }
  const size_t ta = c.i("transA") ? 1 : 0, tb = c.i("transB") ? 1 : 0;
  SymShape out(2);
  if (a) out[0] = (*a)[ta];
  if (b) out[1] = (*b)[1 - tb];
  if (a && b) {
    const Dim &ka = (*a)[1 - ta], &kb = (*b)[tb];
    if (ka.is_const() && kb.is_const() && ka.value() != kb.value()) {
      return invalid_model("A and B do not fit: {} columns against {} rows", ka.value(), kb.value());
    }
    if (bias) {
      if (bias->size() > 2) return invalid_model("C of shape {} does not broadcast", shape_string(*bias));
      ANYRT_TRY(broadcast_shapes(out, *bias).status());
    }
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

template <class T>
MatrixRef<T> as_matrix(const Tensor& x, bool transposed) {
  return transposed ? MatrixRef<T>{x.data<T>(), 1, x.dim(1)} : MatrixRef<T>{x.data<T>(), x.dim(1), 1};
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype();
  const float alpha = c.f("alpha"), beta = c.f("beta");
  // Integers scaled by fractions go through double.
  const bool scaled = alpha != 1 || beta != 1;
  const DType compute = scaled && is_int(dtype) ? DType::kFloat64 : compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor a, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor b, c.input_as(1, compute));
  if (a.rank() != 2 || b.rank() != 2) {
    return invalid_argument("A and B must be matrices, found {} and {}", a.type_string(), b.type_string());
  }
  const bool ta = c.i("transA") != 0, tb = c.i("transB") != 0;
  const int64_t m = a.dim(ta), k = a.dim(!ta), n = b.dim(!tb);
  if (b.dim(tb) != k) return invalid_argument("A and B do not fit: {} columns against {} rows", k, b.dim(tb));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, {m, n}));
  Tensor bias;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(bias, c.input_as(2, compute));
    ANYRT_ASSIGN(const Dims joined, broadcast_dims(y.dims(), bias.dims()));
    if (joined != y.dims()) {
      return invalid_argument("C of shape {} does not broadcast to {}", shape_string(bias.dims()),
                              shape_string(y.dims()));
    }
  }
  Expected<Tensor> sum = y;
  dispatch<float, double, int64_t, uint64_t>(compute, [&]<class T>(TypeTag<T>) {
    matmul(&c, m, n, k, as_matrix<T>(a, ta), as_matrix<T>(b, tb), y.mutable_data<T>(), n);
    if (alpha != 1) {
      for (T& v : y.mutable_span<T>()) v *= static_cast<T>(alpha);
    }
    if (!bias.defined()) return;
    using Sum = std::conditional_t<std::is_same_v<T, int64_t>, uint64_t, T>;  // wraps
    sum = combine<T, T>(y, bias, [&](T v, T w) {
      if constexpr (std::is_floating_point_v<T>)
        return v + static_cast<T>(beta) * w;
      else
        return static_cast<Sum>(v) + static_cast<Sum>(w);
    });
  });
  if (!sum.ok()) return sum.status();
  return c.set_output_as(0, *sum, dtype);
}

Status decompose(RewriteContext& c) {
  const bool scaled = c.f("alpha") != 1 || c.f("beta") != 1;
  if (scaled && !is_float(c.input_type(0).dtype)) return not_implemented("integers with factors are not decomposed");
  ValueId a = c.input(0), b = c.input(1);
  const std::vector<int64_t> swap = {1, 0};
  if (c.i("transA")) a = c.op("Transpose", {a}, {{"perm", swap}});
  if (c.i("transB")) b = c.op("Transpose", {b}, {{"perm", swap}});
  ValueId y = c.op("MatMul", {a, b});
  if (c.f("alpha") != 1) y = c.op("Mul", {y, constant_like(c, c.f("alpha"))});
  if (c.has_input(2)) {
    ValueId bias = c.input(2);
    if (c.f("beta") != 1) bias = c.op("Mul", {bias, constant_like(c, c.f("beta"))});
    y = c.op("Add", {y, bias});
  }
  c.replace_output(0, y);
  return {};
}

// C became optional with opset 11.
Status downgrade(RewriteContext& c) {
  if (c.version() >= 11 || c.has_input(2)) return {};
  c.set_input(2, constant_like(c, 0));
  return {};
}

}  // namespace

extern const OpDef op_onnx_gemm = {
    .name = "Gemm",
    .since = 13,
    .doc = "alpha * A * B + beta * C for matrices A and B, either of which may be transposed.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "broadcast"); },
    .downgrade = downgrade,
    .cost = cost_gemm,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{1 2 3 4 5 6}, f32[3,2]{1 0 0 1 1 1}, f32[2]{10 20} -> f32[2,2]{14 25 20 31}
      transA=1 transB=1 : f64[3,2]{1 2 3 4 5 6}, f64[1,3]{1 1 1}, f64[]{1} -> f64[2,1]{10 13}
      alpha=0.5 beta=2.0 : f16[1,2]{2 4}, f16[2,1]{1 1}, f16[1,1]{3} -> f16[1,1]{9}
      : i32[1,2]{2 3}, i32[2,1]{4 5} -> i32[1,1]{23}
      alpha=0.5 : i32[1,1]{3}, i32[1,1]{5}, i32[1]{1} -> i32[1,1]{8}
      : bf16[2,0]{}, bf16[0,1]{}, bf16[2,1]{1 2} -> bf16[2,1]{1 2}
      alpha=0.25 transB=1 : f32[5,7]{rand:1}, f32[4,7]{rand:2}, f32[1,4]{rand:3} -> ?
      : f32[2,3]{rand:1}, f32[2,3]{rand:1} -> !do not fit
      : f32[1,2]{1 2}, f32[2,1]{1 2}, f32[3]{1 2 3} -> !does not broadcast
    )"),
};

}  // namespace anyrt
