#include "devices/cpu/attention/core.h"

#include <algorithm>
#include <limits>

#include "base/threads.h"
#include "devices/cpu/attention/softmax.h"
#include "devices/cpu/gemm/gemm.h"
#include "devices/cpu/gemm/slots.h"

namespace anyrt::cpu {
namespace {

constexpr int64_t kKeyBlock = 128;  // scores of a block stay in the first-level cache
constexpr int64_t kFewRows = 4;     // up to which a row of scores at a time is better than a tile
constexpr float kInfinity = std::numeric_limits<float>::infinity();

int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

}  // namespace

// The queries [first, first + rows) of those that share the keys of head `kv_head`: query t of the head number i of its
// group is row i * queries + t.
struct Attention::Task {
  const AttentionData& data;
  int64_t batch, kv_head, first, rows;
  int64_t old, fresh;  // keys

  int64_t keys() const { return old + fresh; }
};

Attention::Attention(const AttentionSpec& spec)
    : s_(spec), kernels_(gemm_kernels_f32()), f_(attention_functions()), slots_(slot_count()) {
  const AttentionSizes& n = s_.sizes;
  rows_ = n.heads / n.kv_heads * n.queries;
  few_ = rows_ <= kFewRows;
  tile_ = few_ ? rows_ : kernels_.panel;
  const int64_t keys = round_up(n.old_keys + n.new_keys, 64);
  int64_t floats = tile_ * (n.head + n.v_head + 3 * kKeyBlock + 4) + kKeyBlock;
  if (few_) floats = (rows_ + 2) * keys + kernels_.panel * kGemmDepth;
  slot_bytes_ = static_cast<size_t>(round_up(floats, 16)) * sizeof(float);
}

namespace {

// Values of the mask for one query and the keys [first, first + n), as numbers that are added.
void read_mask(const AttentionMask& mask, const void* data, int64_t offset, int64_t first, int64_t n, float* out) {
  const int64_t given = std::clamp<int64_t>(mask.keys - first, 0, n);
  if (mask.kind == AttentionMask::Kind::kBool) {
    const bool* in = static_cast<const bool*>(data) + offset + first;
    for (int64_t j = 0; j < given; ++j) out[j] = in[j] ? 0.0f : -kInfinity;
  } else {
    std::copy_n(static_cast<const float*>(data) + offset + first, given, out);
  }
  std::fill(out + given, out + n, mask.hides_rest ? -kInfinity : 0.0f);
}

struct Range {
  int64_t from = 0, to = 0;
};

// Keys that query t sees.
Range visible(const AttentionSpec& s, const AttentionData& data, int64_t batch, int64_t t, int64_t old, int64_t fresh) {
  Range r{0, old + fresh};
  if (data.fresh && t >= fresh) return {0, 0};
  if (s.causal) r.to = std::min(r.to, old + t + 1);
  if (s.window > 0) r.from = std::max<int64_t>(0, r.to - s.window);
  if (data.total) r.to = std::min(r.to, std::clamp<int64_t>(data.total[batch], 0, old + fresh));
  return r;
}

}  // namespace

void Attention::run(const AttentionData& data, std::byte* scratch, int threads) const {
  const AttentionSizes& n = s_.sizes;
  if (n.batch == 0 || n.heads == 0 || n.queries == 0 || n.v_head == 0) return;
  if (threads <= 0) threads = default_thread_count();
  const int64_t tiles = (rows_ + tile_ - 1) / tile_, tasks = n.batch * n.kv_heads * tiles;
  const auto one = [&](int64_t i, std::byte* mine) {
    const int64_t b = i / (n.kv_heads * tiles), first = i % tiles * tile_;
    const Task task{data,
                    b,
                    i / tiles % n.kv_heads,
                    first,
                    std::min(tile_, rows_ - first),
                    data.old ? data.old[b] : n.old_keys,
                    data.fresh ? data.fresh[b] : n.new_keys};
    few_ ? run_few(task, reinterpret_cast<float*>(mine)) : run_tile(task, reinterpret_cast<float*>(mine));
  };
  const int64_t work = std::max<int64_t>(1, tile_ * (n.old_keys + n.new_keys) * (n.head + n.v_head) / 32);
  Slots slots(slots_);
  parallel_for(
      tasks, std::max<int64_t>(1, 8000 / work),
      [&](int64_t begin, int64_t end) {
        const size_t slot = slots.take();
        for (int64_t i = begin; i < end; ++i) one(i, scratch + slot * slot_bytes_);
        slots.give_back(slot);
      },
      std::min(threads, static_cast<int>(slots_)));
}

// Queries stand side by side: S = K Q^T for a block of keys, then P, then results += V^T P; K and V are read where they
// lie.
void Attention::run_tile(const Task& task, float* scratch) const {
  const AttentionSizes& n = s_.sizes;
  const AttentionData& data = task.data;
  const int64_t group = n.heads / n.kv_heads, width = tile_, b = task.batch;
  float *const q = scratch, *const results = q + n.head * width, *const scores = results + n.v_head * width,
               *const most = scores + kKeyBlock * width, *const sum = most + width, *const from = sum + width,
               *const to = from + width, *const mask_rows = to + width,
               *const mask_columns = mask_rows + kKeyBlock * width, *const mask_keys = mask_columns + kKeyBlock * width;
  std::fill_n(q, n.head * width, 0.0f);
  std::fill_n(sum, width, 0.0f);
  std::fill_n(most, width, -kInfinity);
  const auto head_of = [&](int64_t i) { return task.kv_head * group + (task.first + i) / n.queries; };
  const auto query_of = [&](int64_t i) { return (task.first + i) % n.queries; };
  // Rows of one head follow each other.
  const auto for_heads = [&](auto&& f) {
    for (int64_t i = 0; i < task.rows;) {
      const int64_t count = std::min(task.rows - i, n.queries - query_of(i));
      f(i, count);
      i += count;
    }
  };
  for_heads([&](int64_t i, int64_t count) {
    f_.load_queries(data.q + b * s_.q.batch + head_of(i) * s_.q.head + query_of(i) * s_.q.row, s_.q.row, count, n.head,
                    s_.scale, q + i, width);
  });
  int64_t least_from = INT64_MAX, most_from = 0, least_to = INT64_MAX, most_to = 0;
  for (int64_t i = 0; i < width; ++i) {
    const Range r = i < task.rows ? visible(s_, data, b, query_of(i), task.old, task.fresh) : Range{0, 0};
    from[i] = static_cast<float>(r.from);
    to[i] = static_cast<float>(r.to);
    if (i >= task.rows) continue;
    if (data.sinks) {
      most[i] = data.sinks[head_of(i)];
      sum[i] = 1;
    }
    least_from = std::min(least_from, r.from);
    most_from = std::max(most_from, r.from);
    least_to = std::min(least_to, r.to);
    most_to = std::max(most_to, r.to);
  }
  bool begun = false;
  const int64_t skip = data.mask_skip ? data.mask_skip[b] : 0;
  for (int64_t key = least_from; key < most_to;) {
    const bool past = key < task.old;
    const int64_t end = std::min({key + kKeyBlock, most_to, past ? task.old : most_to}), keys = end - key;
    const HeadStrides &ks = past ? s_.old_k : s_.k, &vs = past ? s_.old_v : s_.v;
    const int64_t row = past ? key : key - task.old;
    GemmBlock g;
    g.m = keys;
    g.n = task.rows;
    g.k = n.head;
    g.a = (past ? data.old_k : data.k) + b * ks.batch + task.kv_head * ks.head + row * ks.row;
    g.a_row = ks.row;
    g.b_form = GemmB::kPanels;
    g.b = q;
    g.c = scores;
    g.c_row = width;
    kernels_.multiply(g);
    SoftmaxBlock block{scores, keys, width, s_.softcap};
    block.most = most;
    block.sum = sum;
    block.results = begun ? results : nullptr;
    block.values = n.v_head;
    block.first_key = key;
    if (key < most_from || end > least_to) {
      block.from = from;
      block.to = to;
    }
    float* free_rows = mask_keys;
    for (size_t m = 0; m < s_.masks.size(); ++m) {
      const AttentionMask& mask = s_.masks[m];
      if (mask.kind == AttentionMask::Kind::kNone) continue;
      const auto offset = [&](int64_t i) {
        return b * mask.batch + head_of(i) * mask.head + query_of(i) * mask.query + skip;
      };
      const bool same = mask.query == 0 && (mask.head == 0 || group == 1);
      if (same && !block.add_keys) {
        AttentionMask shifted = mask;
        shifted.keys -= skip;
        read_mask(shifted, data.masks[m], offset(0), key, keys, free_rows);
        block.add_keys = free_rows;
        continue;
      }
      AttentionMask shifted = mask;
      shifted.keys -= skip;
      for (int64_t i = 0; i < task.rows; ++i)
        read_mask(shifted, data.masks[m], offset(i), key, keys, mask_rows + i * kKeyBlock);
      if (!block.add) {
        f_.transpose(mask_rows, kKeyBlock, task.rows, keys, mask_columns, width);
        for (int64_t j = 0; j < keys; ++j)
          std::fill(mask_columns + j * width + task.rows, mask_columns + (j + 1) * width, 0.0f);
        block.add = mask_columns;
      } else {
        for (int64_t j = 0; j < keys; ++j) {
          for (int64_t i = 0; i < task.rows; ++i) mask_columns[j * width + i] += mask_rows[i * kKeyBlock + j];
        }
      }
    }
    if (task.rows < width) {  // columns that nobody asked for
      for (int64_t j = 0; j < keys; ++j) std::fill(scores + j * width + task.rows, scores + (j + 1) * width, 0.0f);
    }
    f_.softmax_block(block);
    g = GemmBlock();
    g.m = n.v_head;
    g.n = task.rows;
    g.k = keys;
    g.a = (past ? data.old_v : data.v) + b * vs.batch + task.kv_head * vs.head + row * vs.row;
    g.a_row = 1;
    g.a_col = vs.row;
    g.b_form = GemmB::kPanels;
    g.b = scores;
    g.c = results;
    g.c_row = width;
    g.accumulate = begun;
    kernels_.multiply(g);
    begun = true;
    key = end;
  }
  if (!begun) std::fill_n(results, n.v_head * width, 0.0f);
  for (int64_t i = 0; i < task.rows; ++i) {
    if (s_.empty_is_zero && to[i] <= from[i]) {
      sum[i] = 1;
      for (int64_t h = 0; h < n.v_head; ++h) results[h * width + i] = 0;
    }
  }
  std::fill(sum + task.rows, sum + width, 1.0f);
  if (task.rows < width) {
    for (int64_t h = 0; h < n.v_head; ++h) std::fill(results + h * width + task.rows, results + (h + 1) * width, 0.0f);
  }
  f_.divide(results, width, sum, n.v_head);
  for_heads([&](int64_t i, int64_t count) {
    f_.transpose(results + i, width, n.v_head, count,
                 data.y + b * s_.y.batch + head_of(i) * s_.y.head + query_of(i) * s_.y.row, s_.y.row);
  });
}

// A row of scores for each query.
void Attention::run_few(const Task& task, float* scratch) const {
  const AttentionSizes& n = s_.sizes;
  const AttentionData& data = task.data;
  const int64_t group = n.heads / n.kv_heads, b = task.batch, keys = task.keys();
  const int64_t stride = round_up(n.old_keys + n.new_keys, 64);
  float *const scores = scratch, *const mask_row = scores + rows_ * stride, *const key_row = mask_row + stride,
               *const panel = key_row + stride;
  const int64_t skip = data.mask_skip ? data.mask_skip[b] : 0;
  for (int64_t i = 0; i < task.rows; ++i) {
    const int64_t head = task.kv_head * group + i / n.queries, t = i % n.queries;
    float* const row = scores + i * stride;
    const float* const q = data.q + b * s_.q.batch + head * s_.q.head + t * s_.q.row;
    const Range r = visible(s_, data, b, t, task.old, task.fresh);
    // The keys that are seen, of the past and of the fresh ones.
    const auto for_parts = [&](auto&& f) {
      const int64_t from = std::min(r.from, r.to), middle = std::clamp(task.old, from, r.to);
      if (from < middle) f(true, from, from, middle - from);
      if (middle < r.to) f(false, middle, middle - task.old, r.to - middle);
    };
    for_parts([&](bool past, int64_t key, int64_t at, int64_t count) {
      const HeadStrides& ks = past ? s_.old_k : s_.k;
      GemmBlock g;
      g.m = 1;
      g.n = count;
      g.k = n.head;
      g.a = q;
      g.a_row = n.head;
      g.b = (past ? data.old_k : data.k) + b * ks.batch + task.kv_head * ks.head + at * ks.row;
      g.b_row = 1;
      g.b_col = ks.row;
      g.c = row + key;
      g.c_row = stride;
      kernels_.dot(g);
    });
    const float *add = nullptr, *add_keys = nullptr;
    for (size_t m = 0; m < s_.masks.size(); ++m) {
      AttentionMask mask = s_.masks[m];
      if (mask.kind == AttentionMask::Kind::kNone) continue;
      mask.keys -= skip;
      float* const to = add ? key_row : mask_row;
      read_mask(mask, data.masks[m], b * mask.batch + head * mask.head + t * mask.query + skip, 0, keys, to);
      (add ? add_keys : add) = to;
    }
    f_.softmax_row(row, keys, s_.scale, s_.softcap, add, add_keys, r.from, r.to,
                   data.sinks ? data.sinks + head : nullptr, s_.empty_is_zero);
    float* const y = data.y + b * s_.y.batch + head * s_.y.head + t * s_.y.row;
    bool begun = false;
    for_parts([&](bool past, int64_t key, int64_t at, int64_t count) {
      const HeadStrides& vs = past ? s_.old_v : s_.v;
      GemmBlock g;
      g.m = 1;
      g.n = n.v_head;
      g.k = count;
      g.a = row + key;
      g.a_row = count;
      g.b = (past ? data.old_v : data.v) + b * vs.batch + task.kv_head * vs.head + at * vs.row;
      g.b_row = vs.row;
      g.b_scratch = panel;
      g.c = y;
      g.c_row = n.v_head;
      g.thin = true;
      g.accumulate = begun;
      kernels_.multiply(g);
      begun = true;
    });
    if (!begun)
      std::fill_n(y, n.v_head, s_.empty_is_zero || data.sinks ? 0.0f : std::numeric_limits<float>::quiet_NaN());
  }
}

}  // namespace anyrt::cpu
