#include "opdef/pad.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// Pad as runs of bytes: the last padded axis is a list of pieces that are copied, copied backwards, repeated or filled;
// the axes before it say where a row of them comes from.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr DTypeSet kMovable = kAllDTypes - DTypeSet(DType::kString);
constexpr size_t kMaxOuter = 16;
constexpr int64_t kBytesPerPiece = 1 << 16;

struct Piece {
  int64_t bytes;       // written, in one
  int64_t from = -1;   // in a row of the input; -1: the constant
  int64_t blocks = 1;  // how many times
  int64_t step = 0;    // from one to the next in the input
};

struct Padding {
  std::vector<std::vector<int64_t>> outer;  // outermost first: where each index leads in the input, -1: the constant
  std::vector<Piece> pieces;
  int64_t rows = 1, row_bytes = 0;
  size_t element = 1;
};

bool is_whole(const std::vector<int64_t>& map, int64_t dim) {
  if (static_cast<int64_t>(map.size()) != dim) return false;
  for (int64_t i = 0; i < dim; ++i) {
    if (map[static_cast<size_t>(i)] != i) return false;
  }
  return true;
}

// Neighbours that walk through the input the same way are one piece.
void add_pieces(const std::vector<int64_t>& map, int64_t block, std::vector<Piece>& out) {
  for (size_t i = 0; i < map.size();) {
    const int64_t step = i + 1 < map.size() && map[i] >= 0 && map[i + 1] >= 0 ? map[i + 1] - map[i] : 1;
    size_t end = i + 1;
    if (map[i] < 0) {
      while (end < map.size() && map[end] < 0) ++end;
      out.push_back({static_cast<int64_t>(end - i) * block, -1});
    } else {
      while (end < map.size() && map[end] >= 0 && map[end] - map[end - 1] == step) ++end;
      const auto count = static_cast<int64_t>(end - i);
      if (step == 1) {
        out.push_back({count * block, map[i] * block});
      } else {
        out.push_back({block, map[i] * block, count, step * block});
      }
    }
    i = end;
  }
}

void fill(std::byte* to, int64_t bytes, const std::byte* value, size_t element) {
  if (element == 4) {
    uint32_t v;
    std::memcpy(&v, value, 4);
    std::fill_n(reinterpret_cast<uint32_t*>(to), bytes / 4, v);
  } else if (std::all_of(value, value + element, [&](std::byte b) { return b == value[0]; })) {
    std::memset(to, static_cast<int>(value[0]), static_cast<size_t>(bytes));
  } else {
    for (int64_t i = 0; i < bytes; i += static_cast<int64_t>(element)) std::memcpy(to + i, value, element);
  }
}

template <size_t kBytes>
void copy_blocks(const Piece& p, const std::byte* from, std::byte* to) {
  for (int64_t i = 0; i < p.blocks; ++i) std::memcpy(to + i * static_cast<int64_t>(kBytes), from + i * p.step, kBytes);
}

void write_piece(const Piece& p, const std::byte* row, std::byte* to, const std::byte* value, size_t element) {
  if (p.from < 0) return fill(to, p.bytes, value, element);
  const std::byte* from = row + p.from;
  switch (p.blocks == 1 ? 0 : p.bytes) {
    case 1: return copy_blocks<1>(p, from, to);
    case 2: return copy_blocks<2>(p, from, to);
    case 4: return copy_blocks<4>(p, from, to);
    case 8: return copy_blocks<8>(p, from, to);
    default:
      for (int64_t i = 0; i < p.blocks; ++i)
        std::memcpy(to + i * p.bytes, from + i * p.step, static_cast<size_t>(p.bytes));
  }
}

