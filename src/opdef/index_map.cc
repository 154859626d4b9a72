#include "opdef/index_map.h"

#include <algorithm>

#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

template <class T>
void gather(const T* x, const Dims& strides, const IndexMaps& maps, const T& fill, T* y) {
  const size_t last = maps.size() - 1;
  Dims outer;
  for (size_t a = 0; a < last; ++a) outer.push_back(static_cast<int64_t>(maps[a].size()));
  const std::vector<int64_t>& inner = maps[last];
  std::vector<int64_t> idx(last, 0);
  do {
    int64_t offset = 0;
    bool inside = true;
    for (size_t a = 0; a < last; ++a) {
      const int64_t i = maps[a][static_cast<size_t>(idx[a])];
      inside = inside && i >= 0;
      offset += i * strides[a];
    }
    if (inside) {
      for (int64_t i : inner) *y++ = i < 0 ? fill : x[offset + i];
    } else {
      y = std::fill_n(y, inner.size(), fill);
    }
  } while (next_index(idx, outer));
}

}  // namespace

Expected<Tensor> gather_by_maps(const Tensor& x, const IndexMaps& maps, const Tensor& fill) {
  if (maps.empty()) return x;
  Dims dims;
  for (const std::vector<int64_t>& m : maps) dims.push_back(static_cast<int64_t>(m.size()));
  ANYRT_ASSIGN(Tensor y, Tensor::make(x.dtype(), dims));
  if (y.size() == 0) return y;
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T value = fill.defined() ? *storage<T>(fill) : T{};
    gather(storage<T>(x), row_major_strides(x.dims()), maps, value, mutable_storage<T>(y));
  });
  return y;
}

}  // namespace anyrt
