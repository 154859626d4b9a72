#include "devices/cpu/kernels/copy_common.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"

namespace anyrt::cpu {

namespace {

constexpr int64_t kBytesPerPiece = 1 << 16;
constexpr int64_t kTile = 16;

template <class T>
void copy_elements(const std::byte* from, int64_t from_step, std::byte* to, int64_t to_step, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    T v;
    std::memcpy(&v, from + i * from_step, sizeof(T));
    std::memcpy(to + i * to_step, &v, sizeof(T));
  }
}

struct Wide {
  uint64_t a, b;
};

void copy_strided(size_t element, const std::byte* from, int64_t from_step, std::byte* to, int64_t to_step, int64_t n) {
  switch (element) {
    case 1: return copy_elements<uint8_t>(from, from_step, to, to_step, n);
    case 2: return copy_elements<uint16_t>(from, from_step, to, to_step, n);
    case 4: return copy_elements<uint32_t>(from, from_step, to, to_step, n);
    case 8: return copy_elements<uint64_t>(from, from_step, to, to_step, n);
    default: return copy_elements<Wide>(from, from_step, to, to_step, n);
  }
}

// Columns lie side by side in the target, rows in the source. `rows` and `columns` are the sizes.
template <class T>
void transpose_tile(const std::byte* from, int64_t from_column, std::byte* to, int64_t to_row, int64_t rows,
                    int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      T v;
      std::memcpy(&v, from + c * from_column + r * static_cast<int64_t>(sizeof(T)), sizeof(T));
      std::memcpy(to + r * to_row + c * static_cast<int64_t>(sizeof(T)), &v, sizeof(T));
    }
  }
}

using Four = uint32_t __attribute__((vector_size(16)));

// 4 x 4 words in registers.
void transpose_words(const std::byte* from, int64_t from_column, std::byte* to, int64_t to_row) {
  Four a, b, c, d;
  std::memcpy(&a, from, 16);
  std::memcpy(&b, from + from_column, 16);
  std::memcpy(&c, from + 2 * from_column, 16);
  std::memcpy(&d, from + 3 * from_column, 16);
  const Four ac_low = __builtin_shufflevector(a, c, 0, 4, 1, 5), ac_high = __builtin_shufflevector(a, c, 2, 6, 3, 7);
  const Four bd_low = __builtin_shufflevector(b, d, 0, 4, 1, 5), bd_high = __builtin_shufflevector(b, d, 2, 6, 3, 7);
  const Four out0 = __builtin_shufflevector(ac_low, bd_low, 0, 4, 1, 5);
  const Four out1 = __builtin_shufflevector(ac_low, bd_low, 2, 6, 3, 7);
  const Four out2 = __builtin_shufflevector(ac_high, bd_high, 0, 4, 1, 5);
  const Four out3 = __builtin_shufflevector(ac_high, bd_high, 2, 6, 3, 7);
  std::memcpy(to, &out0, 16);
  std::memcpy(to + to_row, &out1, 16);
  std::memcpy(to + 2 * to_row, &out2, 16);
  std::memcpy(to + 3 * to_row, &out3, 16);
}

void transpose_block(size_t element, const std::byte* from, int64_t from_column, std::byte* to, int64_t to_row,
                     int64_t rows, int64_t columns) {
  switch (element) {
    case 1: return transpose_tile<uint8_t>(from, from_column, to, to_row, rows, columns);
    case 2: return transpose_tile<uint16_t>(from, from_column, to, to_row, rows, columns);
    case 8: return transpose_tile<uint64_t>(from, from_column, to, to_row, rows, columns);
    case 16: return transpose_tile<Wide>(from, from_column, to, to_row, rows, columns);
    default: break;
  }
  const int64_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
  for (int64_t r = 0; r < whole_rows; r += 4) {
    for (int64_t c = 0; c < whole_columns; c += 4)
      transpose_words(from + c * from_column + r * 4, from_column, to + r * to_row + c * 4, to_row);
  }
  if (whole_columns < columns) {
    transpose_tile<uint32_t>(from + whole_columns * from_column, from_column, to + whole_columns * 4, to_row,
                             whole_rows, columns - whole_columns);
  }
  if (whole_rows < rows)
    transpose_tile<uint32_t>(from + whole_rows * 4, from_column, to + whole_rows * to_row, to_row, rows - whole_rows,
                             columns);
}

}  // namespace

