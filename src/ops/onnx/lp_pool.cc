#include <cmath>

#include "opdef/eval.h"
#include "opdef/upgrade_util.h"
#include "opdef/window.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, spatial…]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, C, windows…]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"),       int_attr("ceil_mode", 0).with_doc("round the output size up"),
    attr("dilations", AttrKind::kInts),      required_attr("kernel_shape", AttrKind::kInts),
    int_attr("p", 2).with_doc("which norm"), attr("pads", AttrKind::kInts),
    attr("strides", AttrKind::kInts),
};

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const WindowAxes axes, pool_windows(c, x.dims()));
  const int64_t p = c.i("p");
  if (p < 1) return invalid_argument("p is {}, expected 1 or more", p);
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  Dims dims = window_out_dims(axes);
  dims.insert(dims.begin(), {x.dim(0), x.dim(1)});
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, dims));
  const int64_t in_size = product(x.dims(), 2, x.rank()), out_size = product(dims, 2, x.rank());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(dims[0] * dims[1], 1, [&](int64_t first, int64_t last) {
      const T power = static_cast<T>(p);
      for (int64_t plane = first; plane < last; ++plane) {
        const T* in = wide.data<T>() + plane * in_size;
        T* out = y.mutable_data<T>() + plane * out_size;
        T sum = 0;
        for_each_window(
            axes, [&] { sum = 0; },
            [&](int64_t offset) {
              const T v = std::abs(in[offset]);
              sum += p == 1 ? v : p == 2 ? v * v : std::pow(v, power);
            },
            [&](int64_t o, const std::vector<int64_t>&) {
              out[o] = p == 1 ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / power);
            });
      }
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

// Opset 1 held p as a float.
Status upgrade(RewriteContext& c) { return c.version() < 2 ? upgrade_lp_norm(c) : Status(); }

}  // namespace

extern const OpDef op_onnx_lp_pool = {
    .name = "LpPool",
    .since = 22,
    .doc = "Lp norm over a sliding window.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_pool,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade_pool,
    .cases = ANYRT_CASES(R"(
      kernel_shape=[2] : f32[1,1,3]{3 -4 0} -> f32[1,1,2]{5 4}
      kernel_shape=[2] p=1 pads=[1,0] : f64[1,1,3]{1 -2 3} -> f64[1,1,3]{1 3 5}
      kernel_shape=[2,2] p=3 : f32[1,1,2,2]{1 2 3 -4} -> f32[1,1,1,1]{4.6415888}
      kernel_shape=[2,2] strides=[2,1] dilations=[1,2] : f16[2,1,4,5]{rand:4} -> ?
      kernel_shape=[2] p=0 : f32[1,1,3]{1 2 3} -> !expected 1 or more
    )"),
};

}  // namespace anyrt
