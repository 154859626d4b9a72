#include "opdef/cost.h"
#include "opdef/decompose_util.h"
#include "opdef/elementwise.h"
#include "opdef/fused_activation.h"
#include "opdef/infer.h"
#include "opdef/matmul_shape.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {
    {"A", "T", kRequiredParam, "[…, M, K]"},
    {"B", "T", kRequiredParam, "[…, K, N]; as in MatMul, leading axes broadcast and a rank of 1 is a vector"},
    {"bias", "T", kOptionalParam, "broadcasts to the shape of Y"},
    {"Z", "T", kOptionalParam, "added; of the shape of Y"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {
    int_attr("transA", 0).with_doc("1: the last two axes of A are swapped"),
    int_attr("transB", 0).with_doc("1: the last two axes of B are swapped"),
    float_attr("alpha", 1.0f).with_doc("factor of the product"),
    string_attr("activation", ""),
    attr("activation_params", AttrKind::kFloats),
    int_attr("add_after", 0).with_doc("0: activation(product + bias + Z), 1: activation(product + bias) + Z"),
};

Status swap_last(SymShape& s, const char* name) {
  if (s.size() < 2) return invalid_model("{} of shape {} cannot be transposed", name, shape_string(s));
  std::swap(s[s.size() - 1], s[s.size() - 2]);
  return {};
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  ANYRT_ASSIGN(const FusedActivation activation, read_activation(c));
  (void)activation;
  if (!c.input_shape(0) || !c.input_shape(1)) return {};
  SymShape a = *c.input_shape(0), b = *c.input_shape(1);
  if (c.i("transA") != 0) ANYRT_TRY(swap_last(a, "A"));
  if (c.i("transB") != 0) ANYRT_TRY(swap_last(b, "B"));
  ANYRT_ASSIGN(std::optional<SymShape> y, matmul_sym_shape(&a, &b));
  if (!y) return {};
  for (size_t i : {2, 3}) {
    const SymShape* s = c.input_shape(i);
    if (!s) continue;
    if (s->size() > y->size() || (i == 3 && s->size() != y->size())) {
      return invalid_model("{} of shape {} does not fit a product of shape {}", i == 2 ? "bias" : "Z", shape_string(*s),
                           shape_string(*y));
    }
    ANYRT_TRY(broadcast_shapes(*y, *s).status());
  }
  c.set_output(0, c.input_dtype(0), std::move(*y));
  return {};
}

Expected<Tensor> swapped(const Tensor& x, bool swap) {
  if (!swap) return x;
  if (x.rank() < 2) return invalid_argument("{} cannot be transposed", x.type_string());
  std::vector<int64_t> perm(static_cast<size_t>(x.rank()));
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return transpose(x, perm);
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const FusedActivation activation, read_activation(c));
  ANYRT_ASSIGN(Tensor a, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor b, c.input_as(1, compute));
  ANYRT_ASSIGN(a, swapped(a, c.i("transA") != 0));
  ANYRT_ASSIGN(b, swapped(b, c.i("transB") != 0));
  ANYRT_ASSIGN(const MatmulShape s, matmul_shape(a.dims(), b.dims()));
  Tensor bias, z;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(bias, c.input_as(2, compute));
    ANYRT_ASSIGN(bias, broadcast_to(bias, s.dims));
  }
  if (c.has_input(3)) {
    ANYRT_ASSIGN(z, c.input_as(3, compute));
    if (z.dims() != s.dims) {
      return invalid_argument("Z is {}, the product {}", shape_string(z.dims()), shape_string(s.dims));
    }
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, s.dims));
  const bool add_after = c.i("add_after") != 0;
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    T* out = y.mutable_data<T>();
    matmul_stack(c, s, a.data<T>(), b.data<T>(), out);
    for (int64_t i = 0; i < y.size(); ++i) {
      T v = out[i] * static_cast<T>(c.f("alpha"));
      if (bias.defined()) v += bias.data<T>()[i];
      if (z.defined() && !add_after) v += z.data<T>()[i];
      v = activate(activation, v);
      if (z.defined() && add_after) v += z.data<T>()[i];
      out[i] = v;
    }
  });
  return c.set_output_as(0, y, dtype);
}