StridedCopy::StridedCopy(size_t element_bytes, const Dims& dims, const Dims& from, const Dims& to)
    : element_(element_bytes) {
  const auto bytes = static_cast<int64_t>(element_bytes);
  std::vector<Axis> axes;
  // Nothing to copy: the other sizes may be absurd.
  outer_count_ = std::find(dims.begin(), dims.end(), 0) == dims.end() ? 1 : 0;
  if (outer_count_ == 0) return;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 1) axes.push_back({dims[i], from[i] * bytes, to[i] * bytes});
  }
  // The target is written in its own order.
  std::stable_sort(axes.begin(), axes.end(),
                   [](const Axis& a, const Axis& b) { return std::abs(a.to) > std::abs(b.to); });
  std::vector<Axis> merged;
  for (const Axis& a : axes) {
    if (!merged.empty() && merged.back().from == a.from * a.size && merged.back().to == a.to * a.size) {
      merged.back() = {merged.back().size * a.size, a.from, a.to};
    } else {
      merged.push_back(a);
    }
  }
  columns_ = {1, bytes, bytes};
  if (!merged.empty()) {
    columns_ = merged.back();
    merged.pop_back();
  }
  inner_ = columns_.from == bytes && columns_.to == bytes ? Inner::kBytes : Inner::kElements;
  if (inner_ == Inner::kElements && columns_.to == bytes && columns_.from != 0) {
    for (size_t i = 0; i < merged.size(); ++i) {
      if (merged[i].from != bytes) continue;
      rows_ = merged[i];
      merged.erase(merged.begin() + static_cast<std::ptrdiff_t>(i));
      inner_ = Inner::kTranspose;
      break;
    }
  }
  if (inner_ != Inner::kTranspose && !merged.empty()) {
    rows_ = merged.back();
    merged.pop_back();
  }
  // A long lone loop is cut, so that threads can share it.
  const int64_t row_bytes = columns_.size * bytes;
  if (merged.empty() && rows_.size > 1 && rows_.size * row_bytes > 2 * kBytesPerPiece) {
    int64_t part = inner_ == Inner::kTranspose ? kTile : 1;
    while (part * row_bytes < kBytesPerPiece / 4 && part < rows_.size) part *= 2;
    if (rows_.size % part == 0) {
      merged.push_back({rows_.size / part, rows_.from * part, rows_.to * part});
      rows_.size = part;
    }
  }
  outer_ = std::move(merged);
  for (const Axis& a : outer_) outer_count_ *= a.size;
  inner_bytes_ = rows_.size * row_bytes;
}

void StridedCopy::run(const void* source, void* target, int threads) const {
  const auto* from = static_cast<const std::byte*>(source);
  auto* to = static_cast<std::byte*>(target);
  if (outer_count_ == 0) return;
  if (outer_count_ == 1) return run_inner(from, to);
  const int64_t grain = std::max<int64_t>(1, kBytesPerPiece / std::max<int64_t>(1, inner_bytes_));
  if (grain >= outer_count_) return run_part(from, to, 0, outer_count_);
  parallel_for(
      outer_count_, grain, [&](int64_t begin, int64_t end) { run_part(from, to, begin, end); }, threads);
}

void StridedCopy::run_part(const std::byte* source, std::byte* target, int64_t begin, int64_t end) const {
  constexpr size_t kMost = 64;
  int64_t at[kMost] = {};
  const size_t rank = outer_.size();
  int64_t rest = begin;
  for (size_t a = rank; a-- > 0;) {
    at[a] = rest % outer_[a].size;
    rest /= outer_[a].size;
    source += at[a] * outer_[a].from;
    target += at[a] * outer_[a].to;
  }
  for (int64_t i = begin; i < end; ++i) {
    run_inner(source, target);
    for (size_t a = rank; a-- > 0;) {
      source += outer_[a].from;
      target += outer_[a].to;
      if (++at[a] < outer_[a].size) break;
      at[a] = 0;
      source -= outer_[a].from * outer_[a].size;
      target -= outer_[a].to * outer_[a].size;
    }
  }
}

void StridedCopy::run_inner(const std::byte* source, std::byte* target) const {
  if (inner_ == Inner::kTranspose) {
    for (int64_t r = 0; r < rows_.size; r += kTile) {
      for (int64_t c = 0; c < columns_.size; c += kTile) {
        transpose_block(element_, source + r * rows_.from + c * columns_.from, columns_.from,
                        target + r * rows_.to + c * columns_.to, rows_.to, std::min(kTile, rows_.size - r),
                        std::min(kTile, columns_.size - c));
      }
    }
    return;
  }
  for (int64_t r = 0; r < rows_.size; ++r, source += rows_.from, target += rows_.to) {
    if (inner_ == Inner::kBytes) {
      std::memcpy(target, source, static_cast<size_t>(columns_.size) * element_);
    } else {
      copy_strided(element_, source, columns_.from, target, columns_.to, columns_.size);
    }
  }
}

}  // namespace anyrt::cpu
