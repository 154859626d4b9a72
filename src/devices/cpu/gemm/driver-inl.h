// Blocking, packing and the choice of tiles, compiled once per instruction set: included inside foreach_target.

#if defined(ANYRT_CPU_GEMM_DRIVER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_GEMM_DRIVER_INL_H_
#undef ANYRT_CPU_GEMM_DRIVER_INL_H_
#else
#define ANYRT_CPU_GEMM_DRIVER_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "devices/cpu/gemm/block.h"
#include "devices/cpu/gemm/micro-inl.h"
#include "devices/cpu/gemm/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kStreamColumns = 128;  // of a plain B, from which on a panel of it is scattered over memory
constexpr size_t kThinRows = kGemmThinRows;
constexpr int64_t kPrefetchBytes = 1 << 20;  // of B, from which on it does not lie in the second level

template <class T>
int64_t panel_width() {
  return 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
}
template <class T, class TB>
using TileFn = void (*)(const Tile<T, TB>&);

// Products of few rows have tiles of their own, and tables of them: how an element is summed must not depend on how
// the rows are split. Stored numbers are converted in registers there, else a panel at a time before: then TB is T.
template <class T, class TB, int V, size_t... R>
constexpr std::array<TileFn<T, TB>, kThinRows> thin_table(std::index_sequence<R...>) {
  return {thin_tile<static_cast<int>(R) + 1, V, T, TB>...};
}
template <class T, class TB>
constexpr std::array<std::array<TileFn<T, TB>, kThinRows>, 2> kThinTiles = {
    thin_table<T, TB, 1>(std::make_index_sequence<kThinRows>()),
    thin_table<T, TB, 2>(std::make_index_sequence<kThinRows>())};
template <class T, int V, size_t... R>
constexpr std::array<TileFn<T, T>, kTileRows> tile_table(std::index_sequence<R...>) {
  return {tile<static_cast<int>(R) + 1, V, T>...};
}
template <class T>
constexpr std::array<std::array<TileFn<T, T>, kTileRows>, 2> kTiles = {
    tile_table<T, 1>(std::make_index_sequence<kTileRows>()), tile_table<T, 2>(std::make_index_sequence<kTileRows>())};

// `depth` rows and `live` columns of B as a panel of `width` columns.
template <class TB>
void pack_panel(const TB* b, int64_t b_row, int64_t b_col, int64_t depth, int64_t live, int64_t width, TB* to) {
  if (b_col == 1) {
    for (int64_t k = 0; k < depth; ++k, to += width) {
      std::memcpy(to, b + k * b_row, static_cast<size_t>(live) * sizeof(TB));
      if (live < width) std::memset(to + live, 0, static_cast<size_t>(width - live) * sizeof(TB));
    }
    return;
  }
  if constexpr (std::is_same_v<TB, float>) {
    if (b_row == 1) {
      transpose(b, b_col, live, depth, to, width);
      for (int64_t k = 0; k < depth; ++k) std::fill(to + k * width + live, to + (k + 1) * width, 0.0f);
      return;
    }
  }
  int64_t j = 0;
  for (; j < live; ++j) {
    for (int64_t k = 0; k < depth; ++k) to[k * width + j] = b[k * b_row + j * b_col];
  }
  for (; j < width; ++j) {
    for (int64_t k = 0; k < depth; ++k) std::memset(to + k * width + j, 0, sizeof(TB));
  }
}

// The same for `columns` columns whose rows lie side by side, as panels one after the other.
template <class T>
void pack_panels(const T* b, int64_t b_row, int64_t depth, int64_t columns, T* to) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), width = 2 * lanes, panel = depth * width;
  for (int64_t k = 0; k < depth; ++k) {
    const T* from = b + k * b_row;
    T* out = to + k * width;
    int64_t j = 0;
    for (; j + width <= columns; j += width, out += panel) {
      hn::StoreU(hn::LoadU(d, from + j), d, out);
      hn::StoreU(hn::LoadU(d, from + j + lanes), d, out + lanes);
    }
    if (j == columns) continue;
    std::memcpy(out, from + j, static_cast<size_t>(columns - j) * sizeof(T));
    std::fill(out + columns - j, out + width, T(0));
  }
}

