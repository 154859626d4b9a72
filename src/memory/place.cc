#include "memory/place.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace anyrt {

namespace {
size_t align_up(size_t n, size_t alignment) { return (n + alignment - 1) / alignment * alignment; }
}  // namespace

Placement place_buffers(std::span<const Lifetime> lifetimes, size_t alignment) {
  Placement out;
  out.offsets.assign(lifetimes.size(), 0);
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  std::vector<size_t> placed;  // sorted by offset
  for (size_t i : order) {
    const Lifetime& one = lifetimes[i];
    const size_t need = align_up(one.bytes, alignment);
    if (need == 0) continue;
    size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (size_t k : placed) {
      const Lifetime& other = lifetimes[k];
      if (other.last < one.first || one.last < other.first) continue;
      const size_t from = out.offsets[k];
      if (from > end && from - end >= need && from - end < best_gap) {
        best_gap = from - end;
        best = end;
      }
      end = std::max(end, from + align_up(other.bytes, alignment));
    }
    out.offsets[i] = best != SIZE_MAX ? best : end;
    out.total = std::max(out.total, out.offsets[i] + need);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return out.offsets[a] < out.offsets[b]; }),
                  i);
  }
  return out;
}

size_t peak_live_bytes(std::span<const Lifetime> lifetimes, size_t alignment) {
  std::map<uint64_t, int64_t> change;
  for (const Lifetime& l : lifetimes) {
    const int64_t bytes = static_cast<int64_t>(align_up(l.bytes, alignment));
    change[l.first] += bytes;
    change[uint64_t{l.last} + 1] -= bytes;
  }
  int64_t live = 0, peak = 0;
  for (const auto& [step, delta] : change) {
    live += delta;
    peak = std::max(peak, live);
  }
  return static_cast<size_t>(peak);
}

}  // namespace anyrt
