#include <algorithm>

#include "opdef/eval.h"
#include "opdef/fft.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", kIndexTypes}};
constexpr Param kInputs[] = {{"signal", "T1", kRequiredParam, "[batch, length, 1] real or [batch, length, 2] complex"},
                             {"frame_step", "T2", kRequiredParam, "from one frame to the next"},
                             {"window", "T1", kOptionalParam, "factors of a frame; default ones"},
                             {"frame_length", "T2", kOptionalParam, "default the window's, else the signal's"}};
constexpr Param kOutputs[] = {{"output", "T1", kRequiredParam, "[batch, frames, bins, 2]"}};
constexpr AttrDef kAttrs[] = {
    int_attr("onesided", 1).with_doc("only the half of the spectrum that determines the rest")};

Status infer(InferContext& c) {
  SymShape out(4);
  out[3] = Dim(2);
  const SymShape* x = c.input_shape(0);
  if (x && x->size() != 3 && x->size() != 2) return invalid_model("signal has rank {}, expected 3", x->size());
  if (x) out[0] = (*x)[0];
  Dim length;
  if (c.has_input(3)) {
    if (const auto v = c.input_elements(3); v && v->size() == 1) length = (*v)[0];
  } else if (c.has_input(2)) {
    if (const SymShape* w = c.input_shape(2); w && w->size() == 1) length = (*w)[0];
  } else if (x) {
    length = (*x)[1];
  }
  out[2] = c.i("onesided") != 0 ? Dim::floor_div(length, Dim(2)) + Dim(1) : length;
  if (const auto step = c.input_elements(1); x && step && step->size() == 1 && !(*step)[0].is(0)) {
    out[1] = Dim::floor_div((*x)[1] - length, (*step)[0]) + Dim(1);
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

struct Frames {
  int64_t batch, length, parts, step, frames, size, bins;
};

template <class T>
void transform_frames(EvalContext& c, const Frames& f, const T* x, const Tensor& window, T* y) {
  const Fft<T> fft(f.size);
  const T* factor = window.defined() ? window.data<T>() : nullptr;
  const int64_t used = factor ? window.size() : f.size;
  c.parallel_for(f.batch * f.frames, 4, [&](int64_t first, int64_t last) {
    std::vector<T> re(static_cast<size_t>(f.size)), im(static_cast<size_t>(f.size));
    for (int64_t i = first; i < last; ++i) {
      const T* in = x + (i / f.frames * f.length + i % f.frames * f.step) * f.parts;
      std::fill(re.begin(), re.end(), T(0));
      std::fill(im.begin(), im.end(), T(0));
      for (int64_t k = 0; k < used; ++k) {
        const T w = factor ? factor[k] : T(1);
        re[static_cast<size_t>(k)] = in[k * f.parts] * w;
        if (f.parts == 2) im[static_cast<size_t>(k)] = in[k * f.parts + 1] * w;
      }
      if (f.parts == 1) {
        fft.transform_real(re.data(), im.data(), false);
      } else {
        fft.transform(re.data(), im.data(), false);
      }
      T* out = y + i * f.bins * 2;
      for (int64_t k = 0; k < f.bins; ++k) {
        out[2 * k] = re[static_cast<size_t>(k)];
        out[2 * k + 1] = im[static_cast<size_t>(k)];
      }
    }
  });
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  if (x.rank() != 2 && (x.rank() != 3 || x.dim(2) < 1 || x.dim(2) > 2)) {
    return invalid_argument("signal has shape {}, expected [batch,length,1 or 2]", shape_string(x.dims()));
  }
  const int64_t batch = x.dim(0), length = x.dim(1), parts = x.rank() == 3 ? x.dim(2) : 1;
  ANYRT_ASSIGN(const int64_t step, c.input_int(1));
  Tensor window;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(window, c.input_as(2, compute));
    if (window.rank() != 1) return invalid_argument("window has rank {}, expected 1", window.rank());
  }
  int64_t n = window.defined() ? window.size() : length;
  if (c.has_input(3)) {
    ANYRT_ASSIGN(n, c.input_int(3));
  }
  if (n < 1 || n > length || step < 1) {
    return invalid_argument("frames of {} every {} do not fit a signal of {}", n, step, length);
  }
  if (window.defined() && window.size() > n)
    return invalid_argument("the window has {} entries, a frame {}", window.size(), n);
  const int64_t frames = (length - n) / step + 1, bins = c.i("onesided") != 0 ? n / 2 + 1 : n;
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, {batch, frames, bins, 2}));
  ANYRT_TRY(Tensor::make(DType::kFloat64, {n, 16}).status());  // room for the plan
  const Frames f{batch, length, parts, step, frames, n, bins};
  dispatch<float, double>(
      compute, [&]<class T>(TypeTag<T>) { transform_frames(c, f, x.data<T>(), window, y.mutable_data<T>()); });
  return c.set_output_as(0, y, dtype);
}

}  // namespace

extern const OpDef op_onnx_stft = {
    .name = "STFT",
    .since = 17,
    .first = 17,
    .doc = "Fourier transforms of the overlapping, windowed frames of a signal.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[1,4,1]{1 2 3 4}, i64[]{2}, _, i64[]{2} -> f32[1,2,2,2]{3 0 -1 0 7 0 -1 0} ~ 1e-5 1e-6
      onesided=0 : f64[1,3,1]{1 2 4}, i32[]{1}, f64[2]{1 10} -> f64[1,2,2,2]{21 0 -19 0 42 0 -38 0} ~ 1e-9 1e-9
      onesided=0 : f32[1,2,2]{0 1 0 1}, i64[]{1} -> f32[1,1,2,2]{0 2 0 0} ~ 1e-5 1e-6
      : f16[2,20,1]{rand:1}, i64[]{3}, f16[7]{rand:2} -> ?
      : f32[1,4,1]{1 2 3 4}, i64[]{0}, _, i64[]{2} -> !do not fit
    )"),
};

}  // namespace anyrt
