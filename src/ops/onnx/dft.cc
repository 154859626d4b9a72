#include <algorithm>

#include "opdef/eval.h"
#include "opdef/fft.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", kIndexTypes}};
constexpr Param kInputs[] = {{"input", "T1", kRequiredParam, "[..., 1] real or [..., 2] complex"},
                             {"dft_length", "T2", kOptionalParam, "cuts or zero-pads the axis; default its size"},
                             {"axis", "int64", kOptionalParam, "default -2"}};
constexpr Param kOutputs[] = {{"output", "T1"}};
constexpr AttrDef kAttrs[] = {
    int_attr("inverse", 0),
    int_attr("onesided", 0)
        .with_doc("the half of the spectrum that determines the rest: forward gives it, inverse takes it"),
};

Expected<int64_t> signal_axis(int64_t axis, int64_t rank) {
  if (rank < 2) return invalid_argument("the input has rank {}, expected 2 or more", rank);
  ANYRT_ASSIGN(const int64_t at, normalize_axis(axis, rank));
  if (at == rank - 1) return invalid_argument("axis {} holds the real and imaginary parts", axis);
  return at;
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  const bool inverse = c.i("inverse") != 0, onesided = c.i("onesided") != 0;
  if (x->size() < 2) return invalid_model("the input has rank {}, expected 2 or more", x->size());
  const Dim& parts = x->back();
  if (parts.is_const() && !parts.is(1) && !parts.is(2)) {
    return invalid_model("the last axis of the input has {} entries, expected 1 or 2", parts.value());
  }
  SymShape out(x->size());
  out.back() = Dim(inverse && onesided ? 1 : 2);
  std::optional<std::vector<int64_t>> axis = std::vector<int64_t>{-2};
  if (c.has_input(2)) axis = c.input_ints(2);
  if (axis && axis->size() == 1) {
    ANYRT_ASSIGN(const int64_t at, signal_axis((*axis)[0], static_cast<int64_t>(x->size())));
    const size_t k = static_cast<size_t>(at);
    std::copy(x->begin(), x->end() - 1, out.begin());
    Dim n = inverse && onesided ? Dim(2) * ((*x)[k] - Dim(1)) : (*x)[k];
    if (c.has_input(1)) {
      const auto length = c.input_elements(1);
      n = length && length->size() == 1 ? (*length)[0] : Dim();
    }
    out[k] = onesided && !inverse ? Dim::floor_div(n, Dim(2)) + Dim(1) : n;
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

struct Rows {
  int64_t outer, in, out, inner, in_parts, out_parts;
};

// One signal into re and im of the transform's length: padded, cut, or completed from one half.
template <class T>
void load(const T* x, const Rows& r, int64_t n, bool complete, T* re, T* im) {
  std::fill_n(re, n, T(0));
  std::fill_n(im, n, T(0));
  const int64_t step = r.inner * r.in_parts, count = std::min(r.in, complete ? n / 2 + 1 : n);
  for (int64_t k = 0; k < count; ++k) {
    re[k] = x[k * step];
    im[k] = r.in_parts == 2 ? x[k * step + 1] : T(0);
  }
  if (!complete) return;
  im[0] = 0;
  if (n % 2 == 0) im[n / 2] = 0;
  for (int64_t k = 1; k < n - k; ++k) {
    re[n - k] = re[k];
    im[n - k] = -im[k];
  }
}

template <class T>
void transform_rows(EvalContext& c, const Rows& r, int64_t n, bool inverse, bool complete, const T* x, T* y) {
  const Fft<T> fft(n);
  c.parallel_for(r.outer * r.inner, 8, [&](int64_t first, int64_t last) {
    std::vector<T> re(static_cast<size_t>(n)), im(static_cast<size_t>(n));
    for (int64_t i = first; i < last; ++i) {
      const int64_t o = i / r.inner, k = i % r.inner;
      load(x + (o * r.in * r.inner + k) * r.in_parts, r, n, complete, re.data(), im.data());
      if (r.in_parts == 1) {
        fft.transform_real(re.data(), im.data(), inverse);
      } else {
        fft.transform(re.data(), im.data(), inverse);
      }
      T* out = y + (o * r.out * r.inner + k) * r.out_parts;
      for (int64_t t = 0; t < r.out; ++t, out += r.inner * r.out_parts) {
        out[0] = re[static_cast<size_t>(t)];
        if (r.out_parts == 2) out[1] = im[static_cast<size_t>(t)];
      }
    }
  });
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  int64_t given_axis = -2;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(given_axis, c.input_int(2));
  }
  ANYRT_ASSIGN(const int64_t axis, signal_axis(given_axis, x.rank()));
  const bool inverse = c.i("inverse") != 0, onesided = c.i("onesided") != 0;
  const size_t at = static_cast<size_t>(axis);
  Rows r{product(x.dims(), 0, axis), x.dims()[at], 0, product(x.dims(), axis + 1, x.rank() - 1), x.dims().back(), 2};
  if (r.in_parts != 1 && r.in_parts != 2) {
    return invalid_argument("the last axis has {} entries, expected 1 or 2", r.in_parts);
  }
  int64_t n = inverse && onesided ? 2 * (r.in - 1) : r.in;
  if (c.has_input(1)) {
    ANYRT_ASSIGN(n, c.input_int(1));
  }
  if (n < 1 || n > int64_t{1} << 32) return invalid_argument("dft_length is {}, expected 1 or more", n);
  r.out = onesided && !inverse ? n / 2 + 1 : n;
  if (inverse && onesided) r.out_parts = 1;
  Dims dims = x.dims();
  dims[at] = r.out;
  dims.back() = r.out_parts;
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, dims));
  ANYRT_TRY(Tensor::make(DType::kFloat64, {n, 16}).status());  // room for the plan
  const bool complete = inverse && onesided;
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    if (y.size() > 0) transform_rows(c, r, n, inverse, complete, x.data<T>(), y.mutable_data<T>());
  });
  return c.set_output_as(0, y, dtype);
}