void write_rows(const Padding& s, const std::byte* x, const std::byte* value, std::byte* y, int64_t begin,
                int64_t end) {
  size_t at[kMaxOuter] = {};
  const size_t axes = s.outer.size();
  int64_t left = begin;
  for (size_t a = axes; a-- > 0;) {
    const auto size = static_cast<int64_t>(s.outer[a].size());
    at[a] = static_cast<size_t>(left % size);
    left /= size;
  }
  for (int64_t r = begin; r < end; ++r) {
    std::byte* to = y + r * s.row_bytes;
    int64_t from = 0;
    bool inside = true;
    for (size_t a = 0; a < axes; ++a) {
      const int64_t add = s.outer[a][at[a]];
      inside = inside && add >= 0;
      from += add;
    }
    if (!inside) {
      fill(to, s.row_bytes, value, s.element);
    } else {
      for (const Piece& p : s.pieces) {
        write_piece(p, x + from, to, value, s.element);
        to += p.bytes * p.blocks;
      }
    }
    for (size_t a = axes; a-- > 0;) {
      if (++at[a] < s.outer[a].size()) break;
      at[a] = 0;
    }
  }
}

Bound bind(const BindQuery& q, const State&) {
  if (!q.input(1).ints || (q.has_input(3) && !q.input(3).ints)) return not_implemented("pads are known only in a run");
  if (q.output(0).count() == 0) return not_implemented("an empty output");
  if (q.has_input(2) && q.input(2).count() != 1) return not_implemented("a constant of {}", q.input(2).count());
  const Dims& in = q.input(0).dims;
  std::optional<std::vector<int64_t>> axes;
  if (q.has_input(3)) axes = q.input(3).ints;
  ANYRT_ASSIGN(const IndexMaps maps, pad_maps(in, *q.input(1).ints, axes, q.s("mode")));
  Padding s;
  s.element = element_size(q.input(0).dtype);
  if (s.element > 16) return not_implemented("elements of {} bytes", s.element);
  const Dims strides = row_major_strides(in);
  size_t last = maps.size();
  while (last > 0 && is_whole(maps[last - 1], in[last - 1])) --last;
  const auto block = product(in, static_cast<int64_t>(last), q.input(0).rank()) * static_cast<int64_t>(s.element);
  if (last == 0) {
    s.pieces.push_back({block, 0});
  } else {
    add_pieces(maps[last - 1], block, s.pieces);
  }
  for (const Piece& p : s.pieces) s.row_bytes += p.bytes * p.blocks;
  bool merge = false;  // the axis before was whole, and so is this one
  for (size_t a = 0; a + 1 < last; ++a) {
    const bool whole = is_whole(maps[a], in[a]);
    const int64_t stride = strides[a] * static_cast<int64_t>(s.element);
    std::vector<int64_t> leads;
    if (merge && whole) {
      const auto both = static_cast<int64_t>(s.outer.back().size()) * in[a];
      s.outer.pop_back();
      for (int64_t i = 0; i < both; ++i) leads.push_back(i * stride);
    } else {
      for (const int64_t i : maps[a]) leads.push_back(i < 0 ? -1 : i * stride);
    }
    s.outer.push_back(std::move(leads));
    merge = whole;
  }
  if (s.outer.size() > kMaxOuter) return not_implemented("{} axes", s.outer.size());
  for (const auto& map : s.outer) s.rows *= static_cast<int64_t>(map.size());
  return bound_step([s = std::move(s), has_value = q.has_input(2)](const StepArgs& args) {
    static constexpr std::byte kZero[16] = {};
    const auto* x = args.input<std::byte>(0);
    const std::byte* value = has_value ? args.input<std::byte>(2) : kZero;
    auto* y = args.output<std::byte>(0);
    const int64_t grain = std::max<int64_t>(1, kBytesPerPiece / s.row_bytes);
    if (s.rows <= grain) {
      write_rows(s, x, value, y, 0, s.rows);
    } else {
      parallel_for(
          s.rows, grain, [&](int64_t begin, int64_t end) { write_rows(s, x, value, y, begin, end); }, args.threads);
    }
    return Status();
  });
}

constexpr KernelRow kRows[] = {{.kernel = "pad", .op = "Pad", .dtypes = kMovable, .bind = bind}};

}  // namespace

extern const KernelTable kernels_pad = {kRows};

}  // namespace anyrt::cpu