template <class TB, class T>
void widen_panel(const TB* from, int64_t n, T* to) {
  const hn::ScalableTag<T> d;
  for (int64_t i = 0; i < n; i += static_cast<int64_t>(hn::Lanes(d))) hn::StoreU(load_b(d, from + i), d, to + i);
}

template <class T, class TB>
void pack(const void* b, int64_t b_row, int64_t b_col, int64_t k, int64_t n, void* to, int64_t begin, int64_t end) {
  const int64_t width = panel_width<T>();
  for (int64_t p = begin; p < end; ++p) {
    pack_panel(static_cast<const TB*>(b) + p * width * b_col, b_row, b_col, k, std::min(width, n - p * width), width,
               static_cast<TB*>(to) + p * width * k);
  }
}

// A panel of a block along k times `rows` rows of A, by tiles of even height.
template <class T>
struct PanelRun {
  const GemmBlock& g;
  T* c;  // first row and column
  int64_t rows, row0, col0, live;
  bool last;                   // the sums are complete afterwards
  const void* next = nullptr;  // the panel to come, to be fetched meanwhile
  int64_t next_bytes = 0;

  template <class TB>
  void operator()(Tile<T, TB> t) const {
    const int64_t lanes = panel_width<T>() / 2;
    const auto tile_of = [&](int64_t height) -> TileFn<T, TB> {
      const size_t v = live > lanes ? 1 : 0, r = static_cast<size_t>(height - 1);
      if constexpr (std::is_same_v<T, TB>) {
        if (!g.thin) return kTiles<T>[v][r];
      }
      return kThinTiles<T, TB>[v][r];
    };
    const int64_t count = (rows + kTileRows - 1) / kTileRows, least = rows / count, more = rows % count;
    // Even over all tiles, in whole lines a step.
    const int64_t steps = count * ((t.depth + kFetchStep - 1) / kFetchStep);
    t.fetch_lines = next ? (next_bytes + 64 * steps - 1) / (64 * steps) : 0;
    const char* const fetch_end = static_cast<const char*>(next) + next_bytes;
    t.fetch = static_cast<const char*>(next);
    const T* a = t.a;
    int64_t row = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t height = least + (i < more ? 1 : 0);
      t.a = a + row * t.a_row;
      t.c = c + row * t.c_row;
      t.live = live;
      tile_of(height)(t);
      if (last && g.finish.fn)
        g.finish.fn(g.finish.context, t.c, t.c_row, g.batch, g.row + row0 + row, height, g.col + col0, live);
      row += height;
      if (t.fetch_lines == 0) continue;
      t.fetch += 64 * t.fetch_lines * ((t.depth + kFetchStep - 1) / kFetchStep);
      if (t.fetch >= fetch_end) t.fetch_lines = 0;
    }
  }
};