// Opset 17 held the axis as an attribute, 1 by default.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 20) return {};
  if (!c.has_attr("axis")) c.set_attr("axis", int64_t{1});
  c.attr_to_input("axis", 2, false);
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 20) return {};
  if (c.i("inverse") != 0 && c.i("onesided") != 0) return not_implemented("an inverse from one side needs opset 20");
  int64_t axis = -2;
  if (c.has_input(2)) {
    const Tensor* t = c.input_constant(2);
    if (!t || t->size() != 1) return not_implemented("an axis that is not constant needs opset 20");
    ANYRT_ASSIGN(const std::vector<int64_t> list, to_int64s(*t));
    axis = list[0];
  }
  c.set_attr("axis", axis);
  c.graph().truncate_inputs(c.id(), 2);
  return {};
}

}  // namespace

extern const OpDef op_onnx_dft = {
    .name = "DFT",
    .since = 20,
    .first = 17,
    .doc = "Discrete Fourier transform along an axis, forward or inverse, of real or complex signals.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[1,4,1]{1 2 3 4} -> f32[1,4,2]{10 0 -2 2 -2 0 -2 -2} ~ 1e-5 1e-6
      onesided=1 : f64[1,3,1]{1 2 4} -> f64[1,2,2]{7 0 -2 1.7320508075688772} ~ 1e-9 1e-9
      inverse=1 : f32[4,2]{10 0 -2 2 -2 0 -2 -2}, _, i64[]{0} -> f32[4,2]{1 0 2 0 3 0 4 0} ~ 1e-5 1e-6
      inverse=1 onesided=1 : f32[1,2,2]{7 0 -2 1.7320508}, i64[]{3} -> f32[1,3,1]{1 2 4} ~ 1e-5 1e-6
      : f16[2,1]{1 2}, i32[]{4} -> f16[4,2]{3 0 1 -2 -1 0 1 2} ~ 1e-3 1e-3
      : f32[2,7,5,2]{rand:1}, i64[]{11}, i64[]{1} -> ?
      : f32[3,2]{rand:1}, _, i64[]{1} -> !real and imaginary
    )"),
};

}  // namespace anyrt
