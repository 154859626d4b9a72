#pragma once

#include <vector>

#include "opdef/window.h"

namespace anyrt::cpu {

inline constexpr int64_t kPlaneSlack = 64;  // floats that vectors may read or write beyond a plane

// Sliding windows over one channel: its padded plane is taken apart into stride x stride planes of every stride-th row
// and column, in which all windows of one tap lie side by side; so sums run over whole planes, and the columns between
// rows are dropped at the end.
struct WindowPlanes {
  WindowPlanes(const WindowAxis& rows, const WindowAxis& columns) : h(rows), w(columns) {
    pitch = reach(w);
    plane = reach(h) * pitch;
    count = (h.out - 1) * pitch + w.out;
    for (int64_t ky = 0; ky < h.kernel; ++ky) {
      for (int64_t kx = 0; kx < w.kernel; ++kx) {
        const int64_t dy = ky * h.dilation, dx = kx * w.dilation;
        taps.push_back((dy % h.stride * w.stride + dx % w.stride) * plane + dy / h.stride * pitch + dx / w.stride);
      }
    }
  }
  // Rows or columns of a plane that the taps reach.
  static int64_t reach(const WindowAxis& a) { return a.out + (a.kernel - 1) * a.dilation / a.stride + 1; }
  int64_t planes() const { return h.stride * w.stride; }

  WindowAxis h, w;
  int64_t pitch = 0;          // of the planes and of the sums
  int64_t plane = 0;          // floats of one plane
  int64_t count = 0;          // sums
  std::vector<int64_t> taps;  // where each tap's windows begin, from the first plane
};

}  // namespace anyrt::cpu
