#include "opdef/grid_sample.h"

#include <utility>

#include "opdef/shape_util.h"

namespace anyrt {

Expected<GridSampler> read_grid_sampler(const AttrReader& c, Dims dims) {
  using Mode = GridSampler::Mode;
  using Padding = GridSampler::Padding;
  GridSampler s;
  s.strides = row_major_strides(dims);
  s.dims = std::move(dims);
  s.align = c.i("align_corners") != 0;
  const std::string &mode = c.s("mode"), &padding = c.s("padding_mode");
  if (mode == "nearest")
    s.mode = Mode::kNearest;
  else if (mode == "cubic")
    s.mode = Mode::kCubic;
  else if (mode != "linear")
    return invalid_argument("mode is '{}', expected linear, nearest or cubic", mode);
  if (padding == "border")
    s.padding = Padding::kBorder;
  else if (padding == "reflection")
    s.padding = Padding::kReflection;
  else if (padding != "zeros")
    return invalid_argument("padding_mode is '{}', expected zeros, border or reflection", padding);
  return s;
}

}  // namespace anyrt