// Few rows times a plain B of many columns: rows of B are read from end to end, some at a time, and C is added to.
template <class T>
void stream_rows(const GemmBlock& g) {
  constexpr int64_t kRowsAtOnce = 8;
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t k0 = 0; k0 < g.k; k0 += kRowsAtOnce) {
    const int64_t depth = std::min(kRowsAtOnce, g.k - k0);
    const T* b = static_cast<const T*>(g.b) + k0 * g.b_row;
    for (int64_t i = 0; i < g.m; ++i) {
      const T* a = static_cast<const T*>(g.a) + i * g.a_row + k0 * g.a_col;
      T* c = static_cast<T*>(g.c) + i * g.c_row;
      int64_t j = 0;
      if (depth == kRowsAtOnce) {
        const auto a0 = hn::Set(d, a[0]), a1 = hn::Set(d, a[g.a_col]), a2 = hn::Set(d, a[2 * g.a_col]),
                   a3 = hn::Set(d, a[3 * g.a_col]), a4 = hn::Set(d, a[4 * g.a_col]), a5 = hn::Set(d, a[5 * g.a_col]),
                   a6 = hn::Set(d, a[6 * g.a_col]), a7 = hn::Set(d, a[7 * g.a_col]);
        for (; j + lanes <= g.n; j += lanes) {
          auto sum = k0 > 0 || g.accumulate ? hn::LoadU(d, c + j) : hn::Zero(d);
          const T* p = b + j;
          sum = hn::MulAdd(a0, hn::LoadU(d, p), sum);
          sum = hn::MulAdd(a1, hn::LoadU(d, p + g.b_row), sum);
          sum = hn::MulAdd(a2, hn::LoadU(d, p + 2 * g.b_row), sum);
          sum = hn::MulAdd(a3, hn::LoadU(d, p + 3 * g.b_row), sum);
          sum = hn::MulAdd(a4, hn::LoadU(d, p + 4 * g.b_row), sum);
          sum = hn::MulAdd(a5, hn::LoadU(d, p + 5 * g.b_row), sum);
          sum = hn::MulAdd(a6, hn::LoadU(d, p + 6 * g.b_row), sum);
          sum = hn::MulAdd(a7, hn::LoadU(d, p + 7 * g.b_row), sum);
          hn::StoreU(sum, d, c + j);
        }
      } else {
        for (; j + lanes <= g.n; j += lanes) {
          auto sum = k0 > 0 || g.accumulate ? hn::LoadU(d, c + j) : hn::Zero(d);
          for (int64_t k = 0; k < depth; ++k)
            sum = hn::MulAdd(hn::Set(d, a[k * g.a_col]), hn::LoadU(d, b + k * g.b_row + j), sum);
          hn::StoreU(sum, d, c + j);
        }
      }
      for (; j < g.n; ++j) {
        T sum = k0 > 0 || g.accumulate ? c[j] : T(0);
        for (int64_t k = 0; k < depth; ++k) sum = std::fma(a[k * g.a_col], b[k * g.b_row + j], sum);
        c[j] = sum;
      }
    }
  }
  if (g.finish.fn) g.finish.fn(g.finish.context, g.c, g.c_row, g.batch, g.row, g.m, g.col, g.n);
}

// Some rows of a block along k of A, copied where there is room for that.
template <class T>
struct RowsOfA {
  const T* a;
  int64_t a_row, a_col;

  RowsOfA(const GemmBlock& g, int64_t row0, int64_t rows, int64_t k0, int64_t depth)
      : a(static_cast<const T*>(g.a) + row0 * g.a_row + k0 * g.a_col), a_row(g.a_row), a_col(g.a_col) {
    T* const store = static_cast<T*>(g.a_scratch);
    if (!store) return;
    if (a_col == 1) {
      a_row = depth + kGemmRowPad;
      for (int64_t i = 0; i < rows; ++i)
        std::memcpy(store + i * a_row, a + i * g.a_row, static_cast<size_t>(depth) * sizeof(T));
    } else if (a_row == 1) {
      for (int64_t k = 0; k < depth; ++k)
        std::memcpy(store + k * rows, a + k * g.a_col, static_cast<size_t>(rows) * sizeof(T));
      a_col = rows;
    } else {
      for (int64_t k = 0; k < depth; ++k) {
        for (int64_t i = 0; i < rows; ++i) store[k * rows + i] = a[i * g.a_row + k * g.a_col];
      }
      a_row = 1;
      a_col = rows;
    }
    a = store;
  }
};

// Tiles of some rows over some panels of B, `panel` elements apart, a row of tiles after the other: the rows of C are
// written, and finished, in long runs.
template <class T>
void tile_rows(const GemmBlock& g, const RowsOfA<T>& a, int64_t row0, int64_t rows, const T* b, int64_t panel,
               int64_t j0, int64_t columns, int64_t k0, int64_t depth) {
  const int64_t width = panel_width<T>(), lanes = width / 2;
  const int64_t count = (rows + kTileRows - 1) / kTileRows;
  const bool last = k0 + depth == g.k && g.finish.fn;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = i * rows / count, height = (i + 1) * rows / count - row;
    T* const c = static_cast<T*>(g.c) + (row0 + row) * g.c_row + j0;
    for (int64_t j = 0; j < columns; j += width) {
      const int64_t live = std::min(width, columns - j);
      kTiles<T>[live > lanes ? 1 : 0][static_cast<size_t>(height - 1)](
          Tile<T, T>{a.a + row * a.a_row, a.a_row, a.a_col, b + j / width * panel, width, depth, c + j, g.c_row, live,
                     k0 > 0 || g.accumulate});
    }
    if (last) g.finish.fn(g.finish.context, c, g.c_row, g.batch, g.row + row0 + row, height, g.col + j0, columns);
  }
}

