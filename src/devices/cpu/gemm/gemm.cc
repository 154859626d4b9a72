#include "devices/cpu/gemm/gemm.h"

#include <algorithm>
#include <cstring>

#include "base/cpu.h"
#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"

namespace anyrt::cpu {
namespace {

constexpr int64_t kMinPiece = 16000;     // of work, in vectors pairs times k (about cycles): less is not worth a thread
constexpr int64_t kPiecesPerThread = 4;  // so that a slow thread does not hold up the others
constexpr int64_t kFewColumns = 4;       // or rows: products along k, without panels

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

GemmKernels kernels_of([[maybe_unused]] DType dtype, [[maybe_unused]] DType b_dtype) {
#if ANYRT_FLOAT64_KERNELS
  if (dtype == DType::kFloat64) return gemm_kernels_f64();
#endif
#if ANYRT_FLOAT16_KERNELS
  if (b_dtype == DType::kFloat16) return gemm_kernels_f16();
  if (b_dtype == DType::kBFloat16) return gemm_kernels_bf16();
#endif
  return gemm_kernels_f32();
}

}  // namespace

PackedMatrices packed_form(DType dtype, int64_t k, int64_t n, int64_t count) {
  PackedMatrices p;
  p.dtype = dtype;
  p.k = k;
  p.n = n;
  p.count = count;
  if (n <= kFewColumns && (dtype == DType::kFloat32 || dtype == DType::kFloat64)) {
    p.form = GemmB::kPlain;
    p.stride = static_cast<size_t>(n * k) * element_size(dtype);
  } else {
    p.panel = kernels_of(dtype, dtype).panel;
    p.stride = static_cast<size_t>(ceil_div(n, p.panel) * p.panel * k) * element_size(dtype);
  }
  return p;
}

void pack_into(const PackedMatrices& p, const void* b, int64_t row, int64_t col, int64_t step, std::byte* to) {
  const size_t element = element_size(p.dtype);
  const int64_t k = p.k, n = p.n;
  if (p.form == GemmB::kPlain) {
    for (int64_t i = 0; i < p.count * n * k; ++i) {
      const int64_t matrix = i / (n * k), j = i / k % n, at = matrix * step + i % k * row + j * col;
      std::memcpy(to + static_cast<size_t>(i) * element,
                  static_cast<const std::byte*>(b) + static_cast<size_t>(at) * element, element);
    }
    return;
  }
  const GemmKernels kernels = kernels_of(p.dtype, p.dtype);
  const int64_t panels = ceil_div(n, p.panel);
  parallel_for(p.count * panels, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, k * p.panel)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end;) {
                   const int64_t matrix = i / panels, first = i % panels, last = std::min(panels, first + end - i);
                   kernels.pack(static_cast<const std::byte*>(b) + static_cast<size_t>(matrix * step) * element, row,
                                col, k, n, to + static_cast<size_t>(matrix) * p.stride, first, last);
                   i += last - first;
                 }
               });
}

Expected<PackedMatrices> pack_matrices(const Tensor& b, int64_t row, int64_t col, int64_t k, int64_t n, int64_t count,
                                       int64_t step, PackedStore* store) {
  PackedMatrices p = packed_form(b.dtype(), k, n, count);
  const auto fill = [&](std::byte* to) {
    pack_into(p, b.raw(), row, col, step, to);
    return Status();
  };
  ANYRT_ASSIGN(p.bytes, take_packed(store, p.stride * static_cast<size_t>(count), fill));
  return p;
}

void unpack_matrices(const PackedMatrices& p, int64_t row, int64_t col, int64_t step, void* b) {
  const size_t element = element_size(p.dtype);
  for (int64_t m = 0; m < p.count; ++m) {
    const std::byte* from = p.bytes->data() + static_cast<size_t>(m) * p.stride;
    std::byte* to = static_cast<std::byte*>(b) + static_cast<size_t>(m * step) * element;
    for (int64_t j = 0; j < p.n; ++j) {
      const bool panels = p.form == GemmB::kPanels;
      const int64_t first = panels ? j / p.panel * p.panel * p.k + j % p.panel : j * p.k, along = panels ? p.panel : 1;
      for (int64_t k = 0; k < p.k; ++k) {
        std::memcpy(to + static_cast<size_t>(k * row + j * col) * element,
                    from + static_cast<size_t>(first + k * along) * element, element);
      }
    }
  }
}

void GemmProblem::set_packed(const PackedMatrices& b) {
  b_form = b.form;
  b_dtype = b.dtype;
  b_row = 1;
  b_col = b.k;
  for (int64_t& at : b_at) at *= static_cast<int64_t>(b.stride / element_size(b.dtype));
}

Gemm::Gemm(GemmProblem problem) : p_(std::move(problem)) {
  if (p_.b_form == GemmB::kPlain) p_.b_dtype = p_.dtype;
  kernels_ = kernels_of(p_.dtype, p_.b_dtype);
  count_ = static_cast<int64_t>(std::max({p_.a_at.size(), p_.b_at.size(), p_.c_at.size(), size_t{1}}));
  const bool side_by_side = p_.b_form == GemmB::kPlain && (p_.b_row == 1 || p_.k == 1) && (p_.a_col == 1 || p_.k == 1);
  dot_ = side_by_side && (p_.n <= kFewColumns || p_.m <= kFewColumns);
  slots_ = slot_count();
  const size_t element = element_size(p_.dtype);
  if (!dot_) {
    GemmBlock whole;
    whole.m = p_.m, whole.n = p_.n, whole.a_row = p_.a_row, whole.a_col = p_.a_col;
    if (p_.b_form == GemmB::kPlain) {
      b_panels_ = std::clamp<int64_t>(ceil_div(p_.n, kernels_.panel), 1, kGemmMostPanels);
    } else if (p_.b_dtype != p_.dtype) {
      b_panels_ = 1;
    }
    b_bytes_ = static_cast<size_t>(b_panels_ * std::min(p_.k, kGemmDepth) * kernels_.panel) * element;
    if (gemm_packs_a(whole, kernels_, element))
      a_bytes_ = static_cast<size_t>(kGemmRowBlock * (kGemmDepth + kGemmRowPad)) * element;
  }
  for (int t = 1; t <= static_cast<int>(slots_); ++t) splits_.push_back(best_split(t));
}

