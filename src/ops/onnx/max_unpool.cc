#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"
#include "opdef/window.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", DType::kInt64}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "[N, C, spatial…]"},
                             {"I", "T2", kRequiredParam, "where each element goes in the flattened result"},
                             {"output_shape", "T2", kOptionalParam, "default: the smallest shape that pools to X"}};
constexpr Param kOutputs[] = {{"output", "T1"}};
constexpr AttrDef kAttrs[] = {required_attr("kernel_shape", AttrKind::kInts), attr("pads", AttrKind::kInts),
                              attr("strides", AttrKind::kInts)};

Dim pooled_from(const WindowAttrs& w, size_t i, const Dim& d) {
  return (d - Dim(1)) * Dim(w.strides[i]) - Dim(w.pad_begin[i]) - Dim(w.pad_end[i]) + Dim(w.kernel[i]);
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const WindowAttrs w, read_window_attrs(c));
  c.set_output(0, c.input_dtype(0));
  if (c.has_input(2)) {
    if (auto shape = c.input_elements(2)) {
      c.set_output(0, c.input_dtype(0), std::move(*shape));
    } else {
      c.set_output(0, c.input_dtype(0), SymShape(w.rank() + 2));
    }
    return {};
  }
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  if (x->size() != w.rank() + 2) return invalid_model("X has rank {}, expected {}", x->size(), w.rank() + 2);
  SymShape out{(*x)[0], (*x)[1]};
  for (size_t i = 0; i < w.rank(); ++i) out.push_back(pooled_from(w, i, (*x)[i + 2]));
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const Tensor& where = c.input(1);
  ANYRT_ASSIGN(const WindowAttrs w, read_window_attrs(c));
  if (x.dims().size() != w.rank() + 2) return invalid_argument("X has rank {}, expected {}", x.rank(), w.rank() + 2);
  if (where.dims() != x.dims()) {
    return invalid_argument("I has shape {}, X {}: expected the same", shape_string(where.dims()),
                            shape_string(x.dims()));
  }
  Dims small{x.dim(0), x.dim(1)};
  for (size_t i = 0; i < w.rank(); ++i) {
    const Dim d = pooled_from(w, i, Dim(x.dims()[i + 2]));
    small.push_back(d.is_const() ? std::max<int64_t>(0, d.value()) : -1);
  }
  ANYRT_ASSIGN(const int64_t limit, checked_element_count(small));
  Dims dims = small;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(dims, c.input_ints(2));
    if (dims.size() != small.size()) {
      return invalid_argument("output_shape has {} entries, expected {}", dims.size(), small.size());
    }
  }
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(x.dtype(), dims));
  // Indices count in the smallest shape; a larger result is filled from its first corner on.
  const Dims strides = row_major_strides(dims);
  const int64_t* index = where.data<int64_t>();
  Status status;
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < x.size(); ++i) {
      int64_t rest = index[i], offset = 0;
      if (rest < 0 || rest >= limit) {
        status = invalid_argument("index {} is outside of [0, {})", rest, limit);
        return;
      }
      bool inside = true;
      for (size_t a = dims.size(); a-- > 0; rest /= small[a]) {
        inside = inside && rest % small[a] < dims[a];
        offset += rest % small[a] * strides[a];
      }
      if (inside) mutable_storage<T>(y)[offset] = storage<T>(x)[i];
    }
  });
  if (!status.ok()) return status;
  c.set_output(0, std::move(y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_max_unpool = {
    .name = "MaxUnpool",
    .since = 22,
    .first = 9,
    .doc = "Puts the results of MaxPool back where they were found, zero elsewhere.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      kernel_shape=[2] strides=[2] : f32[1,1,2]{5 6}, i64[1,1,2]{1 2} -> f32[1,1,4]{0 5 6 0}
      kernel_shape=[2,2] strides=[2,2] : f16[1,1,1,2]{5 6}, i64[1,1,1,2]{5 7}, i64[4]{1 1 3 5} -> f16[1,1,3,5]{0 0 0 0 0 0 5 0 6 0 0 0 0 0 0}
      kernel_shape=[2] strides=[2] : f32[1,1,2]{5 6}, i64[1,1,2]{1 4} -> !outside
    )"),
};

}  // namespace anyrt