// Many rows times few panels of B, which are copied first where B is plain.
template <class T>
void multiply_wide(const GemmBlock& g) {
  const int64_t width = panel_width<T>();
  const int64_t row_blocks = (g.m + kGemmRowBlock - 1) / kGemmRowBlock;
  T* const store = static_cast<T*>(g.b_scratch);
  const bool packed = g.b_form == GemmB::kPanels;
  const int64_t group = packed ? kGemmMostPanels : g.b_panels;
  for (int64_t j0 = 0; j0 < g.n; j0 += group * width) {
    const int64_t columns = std::min(group * width, g.n - j0);
    for (int64_t k0 = 0; k0 < g.k; k0 += kGemmDepth) {
      const int64_t depth = std::min(kGemmDepth, g.k - k0);
      const T* b = static_cast<const T*>(g.b);
      if (packed) {
        b += j0 * g.k + k0 * width;
      } else {
        b += k0 * g.b_row + j0 * g.b_col;
        if (g.b_col == 1) {
          pack_panels(b, g.b_row, depth, columns, store);
        } else {
          for (int64_t j = 0; j < columns; j += width) {
            pack_panel(b + j * g.b_col, g.b_row, g.b_col, depth, std::min(width, columns - j), width,
                       store + j * depth);
          }
        }
        b = store;
      }
      for (int64_t block = 0; block < row_blocks; ++block) {
        const int64_t row0 = block * g.m / row_blocks, rows = (block + 1) * g.m / row_blocks - row0;
        const RowsOfA<T> from(g, row0, rows, k0, depth);
        tile_rows<T>(g, from, row0, rows, b, width * (packed ? g.k : depth), j0, columns, k0, depth);
      }
    }
  }
}