// The split after which the last thread is done first, by a simple count of the work.
Gemm::Split Gemm::best_split(int threads) const {
  const int64_t unit = dot_ ? 4 : kernels_.panel, units = ceil_div(p_.n, unit);
  // A row of a few costs as much as three: B has to be read. A plain B is copied by each piece of rows.
  const int64_t copy = !dot_ && p_.b_form == GemmB::kPlain && p_.m > kernels_.tile_rows ? 4 : 0;
  const auto cost = [&](int64_t rows, int64_t columns) { return (std::max<int64_t>(rows, 3) + copy) * columns * p_.k; };
  const int64_t total = cost(p_.m, units) * count_;
  Split best;
  if (threads == 1 || total < 2 * kMinPiece || count_ >= threads * kPiecesPerThread) return best;
  const int64_t most = std::min(threads * kPiecesPerThread, total / kMinPiece);
  int64_t best_time = INT64_MAX;
  for (int64_t r = 1; r <= std::min(most, ceil_div(p_.m, 4)); ++r) {
    for (int64_t c = 1; c <= std::min(most, units) && r * c * count_ <= std::max(most, count_); ++c) {
      const int64_t rounds = ceil_div(r * c * count_, threads);
      const int64_t time = rounds * cost(ceil_div(p_.m, r), ceil_div(units, c));
      // Equal times: more pieces even out what is not foreseen, but fewer of rows read B less often.
      if (time < best_time || (time == best_time && r == best.rows)) {
        best_time = time;
        best = {r, c};
      }
    }
  }
  return best;
}

void Gemm::run(const void* a, const void* b, void* c, const GemmFinish& finish, std::byte* scratch, int threads) const {
  if (threads <= 0) threads = default_thread_count();
  threads = std::min(threads, static_cast<int>(slots_));
  const Split split = splits_[static_cast<size_t>(threads - 1)];
  const int64_t unit = dot_ ? 4 : kernels_.panel, units = ceil_div(p_.n, unit);
  const size_t element = element_size(p_.dtype), b_element = element_size(p_.b_dtype);
  const int64_t pieces = split.rows * split.columns;
  Slots slots(slots_);
  const auto piece = [&](int64_t index, std::byte* mine) {
    const int64_t matrix = index / pieces, i = index % pieces / split.columns, j = index % split.columns;
    const int64_t row = p_.m * i / split.rows, row_end = p_.m * (i + 1) / split.rows;
    const int64_t panel = units * j / split.columns, column = panel * unit,
                  column_end = std::min(p_.n, units * (j + 1) / split.columns * unit);
    const size_t at = static_cast<size_t>(matrix);
    const auto offset = [&](const std::vector<int64_t>& list) { return list.empty() ? 0 : list[at]; };
    GemmBlock g;
    g.m = row_end - row;
    g.n = column_end - column;
    g.k = p_.k;
    g.a = static_cast<const std::byte*>(a) + static_cast<size_t>(offset(p_.a_at) + row * p_.a_row) * element;
    g.a_row = p_.a_row;
    g.a_col = p_.a_col;
    g.b_form = p_.b_form;
    const std::byte* from = static_cast<const std::byte*>(b);
    const int64_t along = p_.b_form == GemmB::kPanels ? p_.k : p_.b_col;
    g.b = from + static_cast<size_t>(offset(p_.b_at) + column * along) * b_element;
    g.b_row = p_.b_row;
    g.b_col = p_.b_col;
    g.c = static_cast<std::byte*>(c) + static_cast<size_t>(offset(p_.c_at) + row * p_.c_row + column) * element;
    g.c_row = p_.c_row;
    g.thin = p_.m <= kGemmThinRows;
    g.finish = finish;
    g.batch = matrix;
    g.row = row;
    g.col = column;
    if (b_bytes_ > 0) g.b_scratch = mine, g.b_panels = b_panels_;
    if (a_bytes_ > 0 && gemm_packs_a(g, kernels_, element)) g.a_scratch = mine + b_bytes_;
    if (dot_) {
      kernels_.dot(g);
    } else {
      kernels_.multiply(g);
    }
  };
  const int64_t total = pieces * count_;
  if (total == 1 || threads == 1) {
    for (int64_t i = 0; i < total; ++i) piece(i, scratch);
    return;
  }
  const int64_t work = std::max<int64_t>(1, std::max<int64_t>(p_.m, 3) * units * p_.k / pieces);
  parallel_for(
      total, ceil_div(kMinPiece, work),
      [&](int64_t begin, int64_t end) {
        const size_t slot = slots.take();
        for (int64_t i = begin; i < end; ++i) piece(i, scratch + slot * (a_bytes_ + b_bytes_));
        slots.give_back(slot);
      },
      threads);
}

}  // namespace anyrt::cpu
