#include "opdef/matmul.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "opdef/eval.h"

namespace anyrt {
namespace {

// Blocks of B (kDepth x kCols) and of A (kRows x kDepth) are copied so that the inner kernel reads both in sequence.
constexpr int64_t kDepth = 256, kCols = 512, kRows = 64;
constexpr int64_t kTileRows = 4;

// Vectors of 16 bytes: every supported machine has them, and they are vectors at any optimisation level.
template <class T>
struct Simd {
  typedef T Vec __attribute__((vector_size(16)));
  static constexpr int64_t kLanes = 16 / sizeof(T);
  static constexpr int64_t kTileCols = 2 * kLanes;
  static Vec load(const T* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static void add_to(T* p, Vec v) {
    v += load(p);
    std::memcpy(p, &v, sizeof v);
  }
};

// c[4][tile] += a (k steps of 4 values) * b (k steps of one tile of columns).
template <class T>
void tile_kernel(int64_t k, const T* a, const T* b, T* c, int64_t c_row) {
  using S = Simd<T>;
  using Vec = typename S::Vec;
  Vec c00{}, c01{}, c10{}, c11{}, c20{}, c21{}, c30{}, c31{};
  for (int64_t p = 0; p < k; ++p, a += kTileRows, b += S::kTileCols) {
    const Vec b0 = S::load(b), b1 = S::load(b + S::kLanes);
    c00 += a[0] * b0;
    c01 += a[0] * b1;
    c10 += a[1] * b0;
    c11 += a[1] * b1;
    c20 += a[2] * b0;
    c21 += a[2] * b1;
    c30 += a[3] * b0;
    c31 += a[3] * b1;
  }
  S::add_to(c, c00), S::add_to(c + S::kLanes, c01), c += c_row;
  S::add_to(c, c10), S::add_to(c + S::kLanes, c11), c += c_row;
  S::add_to(c, c20), S::add_to(c + S::kLanes, c21), c += c_row;
  S::add_to(c, c30), S::add_to(c + S::kLanes, c31);
}

// Copies rows [0, count) of `x` (k columns) into tiles of `tile` rows, tile-wise column by column; missing rows are 0.
template <class T>
void pack(const MatrixRef<T>& x, int64_t count, int64_t k, int64_t tile, T* out) {
  for (int64_t begin = 0; begin < count; begin += tile) {
    const int64_t rows = std::min(tile, count - begin);
    const T* in = x.data + begin * x.row;
    if (rows < tile) std::fill_n(out, tile * k, T(0));
    if (x.row == 1) {
      for (int64_t p = 0; p < k; ++p) std::copy_n(in + p * x.col, rows, out + p * tile);
    } else {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t p = 0; p < k; ++p) out[p * tile + r] = in[r * x.row + p * x.col];
      }
    }
    out += tile * k;
  }
}

// c (rows x cols) += packed a * packed b; tiles at the rim go through a buffer.
template <class T>
void multiply_block(int64_t rows, int64_t cols, int64_t k, const T* a, const T* b, T* c, int64_t c_row) {
  constexpr int64_t kTileCols = Simd<T>::kTileCols;
  for (int64_t j = 0; j < cols; j += kTileCols) {
    for (int64_t i = 0; i < rows; i += kTileRows) {
      const T* ta = a + i * k;
      const T* tb = b + j * k;
      T* tc = c + i * c_row + j;
      const int64_t m = std::min(kTileRows, rows - i), n = std::min(kTileCols, cols - j);
      if (m == kTileRows && n == kTileCols) {
        tile_kernel(k, ta, tb, tc, c_row);
        continue;
      }
      T rim[kTileRows * kTileCols] = {};
      tile_kernel(k, ta, tb, rim, kTileCols);
      for (int64_t r = 0; r < m; ++r) {
        for (int64_t s = 0; s < n; ++s) tc[r * c_row + s] += rim[r * kTileCols + s];
      }
    }
  }
}

template <class T>
T dot(const T* a, const T* b, int64_t n) {
  using S = Simd<T>;
  typename S::Vec s0{}, s1{};
  int64_t i = 0;
  for (; i + S::kTileCols <= n; i += S::kTileCols) {
    s0 += S::load(a + i) * S::load(b + i);
    s1 += S::load(a + i + S::kLanes) * S::load(b + i + S::kLanes);
  }
  s0 += s1;
  T sum = 0;
  for (int64_t l = 0; l < S::kLanes; ++l) sum += s0[l];
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Few rows: packing B would cost more than the products. Columns [begin, end).
template <class T>
void multiply_rows(int64_t m, int64_t begin, int64_t end, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c,
                   int64_t c_row) {
  for (int64_t i = 0; i < m; ++i) {
    const T* row = a.data + i * a.row;
    T* out = c + i * c_row;
    if (b.row == 1 && a.col == 1) {
      for (int64_t j = begin; j < end; ++j) out[j] += dot(row, b.data + j * b.col, k);
    } else if (b.col == 1) {
      for (int64_t p = 0; p < k; ++p) {
        const T factor = row[p * a.col];
        const T* in = b.data + p * b.row;
        for (int64_t j = begin; j < end; ++j) out[j] += factor * in[j];
      }
    } else {
      for (int64_t j = begin; j < end; ++j) {
        T sum = 0;
        for (int64_t p = 0; p < k; ++p) sum += row[p * a.col] * b.data[p * b.row + j * b.col];
        out[j] += sum;
      }
    }
  }
}

template <class F>
void split(EvalContext* threads, int64_t n, int64_t grain, const F& f) {
  if (threads) {
    threads->parallel_for(n, grain, f);
  } else if (n > 0) {
    f(int64_t{0}, n);
  }
}

template <class T>
void multiply(EvalContext* threads, int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c,
              int64_t c_row, bool accumulate) {
  if (m <= 0 || n <= 0) return;
  if (!accumulate) {
    for (int64_t i = 0; i < m; ++i) std::fill_n(c + i * c_row, n, T(0));
  }
  if (k <= 0) return;
  if (m < kTileRows) {
    split(threads, n, std::max<int64_t>(64, 65536 / k), [&](int64_t begin, int64_t end) {
      constexpr int64_t kBlock = 1024;  // output columns that stay in the cache while k advances
      for (int64_t j = begin; j < end; j += kBlock) multiply_rows(m, j, std::min(end, j + kBlock), k, a, b, c, c_row);
    });
    return;
  }
  constexpr int64_t kTileCols = Simd<T>::kTileCols;
  const int64_t max_depth = std::min(k, kDepth);
  std::vector<T> packed_b(
      static_cast<size_t>((std::min(n, kCols) + kTileCols - 1) / kTileCols * kTileCols * max_depth));
  for (int64_t j = 0; j < n; j += kCols) {
    const int64_t cols = std::min(kCols, n - j);
    for (int64_t p = 0; p < k; p += kDepth) {
      const int64_t depth = std::min(kDepth, k - p);
      pack(MatrixRef<T>{b.data + p * b.row + j * b.col, b.col, b.row}, cols, depth, kTileCols, packed_b.data());
      const int64_t blocks = (m + kRows - 1) / kRows;
      split(threads, blocks, std::max<int64_t>(1, 262144 / (kRows * cols * depth)), [&](int64_t begin, int64_t end) {
        const int64_t max_rows = (std::min(m, kRows) + kTileRows - 1) / kTileRows * kTileRows;
        std::vector<T> packed_a(static_cast<size_t>(max_rows * depth));
        for (int64_t block = begin; block < end; ++block) {
          const int64_t i = block * kRows, rows = std::min(kRows, m - i);
          pack(MatrixRef<T>{a.data + i * a.row + p * a.col, a.row, a.col}, rows, depth, kTileRows, packed_a.data());
          multiply_block(rows, cols, depth, packed_a.data(), packed_b.data(), c + i * c_row + j, c_row);
        }
      });
    }
  }
}

}  // namespace

void matmul_f32(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b, float* c,
                int64_t c_row, bool accumulate) {
  multiply(threads, m, n, k, a, b, c, c_row, accumulate);
}
void matmul_f64(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<double> a, MatrixRef<double> b,
                double* c, int64_t c_row, bool accumulate) {
  multiply(threads, m, n, k, a, b, c, c_row, accumulate);
}
void matmul_u32(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<uint32_t> a, MatrixRef<uint32_t> b,
                uint32_t* c, int64_t c_row, bool accumulate) {
  multiply(threads, m, n, k, a, b, c, c_row, accumulate);
}
void matmul_u64(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<uint64_t> a, MatrixRef<uint64_t> b,
                uint64_t* c, int64_t c_row, bool accumulate) {
  multiply(threads, m, n, k, a, b, c, c_row, accumulate);
}

}  // namespace anyrt
