#include "codec/preprocess.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "tensor/dispatch.h"

namespace anyrt {

namespace {

Expected<std::vector<double>> per_channel(const std::vector<double>& values, int64_t channels, double otherwise,
                                          std::string_view name) {
  if (values.empty()) return std::vector<double>(static_cast<size_t>(channels), otherwise);
  if (values.size() == 1) return std::vector<double>(static_cast<size_t>(channels), values[0]);
  if (static_cast<int64_t>(values.size()) == channels) return values;
  return invalid_argument("{} has {} values; 1 or {} (one for each channel) were expected", name, values.size(),
                          channels);
}

template <class From, class To>
To rounded(From value) {
  constexpr auto kLow = std::numeric_limits<To>::min(), kHigh = std::numeric_limits<To>::max();
  if constexpr (std::is_floating_point_v<From>) {
    if (std::isnan(value)) return 0;
    const double r = std::nearbyint(static_cast<double>(value));
    // 2^63 and 2^64 are doubles, the largest integers are not.
    if (r >= static_cast<double>(kHigh)) return kHigh;
    if (r <= static_cast<double>(kLow)) return kLow;
    return static_cast<To>(r);
  } else {
    if (std::cmp_less(value, kLow)) return kLow;
    if (std::cmp_greater(value, kHigh)) return kHigh;
    return static_cast<To>(value);
  }
}

}  // namespace

Expected<Tensor> normalise(const Tensor& x, const Normalise& options) {
  if (x.rank() < 1)
    return invalid_argument("only tensors with a channel axis can be normalised, found {}", x.type_string());
  const int64_t channels = x.dim(x.rank() - 1);
  ANYRT_ASSIGN(const auto mean, per_channel(options.mean, channels, 0, "mean"));
  ANYRT_ASSIGN(const auto deviation, per_channel(options.std, channels, 1, "std"));
  if (std::count(deviation.begin(), deviation.end(), 0.0) > 0) return invalid_argument("std has a zero");
  ANYRT_ASSIGN(const Tensor from, cast_tensor(x, DType::kFloat32));
  ANYRT_ASSIGN(Tensor out, Tensor::make(DType::kFloat32, x.dims()));
  // As factor and offset the two divisions are paid once.
  std::vector<double> factor(mean.size()), offset(mean.size());
  for (size_t c = 0; c < mean.size(); ++c) {
    factor[c] = options.scale / deviation[c];
    offset[c] = -mean[c] / deviation[c];
  }
  const float* in = from.data<float>();
  float* to = out.mutable_data<float>();
  for (int64_t i = 0; i < x.size(); i += channels) {
    for (size_t c = 0; c < factor.size(); ++c) *to++ = static_cast<float>(*in++ * factor[c] + offset[c]);
  }
  return out;
}

Expected<ImageLayout> parse_image_layout(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  if (upper == "HWC") return ImageLayout::kHwc;
  if (upper == "CHW") return ImageLayout::kChw;
  if (upper == "NHWC") return ImageLayout::kNhwc;
  if (upper == "NCHW") return ImageLayout::kNchw;
  return invalid_argument("layout '{}' is unknown; HWC, CHW, NHWC and NCHW are", name);
}

Expected<Tensor> permuted(const Tensor& x, const std::vector<int>& order) {
  const auto rank = static_cast<size_t>(x.rank());
  std::vector<bool> seen(rank, false);
  bool valid = order.size() == rank;
  for (int axis : order) {
    valid = valid && axis >= 0 && axis < x.rank() && !seen[static_cast<size_t>(axis)];
    if (valid) seen[static_cast<size_t>(axis)] = true;
  }
  if (!valid)
    return invalid_argument("the axes of {} cannot be reordered by {} numbers that are not each axis once",
                            x.type_string(), order.size());
  std::vector<int64_t> stride(rank, 1), step(rank), index(rank, 0);
  for (size_t i = rank; i-- > 1;) stride[i - 1] = stride[i] * x.dims()[i];
  Dims dims(rank);
  for (size_t i = 0; i < rank; ++i) {
    dims[i] = x.dim(order[i]);
    step[i] = stride[static_cast<size_t>(order[i])];
  }
  ANYRT_ASSIGN(Tensor out, Tensor::make(x.dtype(), dims));
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = storage<T>(x);
    T* to = mutable_storage<T>(out);
    int64_t offset = 0;
    for (int64_t i = 0; i < out.size(); ++i) {
      to[i] = from[offset];
      for (size_t axis = rank; axis-- > 0;) {
        offset += step[axis];
        if (++index[axis] < dims[axis]) break;
        offset -= step[axis] * dims[axis];
        index[axis] = 0;
      }
    }
  });
  return out;
}

Expected<Tensor> to_image_layout(const Tensor& hwc, ImageLayout layout) {
  if (hwc.rank() != 3) return invalid_argument("a picture has 3 axes [H,W,C], found {}", hwc.type_string());
  Tensor out = hwc;
  if (layout == ImageLayout::kChw || layout == ImageLayout::kNchw) {
    ANYRT_ASSIGN(out, permuted(hwc, {2, 0, 1}));
  }
  if (layout == ImageLayout::kHwc || layout == ImageLayout::kChw) return out;
  Dims dims = out.dims();
  dims.insert(dims.begin(), 1);
  return out.reshaped(std::move(dims));
}

Expected<Tensor> swap_red_and_blue(const Tensor& hwc) {
  const int64_t channels = hwc.rank() > 0 ? hwc.dim(hwc.rank() - 1) : 0;
  if (channels != 3 && channels != 4) {
    return invalid_argument("red and blue are swapped in 3 or 4 channels, found {}", hwc.type_string());
  }
  ANYRT_ASSIGN(Tensor out, hwc.clone());
  dispatch_storage(out.dtype(), [&]<class T>(TypeTag<T>) {
    T* p = mutable_storage<T>(out);
    for (int64_t i = 0; i < out.size(); i += channels) std::swap(p[i], p[i + 2]);
  });
  return out;
}

Expected<Tensor> convert_elements(const Tensor& x, DType to) {
  if (x.dtype() == to) return x;
  Tensor from = x;
  if (is_float(x.dtype()) && x.dtype() != DType::kFloat64) {
    ANYRT_ASSIGN(from, cast_tensor(x, DType::kFloat32));
  }
  ANYRT_ASSIGN(Tensor out, Tensor::make(to, x.dims()));
  bool done = false;
  dispatch<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>(
      from.dtype(), [&]<class From>(TypeTag<From>) {
        done = dispatch<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>(to, [&]<class To>(
                                                                                                          TypeTag<To>) {
          std::transform(from.data<From>(), from.data<From>() + from.size(), out.mutable_data<To>(), rounded<From, To>);
        });
      });
  if (done) return out;
  return cast_tensor(x, to);
}

}  // namespace anyrt
