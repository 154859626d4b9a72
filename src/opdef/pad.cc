#include "opdef/pad.h"

#include <algorithm>

#include "opdef/shape_util.h"

namespace anyrt {
namespace {

enum class Mode : uint8_t { kConstant, kEdge, kReflect, kWrap };

Expected<Mode> read_mode(const std::string& s) {
  if (s == "constant") return Mode::kConstant;
  if (s == "edge") return Mode::kEdge;
  if (s == "reflect") return Mode::kReflect;
  if (s == "wrap") return Mode::kWrap;
  return invalid_model("mode is '{}', expected constant, edge, reflect or wrap", s);
}

// The index in [0, n) that position p of the infinitely continued axis reads.
int64_t continue_axis(int64_t p, int64_t n, Mode mode) {
  if (p >= 0 && p < n) return p;
  if (mode == Mode::kConstant) return -1;
  if (mode == Mode::kEdge || n == 1) return p < 0 ? 0 : n - 1;
  if (mode == Mode::kWrap) return (p % n + n) % n;
  const int64_t period = 2 * (n - 1), q = (p % period + period) % period;
  return q < n ? q : period - q;
}

// Cropping comes first: what is padded is the rest.
Expected<std::vector<int64_t>> axis_map(int64_t dim, int64_t begin, int64_t end, Mode mode) {
  const int64_t cut_begin = std::max<int64_t>(0, -begin), cut_end = std::max<int64_t>(0, -end);
  int64_t n = 0, out = 0;
  if (__builtin_sub_overflow(dim, cut_begin, &n) || __builtin_sub_overflow(n, cut_end, &n) ||
      __builtin_add_overflow(dim, begin, &out) || __builtin_add_overflow(out, end, &out) || out < 0) {
    return invalid_argument("padding {} and {} does not fit an axis of {}", begin, end, dim);
  }
  if (n <= 0 && out > 0 && mode != Mode::kConstant) return invalid_argument("an empty axis cannot be continued");
  ANYRT_TRY(Tensor::make(DType::kInt64, {out}).status());  // an absurd size ends here
  std::vector<int64_t> map(static_cast<size_t>(out));
  for (int64_t o = 0; o < out; ++o) {
    const int64_t i = continue_axis(o - std::max<int64_t>(0, begin), std::max<int64_t>(n, 0), mode);
    map[static_cast<size_t>(o)] = i < 0 ? -1 : i + cut_begin;
  }
  return map;
}

}  // namespace

Expected<std::vector<int64_t>> pad_axis_slots(const std::optional<std::vector<int64_t>>& axes, int64_t rank) {
  std::vector<int64_t> slots(static_cast<size_t>(rank), -1);
  if (!axes) {
    for (int64_t i = 0; i < rank; ++i) slots[static_cast<size_t>(i)] = i;
    return slots;
  }
  ANYRT_ASSIGN(const std::vector<int64_t> normal, normalize_axes(*axes, rank));
  for (size_t i = 0; i < normal.size(); ++i) slots[static_cast<size_t>(normal[i])] = static_cast<int64_t>(i);
  return slots;
}

Expected<IndexMaps> pad_maps(const Dims& dims, const std::vector<int64_t>& pads,
                             const std::optional<std::vector<int64_t>>& axes, const std::string& mode_name) {
  ANYRT_ASSIGN(const std::vector<int64_t> slots, pad_axis_slots(axes, static_cast<int64_t>(dims.size())));
  const size_t count = axes ? axes->size() : dims.size();
  if (pads.size() != 2 * count) return invalid_argument("pads has {} entries, expected {}", pads.size(), 2 * count);
  ANYRT_ASSIGN(const Mode mode, read_mode(mode_name));
  IndexMaps maps;
  for (size_t i = 0; i < slots.size(); ++i) {
    const size_t at = static_cast<size_t>(slots[i]);
    ANYRT_ASSIGN(std::vector<int64_t> map,
                 axis_map(dims[i], slots[i] < 0 ? 0 : pads[at], slots[i] < 0 ? 0 : pads[at + count], mode));
    maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace anyrt