template <class T, class TB>
void multiply(const GemmBlock& g) {
  T* const c = static_cast<T*>(g.c);
  if (g.m == 0 || g.n == 0) return;
  if (g.k == 0) {
    for (int64_t i = 0; i < g.m && !g.accumulate; ++i) std::fill_n(c + i * g.c_row, g.n, T(0));
    if (g.finish.fn) g.finish.fn(g.finish.context, c, g.c_row, g.batch, g.row, g.m, g.col, g.n);
    return;
  }
  if constexpr (std::is_same_v<T, TB>) {
    if (g.thin && g.b_form == GemmB::kPlain && g.b_col == 1 && g.b_row >= kStreamColumns) return stream_rows<T>(g);
  }
  const int64_t width = panel_width<T>(), lanes = width / 2;
  const bool packed = g.b_form == GemmB::kPanels;
  T* const b_store = static_cast<T*>(g.b_scratch);
  const int64_t row_blocks = (g.m + kGemmRowBlock - 1) / kGemmRowBlock;
  const bool short_c = g.m <= kTileRows;
  if constexpr (std::is_same_v<T, TB>) {
    if (!short_c && (!packed || g.n <= kGemmMostPanels * width)) return multiply_wide<T>(g);
  }
  const bool fetch = packed && !short_c && g.k * g.n * static_cast<int64_t>(sizeof(TB)) > kPrefetchBytes;
  const auto b_at = [&](int64_t j, int64_t k0) {
    return packed ? static_cast<const TB*>(g.b) + j * g.k + k0 * width
                  : static_cast<const TB*>(g.b) + k0 * g.b_row + j * g.b_col;
  };
  for (int64_t block = 0; block < row_blocks; ++block) {
    const int64_t row0 = block * g.m / row_blocks, rows = (block + 1) * g.m / row_blocks - row0;
    const auto panel = [&](const T* a, int64_t a_row, int64_t a_col, int64_t k0, int64_t depth, int64_t j) {
      const int64_t live = std::min(width, g.n - j);
      const TB* const b = b_at(j, k0);
      PanelRun<T> run{g, c + row0 * g.c_row + j, rows, row0, j, live, k0 + depth == g.k};
      if (fetch) {
        run.next = j + width < g.n ? b_at(j + width, k0) : b_at(0, k0 + depth < g.k ? k0 + depth : 0);
        run.next_bytes = depth * width * static_cast<int64_t>(sizeof(TB));
      }
      if constexpr (!std::is_same_v<T, TB>) {
        if (!g.thin) {
          widen_panel(b, depth * width, b_store);
          run(Tile<T, T>{a, a_row, a_col, b_store, width, depth, nullptr, g.c_row, live, k0 > 0 || g.accumulate});
          return;
        }
      } else if (!packed && (g.b_col != 1 || (live != width && live != lanes))) {
        pack_panel(b, g.b_row, g.b_col, depth, live, width, b_store);
        run(Tile<T, T>{a, a_row, a_col, b_store, width, depth, nullptr, g.c_row, live, k0 > 0 || g.accumulate});
        return;
      }
      run(Tile<T, TB>{a, a_row, a_col, b, packed ? width : g.b_row, depth, nullptr, g.c_row, live,
                      k0 > 0 || g.accumulate});
    };
    const T* const a = static_cast<const T*>(g.a) + row0 * g.a_row;
    if (short_c) {
      for (int64_t j = 0; j < g.n; j += width) {
        for (int64_t k0 = 0; k0 < g.k; k0 += kGemmDepth)
          panel(a + k0 * g.a_col, g.a_row, g.a_col, k0, std::min(kGemmDepth, g.k - k0), j);
      }
      continue;
    }
    for (int64_t k0 = 0; k0 < g.k; k0 += kGemmDepth) {
      const int64_t depth = std::min(kGemmDepth, g.k - k0);
      const RowsOfA<T> from(g, row0, rows, k0, depth);
      for (int64_t j = 0; j < g.n; j += width) panel(from.a, from.a_row, from.a_col, k0, depth, j);
    }
  }
}

// Products of rows that both lie side by side along k: of many (4 at a time) with few.
template <class T>
void dot(const GemmBlock& g) {
  const T *a = static_cast<const T*>(g.a), *b = static_cast<const T*>(g.b);
  T* const c = static_cast<T*>(g.c);
  const bool many_rows = g.m >= g.n;
  const T *const many = many_rows ? a : b, *const few = many_rows ? b : a;
  const int64_t many_step = many_rows ? g.a_row : g.b_col, few_step = many_rows ? g.b_col : g.a_row;
  const int64_t many_out = many_rows ? g.c_row : 1, few_out = many_rows ? 1 : g.c_row;
  const int64_t many_count = std::max(g.m, g.n), few_count = std::min(g.m, g.n);
  for (int64_t i = 0; i < many_count; i += 4) {
    const int64_t rows = std::min<int64_t>(4, many_count - i);
    const T* x = many + i * many_step;
    for (int64_t j = 0; j < few_count; ++j) {
      T out[4];
      const T* y = few + j * few_step;
      switch (rows) {
        case 1: dot_rows<1>(x, many_step, y, g.k, out); break;
        case 2: dot_rows<2>(x, many_step, y, g.k, out); break;
        case 3: dot_rows<3>(x, many_step, y, g.k, out); break;
        default: dot_rows<4>(x, many_step, y, g.k, out); break;
      }
      for (int64_t r = 0; r < rows; ++r) c[(i + r) * many_out + j * few_out] = out[r];
    }
  }
  if (g.finish.fn) g.finish.fn(g.finish.context, c, g.c_row, g.batch, g.row, g.m, g.col, g.n);
}

template <class T, class TB>
GemmKernels kernels() {
  return {panel_width<T>(), kTileRows, multiply<T, TB>, dot<T>, pack<T, TB>};
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
