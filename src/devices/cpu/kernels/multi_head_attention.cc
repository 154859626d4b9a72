#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/threads.h"
#include "devices/cpu/attention/core.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// MultiHeadAttention of com.microsoft in f32: heads are read where they lie.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kBytesPerPiece = 1 << 16;

// Q, K or V: where it begins in which input, and its bias, if one is to be added.
struct Part {
  size_t input = 0;
  int64_t begin = 0;
  HeadStrides strides;
  int64_t bias = -1;              // where its own begins; -1: none
  int64_t rows = 0, columns = 0;  // with a bias: of the copy that has it, in the scratch
  size_t at = 0;
};

class MultiHead final : public BoundStep {
 public:
  static Bound bind(const BindQuery& q, const State&) {
    auto step = std::make_unique<MultiHead>();
    ANYRT_TRY(step->plan(q));
    return std::unique_ptr<BoundStep>(std::move(step));
  }

  Status run(const StepArgs& args) const override {
    const float* parts[3];
    for (size_t i = 0; i < 3; ++i) parts[i] = read(parts_[i], args);
    for (size_t i = 1; i < 3; ++i) {
      if (i < n_outputs_ && args.out[i]) append(args, i, parts[i]);
    }
    AttentionData d;
    d.q = parts[0];
    d.k = parts[1];
    d.v = parts[2];
    d.y = args.output<float>(0);
    if (spec_.sizes.old_keys > 0) {
      d.old_k = args.input<float>(6);
      d.old_v = args.input<float>(7);
    }
    if (has_bias_) d.masks[0] = args.in[5];
    if (mask_columns_ > 0) d.masks[1] = read_mask(args);
    core_->run(d, args.scratch + core_at_, args.threads);
    return {};
  }

 private:
  Status plan(const BindQuery& q) {
    if (q.wants_output(3) || q.has_input(8) || q.has_input(9) || q.has_input(6) != q.has_input(7))
      return not_implemented("scores as an output, shared buffers and beams");
    const Dims& x = q.input(0).dims;
    const int64_t heads = q.i("num_heads");
    const bool packed = x.size() == 5;
    if ((!packed && x.size() != 3) || heads < 1 || q.output(0).count() == 0 || q.input(0).count() == 0 ||
        packed == q.has_input(1))
      return not_implemented("a query of {}", shape_string(x));
    AttentionSizes& n = spec_.sizes;
    n.batch = x[0];
    n.queries = x[1];
    n.heads = n.kv_heads = heads;
    n.head = n.v_head = packed ? x[4] : x[2] / heads;
    const int64_t hidden = heads * n.head;
    if (packed) {
      if (x != Dims{n.batch, n.queries, heads, 3, n.head} || q.has_input(3)) return not_implemented("packed with bias");
      n.new_keys = n.queries;
      for (size_t i = 0; i < 3; ++i) parts_[i] = interleaved(0, static_cast<int64_t>(i), 3, n.queries);
    } else {
      if (x[2] != hidden) return not_implemented("heads");
      parts_[0] = {0, 0, {n.queries * hidden, n.head, hidden}};
      parts_[0].rows = n.batch * n.queries;
      parts_[0].columns = hidden;
      ANYRT_TRY(plan_keys(q));
    }
    if (q.has_input(3)) {
      if (q.input(3).dims != Dims{2 * hidden + heads * n.v_head}) return not_implemented("bias");
      for (size_t i = 0; i < 3; ++i) {
        if (parts_[i].columns == 0) continue;
        parts_[i].bias = static_cast<int64_t>(i) * hidden;
        parts_[i].at = place(parts_[i].rows * parts_[i].columns);
      }
    }
    if (q.has_input(6)) {
      const Dims& old = q.input(6).dims;
      n.old_keys = old.size() == 4 ? old[2] : 0;
      if (old != Dims{n.batch, heads, n.old_keys, n.head} ||
          q.input(7).dims != Dims{n.batch, heads, n.old_keys, n.v_head})
        return not_implemented("the past");
      spec_.old_k = {heads * n.old_keys * n.head, n.old_keys * n.head, n.head};
      spec_.old_v = {heads * n.old_keys * n.v_head, n.old_keys * n.v_head, n.v_head};
    }
    spec_.causal = q.i("unidirectional") != 0;
    if (spec_.causal && n.new_keys != n.queries) return not_implemented("a causal mask of other keys");
    ANYRT_TRY(plan_masks(q));
    spec_.q = parts_[0].strides;
    spec_.k = parts_[1].strides;
    spec_.v = parts_[2].strides;
    spec_.y = {n.queries * heads * n.v_head, n.v_head, heads * n.v_head};
    spec_.scale = q.f("scale") != 0 ? q.f("scale") : 1 / std::sqrt(static_cast<float>(n.head));
    spec_.empty_is_zero = true;
    n_outputs_ = q.num_outputs();
    core_.emplace(spec_);
    core_at_ = (scratch_bytes + 63) / 64 * 64;
    scratch_bytes = core_at_ + core_->scratch_bytes();
    return {};
  }

