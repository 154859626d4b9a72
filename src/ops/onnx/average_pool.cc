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
    string_attr("auto_pad", "NOTSET"),
    int_attr("ceil_mode", 0).with_doc("round the output size up"),
    int_attr("count_include_pad", 0).with_doc("padding counts in the divisor"),
    attr("dilations", AttrKind::kInts),
    required_attr("kernel_shape", AttrKind::kInts),
    attr("pads", AttrKind::kInts),
    attr("strides", AttrKind::kInts),
};

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const WindowAxes axes, pool_windows(c, x.dims()));
  const bool with_pad = c.i("count_include_pad") != 0;
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  Dims dims = window_out_dims(axes);
  dims.insert(dims.begin(), {x.dim(0), x.dim(1)});
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, dims));
  const int64_t in_size = product(x.dims(), 2, x.rank()), out_size = product(dims, 2, x.rank());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(dims[0] * dims[1], 1, [&](int64_t first, int64_t last) {
      for (int64_t plane = first; plane < last; ++plane) {
        const T* in = wide.data<T>() + plane * in_size;
        T* out = y.mutable_data<T>() + plane * out_size;
        T sum = 0, count = 0;
        for_each_window(
            axes, [&] { sum = count = 0; },
            [&](int64_t offset) {
              sum += in[offset];
              ++count;
            },
            [&](int64_t o, const std::vector<int64_t>& pos) {
              if (with_pad) {
                count = 1;
                for (size_t a = 0; a < axes.size(); ++a) {
                  count *= static_cast<T>(taps_inside(axes[a], pos[a], axes[a].in + axes[a].pad_end).end);
                }
              }
              out[o] = sum / count;
            });
      }
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_onnx_average_pool = {
    .name = "AveragePool",
    .since = 22,
    .doc = "Mean over a sliding window.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_pool,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_pool,
    .cases = ANYRT_CASES(R"(
      kernel_shape=[2] : f32[1,1,4]{1 2 3 4} -> f32[1,1,3]{1.5 2.5 3.5}
      kernel_shape=[2,2] strides=[2,2] pads=[1,1,1,1] : f32[1,1,2,2]{1 2 3 4} -> f32[1,1,2,2]{1 2 3 4}
      kernel_shape=[2,2] strides=[2,2] pads=[1,1,1,1] count_include_pad=1 : f16[1,1,2,2]{1 2 3 4} -> f16[1,1,2,2]{0.25 0.5 0.75 1}
      kernel_shape=[2] dilations=[2] : f64[1,1,4]{1 2 3 4} -> f64[1,1,2]{2 3}
      kernel_shape=[2] strides=[2] ceil_mode=1 : f32[1,1,3]{1 2 3} -> f32[1,1,2]{1.5 3}
      kernel_shape=[3] auto_pad="SAME_LOWER" strides=[2] : f32[1,1,4]{1 2 3 4} -> f32[1,1,2]{1.5 3}
      kernel_shape=[3,3,3] pads=[1,1,1,1,1,1] : bf16[2,3,5,4,3]{rand:1} -> ?
      kernel_shape=[5] : f32[1,1,2]{1 2} -> !does not fit
    )"),
};

}  // namespace anyrt
