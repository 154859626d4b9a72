#include <algorithm>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}, {"T1", DType::kBool}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "rank 1 or more"},
                             {"condition", "T1", kRequiredParam, "one axis; may be shorter than what it selects from"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {attr("axis", AttrKind::kInt).with_doc("default: the flattened input")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  if (const auto rank = c.input_rank(1); rank && *rank != 1)
    return invalid_model("condition has rank {}, expected 1", *rank);
  if (!c.has_attr("axis")) {
    c.set_output(0, c.input_dtype(0), SymShape{c.fresh_dim("selected")});
    return {};
  }
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(x->size())));
  SymShape out = *x;
  out[static_cast<size_t>(axis)] = c.fresh_dim("selected");
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const Tensor& condition = c.input(1);
  if (condition.rank() != 1) return invalid_argument("condition has rank {}, expected 1", condition.rank());
  int64_t outer = 1, n = x.size(), inner = 1, axis = 0;
  Dims dims{0};
  if (c.has_attr("axis")) {
    ANYRT_ASSIGN(axis, normalize_axis(c.i("axis"), x.rank()));
    dims = x.dims();
    outer = product(dims, 0, axis);
    n = dims[static_cast<size_t>(axis)];
    inner = product(dims, axis + 1, x.rank());
  }
  std::vector<int64_t> selected;
  for (int64_t i = 0; i < std::min(n, condition.size()); ++i) {
    if (condition.data<bool>()[i]) selected.push_back(i);
  }
  dims[static_cast<size_t>(axis)] = static_cast<int64_t>(selected.size());
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*y);
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i : selected) out = std::copy_n(in + (o * n + i) * inner, inner, out);
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_compress = {
    .name = "Compress",
    .since = 11,
    .first = 9,
    .doc = "Keeps the entries of an axis, or of the flattened input, where the condition holds.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      axis=0 : f32[3,2]{1 2 3 4 5 6}, bool[3]{false true true} -> f32[2,2]{3 4 5 6}
      axis=-1 : str[1,3]{"a" "b" "c"}, bool[2]{false true} -> str[1,1]{"b"}
      : i8[2,2]{1 2 3 4}, bool[4]{true false false true} -> i8[2]{1 4}
      : f64[2]{1 2}, bool[4]{false false true true} -> f64[0]{}
      axis=2 : f32[3,2]{1 2 3 4 5 6}, bool[3]{false true true} -> !axis 2
    )"),
};

}  // namespace anyrt