  // Part `which` of `of` that lie side by side in each head of a row.
  Part interleaved(size_t input, int64_t which, int64_t of, int64_t rows) const {
    const AttentionSizes& n = spec_.sizes;
    const int64_t row = of * n.heads * n.head;
    return {input, which * n.head, {rows * row, of * n.head, row}};
  }

  Status plan_keys(const BindQuery& q) {
    AttentionSizes& n = spec_.sizes;
    const Dims &k = q.input(1).dims, &v = q.input(2).dims;
    if (q.input(1).count() == 0) return not_implemented("no keys");
    if (k.size() == 5) {
      n.new_keys = k[1];
      if (k != Dims{n.batch, k[1], n.heads, 2, n.head} || q.has_input(2) || q.has_input(3))
        return not_implemented("packed keys and values");
      parts_[1] = interleaved(1, 0, 2, k[1]);
      parts_[2] = interleaved(1, 1, 2, k[1]);
      return {};
    }
    if (k.size() == 4 && v.size() == 4) {
      n.new_keys = k[2];
      n.v_head = v[3];
      if (k != Dims{n.batch, n.heads, k[2], n.head} || v != Dims{n.batch, n.heads, k[2], n.v_head})
        return not_implemented("keys and values");
      parts_[1] = {1, 0, {n.heads * k[2] * n.head, k[2] * n.head, n.head}};
      parts_[2] = {2, 0, {n.heads * k[2] * n.v_head, k[2] * n.v_head, n.v_head}};
      return {};
    }
    if (k.size() != 3 || v.size() != 3 || v[2] % n.heads != 0) return not_implemented("keys and values");
    n.new_keys = k[1];
    n.v_head = v[2] / n.heads;
    if (k != Dims{n.batch, k[1], n.heads * n.head} || v != Dims{n.batch, k[1], v[2]} || n.v_head == 0)
      return not_implemented("keys and values");
    parts_[1] = {1, 0, {k[1] * k[2], n.head, k[2]}};
    parts_[2] = {2, 0, {k[1] * v[2], n.v_head, v[2]}};
    for (const size_t i : {1, 2}) {
      parts_[i].rows = n.batch * k[1];
      parts_[i].columns = i == 1 ? k[2] : v[2];
    }
    return {};
  }