Expected<ValueId> arranged(RewriteContext& c, size_t i, bool swap) {
  if (!swap) return c.input(i);
  const auto rank = c.input_rank(i);
  if (!rank) return not_implemented("input {} must have a known rank to be transposed", i);
  std::vector<int64_t> perm;
  for (int64_t k = 0; k < *rank; ++k) perm.push_back(k);
  if (perm.size() < 2) return invalid_model("input {} of rank {} cannot be transposed", i, *rank);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return c.op("Transpose", {c.input(i)}, {{"perm", perm}});
}

Status decompose(RewriteContext& c) {
  ANYRT_ASSIGN(const FusedActivation activation, read_activation(c));
  const DType dtype = known_dtype(c, 0);
  ANYRT_ASSIGN(const ValueId a, arranged(c, 0, c.i("transA") != 0));
  ANYRT_ASSIGN(const ValueId b, arranged(c, 1, c.i("transB") != 0));
  ValueId y = c.op("MatMul", {a, b});
  const float alpha = c.f("alpha");
  if (alpha != 1.0f) y = c.op("Mul", {y, c.constant_scalar(static_cast<double>(alpha), dtype)});
  if (c.has_input(2)) y = c.op("Add", {y, c.input(2)});
  const bool add_after = c.i("add_after") != 0;
  if (c.has_input(3) && !add_after) y = c.op("Add", {y, c.input(3)});
  y = emit_activation(c, y, activation, dtype);
  if (c.has_input(3) && add_after) y = c.op("Add", {y, c.input(3)});
  c.replace_output(0, y);
  return {};
}

Cost cost(const CostContext& c) {
  const auto y = c.output_dims(0), a = c.input_dims(0);
  if (!y || !a || a->empty()) return {};
  double flops = 2;
  for (const int64_t d : *y) flops *= static_cast<double>(d);
  const size_t k = c.i("transA") != 0 && a->size() > 1 ? a->size() - 2 : a->size() - 1;
  return {flops * static_cast<double>((*a)[k])};
}

}  // namespace

extern const OpDef op_anyrt_fused_mat_mul = {
    .name = "FusedMatMul",
    .domain = "anyrt",
    .doc = "Matrix product with scale, bias, residual and activation in one step.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cost = cost,
    .cases = ANYRT_CASES(R"(
      : f32[1,2]{1 2}, f32[2,2]{1 -1 1 -1}, f32[2]{0.5 1} -> f32[1,2]{3.5 -2}
      activation="Relu" : f32[1,2]{1 2}, f32[2,2]{1 -1 1 -1}, f32[2]{0.5 1} -> f32[1,2]{3.5 0}
      alpha=2.0 transB=1 : f32[1,2]{1 2}, f32[1,2]{3 4}, f32[]{1} -> f32[1,1]{23}
      transA=1 : f32[2,1]{1 2}, f32[2,1]{3 4}, _, f32[1,1]{100} -> f32[1,1]{111}
      activation="Relu" : f32[1,2]{1 -2}, f32[2,1]{1 1}, f32[1]{-3}, f32[1,1]{5} -> f32[1,1]{1}
      activation="Relu" add_after=1 : f32[1,2]{1 -2}, f32[2,1]{1 1}, f32[1]{-3}, f32[1,1]{5} -> f32[1,1]{5}
      : f32[2]{1 2}, f32[2]{3 4}, f32[]{1} -> f32[]{12}
      : f32[2,0]{}, f32[0,3]{}, f32[3]{1 2 3} -> f32[2,3]{1 2 3 1 2 3}
      transA=1 transB=1 activation="GeluTanh" alpha=0.5 : f64[2,1,5,3]{rand:1}, f64[4,7,5]{rand:2}, f64[4,1,7]{rand:3}, f64[2,4,3,7]{rand:4} -> ?
      activation="LeakyRelu" activation_params=[0.25] : bf16[3,4]{rand:1}, bf16[4,5]{rand:2}, bf16[3,1]{rand:3} -> ?
      activation="Swish" : f16[2,3,4]{rand:1}, f16[4,5]{rand:2} -> ?
      : f32[1,2]{1 2}, f32[2,2]{1 -1 1 -1}, f32[3]{1 2 3} -> !broadcast
      : f32[1,2]{1 2}, f32[2,2]{1 -1 1 -1}, _, f32[2]{1 2} -> !Z
      transA=1 : f32[2]{1 2}, f32[2,1]{3 4} -> !transposed
    )"),
};

}  // namespace anyrt
