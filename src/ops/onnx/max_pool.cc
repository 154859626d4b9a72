#include <cmath>
#include <limits>

#include "opdef/eval.h"
#include "opdef/upgrade_util.h"
#include "opdef/window.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats | DType::kInt8 | DType::kUInt8}, {"I", DType::kInt64}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, spatial…]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, C, windows…]"},
                              {"Indices", "I", kOptionalParam, "where in the flattened X each maximum was found"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"),  int_attr("ceil_mode", 0).with_doc("round the output size up"),
    attr("dilations", AttrKind::kInts), required_attr("kernel_shape", AttrKind::kInts),
    attr("pads", AttrKind::kInts),      int_attr("storage_order", 0).with_doc("1: Indices count column by column"),
    attr("strides", AttrKind::kInts),
};

// The offset of a plane's element when the first axis runs fastest.
int64_t column_major(int64_t offset, const Dims& dims) {
  int64_t weight = product(dims), index = 0;
  for (size_t a = dims.size(); a-- > 0;) {
    weight /= dims[a];
    index += offset % dims[a] * weight;
    offset /= dims[a];
  }
  return index;
}

template <class T>
bool exceeds(T x, T best) {
  if constexpr (std::is_floating_point_v<T>) {
    return x > best || (std::isnan(x) && !std::isnan(best));
  } else {
    return x > best;
  }
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const WindowAxes axes, pool_windows(c, x.dims()));
  const DType compute = is_float(x.dtype()) ? compute_dtype(x.dtype()) : x.dtype();
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  Dims dims = window_out_dims(axes);
  dims.insert(dims.begin(), {x.dim(0), x.dim(1)});
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, dims));
  int64_t* indices = nullptr;
  if (c.wants_output(1)) {
    ANYRT_ASSIGN(Tensor * t, c.output(1, DType::kInt64, dims));
    indices = t->mutable_data<int64_t>();
  }
  const bool by_column = c.i("storage_order") != 0;
  const Dims in_dims = window_in_dims(axes);
  const int64_t in_size = product(in_dims), out_size = product(dims, 2, x.rank());
  dispatch<float, double, int8_t, uint8_t>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(dims[0] * dims[1], 1, [&](int64_t first, int64_t last) {
      for (int64_t plane = first; plane < last; ++plane) {
        const T* in = wide.data<T>() + plane * in_size;
        T* out = y.mutable_data<T>() + plane * out_size;
        T best = 0;
        int64_t where = -1;
        for_each_window(
            axes,
            [&] {
              best = std::numeric_limits<T>::lowest();
              where = -1;
            },
            [&](int64_t offset) {
              if (where < 0 || exceeds(in[offset], best)) {
                best = in[offset];
                where = offset;
              }
            },
            [&](int64_t o, const std::vector<int64_t>&) {
              out[o] = best;
              if (!indices) return;
              if (by_column && where >= 0) where = column_major(where, in_dims);
              indices[plane * out_size + o] = where < 0 ? -1 : plane * in_size + where;
            });
      }
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_onnx_max_pool = {
    .name = "MaxPool",
    .since = 22,
    .doc = "Maximum over a sliding window, and optionally where it was found.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_pool,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_pool,
    .cases = ANYRT_CASES(R"(
      kernel_shape=[2] : f32[1,1,4]{1 4 2 3} -> f32[1,1,3]{4 4 3}, i64[1,1,3]{1 1 3}
      kernel_shape=[2,2] strides=[2,2] : u8[1,2,2,2]{1 2 3 4 8 7 6 5} -> u8[1,2,1,1]{4 8}, i64[1,2,1,1]{3 4}
      kernel_shape=[2,2] storage_order=1 : f32[1,1,2,3]{1 2 3 6 5 4} -> f32[1,1,1,2]{6 5}, i64[1,1,1,2]{1 3}
      kernel_shape=[3] pads=[1,1] : f16[1,1,3]{-5 -4 -6} -> f16[1,1,3]{-4 -4 -4}
      kernel_shape=[2] strides=[2] ceil_mode=1 : i8[1,1,3]{-1 -128 -3} -> i8[1,1,2]{-1 -3}
      kernel_shape=[2] : f32[1,1,3]{nan 1 2} -> f32[1,1,2]{nan 2}
      kernel_shape=[3,2,2] dilations=[1,2,1] auto_pad="SAME_UPPER" : bf16[1,2,4,5,6]{rand:3} -> ?
      kernel_shape=[2,2] : f32[1,1,3]{1 2 3} -> !rank
    )"),
};

}  // namespace anyrt