  Status plan_masks(const BindQuery& q) {
    const AttentionSizes& n = spec_.sizes;
    const int64_t keys = n.old_keys + n.new_keys;
    if (q.has_input(5)) {
      const Dims& d = q.input(5).dims;
      if (d.size() != 4 || (d[0] != 1 && d[0] != n.batch) || (d[1] != 1 && d[1] != n.heads) || d[2] != n.queries ||
          d[3] != keys)
        return not_implemented("an attention_bias of {}", shape_string(d));
      has_bias_ = true;
      AttentionMask& m = spec_.masks[0];
      m.kind = AttentionMask::Kind::kAdd;
      m.keys = m.query = keys;
      m.head = d[1] == 1 ? 0 : d[2] * keys;
      m.batch = d[0] == 1 ? 0 : d[1] * d[2] * keys;
    }
    if (q.has_input(4)) {
      const Dims& d = q.input(4).dims;
      if (d != Dims{n.batch, keys} && d != Dims{n.batch, n.new_keys})
        return not_implemented("a key_padding_mask of {}", shape_string(d));
      mask_columns_ = d[1];
      filter_ = q.f("mask_filter_value", -10000.0f);
      mask_at_ = place(n.batch * keys);
      AttentionMask& m = spec_.masks[1];
      m.kind = AttentionMask::Kind::kAdd;
      m.keys = m.batch = keys;
    }
    return {};
  }

  size_t place(int64_t floats) {
    const size_t at = (scratch_bytes + 63) / 64 * 64;
    scratch_bytes = at + static_cast<size_t>(floats) * sizeof(float);
    return at;
  }

  const float* read(const Part& p, const StepArgs& args) const {
    const float* from = args.input<float>(p.input) + p.begin;
    if (p.bias < 0) return from;
    const float* bias = args.input<float>(3) + p.bias;
    float* to = reinterpret_cast<float*>(args.scratch + p.at);
    parallel_for(
        p.rows, 1 + kBytesPerPiece / (4 * p.columns),
        [&](int64_t begin, int64_t end) {
          for (int64_t r = begin * p.columns; r < end * p.columns; r += p.columns) {
            for (int64_t i = 0; i < p.columns; ++i) to[r + i] = from[r + i] + bias[i];
          }
        },
        args.threads);
    return to;
  }

  const float* read_mask(const StepArgs& args) const {
    const AttentionSizes& n = spec_.sizes;
    const int64_t keys = n.old_keys + n.new_keys, skip = keys - mask_columns_;
    const int32_t* from = args.input<int32_t>(4);
    float* to = reinterpret_cast<float*>(args.scratch + mask_at_);
    for (int64_t b = 0; b < n.batch; ++b) {
      std::fill_n(to + b * keys, skip, 0.0f);
      for (int64_t t = 0; t < mask_columns_; ++t)
        to[b * keys + skip + t] = from[b * mask_columns_ + t] > 0 ? 0.0f : filter_;
    }
    return to;
  }

  // present_key and present_value: the past, then the fresh rows, head by head.
  void append(const StepArgs& args, size_t which, const float* fresh) const {
    const AttentionSizes& n = spec_.sizes;
    const HeadStrides& from = parts_[which].strides;
    const int64_t size = which == 1 ? n.head : n.v_head, past = n.old_keys * size, all = past + n.new_keys * size;
    const float* old = n.old_keys > 0 ? args.input<float>(which + 5) : nullptr;
    float* to = args.output<float>(which);
    parallel_for(
        n.batch * n.heads, 1 + kBytesPerPiece / (4 * all),
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            float* out = to + i * all;
            if (old) out = std::copy_n(old + i * past, past, out);
            const float* in = fresh + i / n.heads * from.batch + i % n.heads * from.head;
            for (int64_t r = 0; r < n.new_keys; ++r) out = std::copy_n(in + r * from.row, size, out);
          }
        },
        args.threads);
  }

  AttentionSpec spec_;
  Part parts_[3];
  std::optional<Attention> core_;
  bool has_bias_ = false;
  int64_t mask_columns_ = 0;
  float filter_ = 0;
  size_t mask_at_ = 0, core_at_ = 0, n_outputs_ = 0;
};

constexpr KernelRow kRows[] = {
    {.kernel = "multi_head_attention", .op = "MultiHeadAttention", .domain = "com.microsoft", .bind = MultiHead::bind}};

}  // namespace

extern const KernelTable kernels_multi_head_attention = {kRows};

}  // namespace anyrt::cpu
