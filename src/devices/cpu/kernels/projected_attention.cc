#include <algorithm>
#include <cmath>
#include <optional>

#include "devices/cpu/attention/core.h"
#include "devices/cpu/gemm/gemm.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// Attention of com.microsoft in f32: one product makes Q, K and V, whose heads are then read where they lie.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

struct Weights {
  PackedMatrices b;
  Dims dims;
};

Expected<State> prepare(const KernelQuery& q) {
  const Tensor* w = q.input_constant(1);
  if (!w || w->dtype() != DType::kFloat32 || w->rank() != 2 || w->size() == 0) return State();
  auto state = std::make_shared<Weights>();
  ANYRT_ASSIGN(state->b, pack_matrices(*w, w->dim(1), 1, w->dim(0), w->dim(1), 1, 0, q.store()));
  state->dims = w->dims();
  return State(std::move(state));
}

Expected<Tensor> unpack(const void* state, size_t) {
  const Weights& w = *static_cast<const Weights*>(state);
  ANYRT_ASSIGN(Tensor b, Tensor::make(DType::kFloat32, w.dims));
  unpack_matrices(w.b, w.dims[1], 1, 0, b.mutable_raw());
  return b;
}

void add_bias(const void* bias, void* c, int64_t c_row, int64_t, int64_t, int64_t rows, int64_t col, int64_t cols) {
  const float* add = static_cast<const float*>(bias) + col;
  float* to = static_cast<float*>(c);
  for (int64_t r = 0; r < rows; ++r, to += c_row) {
    for (int64_t i = 0; i < cols; ++i) to[i] += add[i];
  }
}

class ProjectedAttention final : public BoundStep {
 public:
  static Bound bind(const BindQuery& q, const State& state) {
    auto step = std::make_unique<ProjectedAttention>();
    ANYRT_TRY(step->plan(q, std::static_pointer_cast<const Weights>(state)));
    return std::unique_ptr<BoundStep>(std::move(step));
  }

  Status run(const StepArgs& args) const override {
    float* qkv = reinterpret_cast<float*>(args.scratch + qkv_at_);
    GemmFinish finish;
    if (has_bias_) finish = {add_bias, args.in[2]};
    gemm_->run(args.in[0], weights_ ? weights_->b.bytes->data() : args.in[1], qkv, finish, args.scratch + inner_at_,
               args.threads);
    AttentionData d;
    d.q = qkv;
    d.k = qkv + hidden_;
    d.v = qkv + 2 * hidden_;
    d.y = args.output<float>(0);
    if (has_mask_) d.masks[0] = read_mask(args);
    if (has_add_) d.masks[1] = args.in[5];
    core_->run(d, args.scratch + inner_at_, args.threads);
    return {};
  }

 private:
  Status plan(const BindQuery& q, std::shared_ptr<const Weights> weights) {
    if (q.wants_output(1) || q.has_input(4) || q.has_input(6) || q.i("do_rotary") != 0)
      return not_implemented("a state or rotary embedding");
    const Dims &x = q.input(0).dims, &w = q.input(1).dims;
    const int64_t heads = q.i("num_heads");
    if (x.size() != 3 || w.size() != 2 || x[2] != w[0] || heads < 1 || q.output(0).count() == 0 ||
        q.input(0).count() == 0 || q.input(1).dtype != DType::kFloat32)
      return not_implemented("an input of {}", shape_string(x));
    const int64_t columns = w[1];
    std::vector<int64_t> sizes = q.ints("qkv_hidden_sizes");
    if (sizes.empty()) sizes.assign(3, columns / 3);
    if (sizes.size() != 3 || sizes[0] != sizes[1] || sizes[0] < 1 || sizes[2] < 1 || sizes[0] % heads != 0 ||
        sizes[2] % heads != 0 || sizes[0] + sizes[1] + sizes[2] != columns)
      return not_implemented("hidden sizes");
    hidden_ = sizes[0];
    AttentionSpec s;
    s.sizes = {x[0], heads, heads, x[1], 0, x[1], sizes[0] / heads, sizes[2] / heads};
    const int64_t tokens = x[1];
    s.q = s.k = {tokens * columns, s.sizes.head, columns};
    s.v = {tokens * columns, s.sizes.v_head, columns};
    s.y = {tokens * sizes[2], s.sizes.v_head, sizes[2]};
    s.scale = q.f("scale") != 0 ? q.f("scale") : 1 / std::sqrt(static_cast<float>(s.sizes.head));
    s.causal = q.i("unidirectional") != 0;
    s.empty_is_zero = true;
    batch_ = x[0];
    tokens_ = tokens;
    if (q.has_input(2)) {
      has_bias_ = true;
      if (q.input(2).dims != Dims{columns}) return not_implemented("bias");
    }
    if (q.has_input(3)) {
      const Dims& d = q.input(3).dims;
      by_length_ = d == Dims{batch_};
      if (!by_length_ && d != Dims{batch_, tokens}) return not_implemented("a mask of {}", shape_string(d));
      has_mask_ = true;
      filter_ = q.f("mask_filter_value", -10000.0f);
      s.masks[0].kind = AttentionMask::Kind::kAdd;
      s.masks[0].keys = s.masks[0].batch = tokens;
      mask_at_ = place(static_cast<size_t>(batch_ * tokens) * sizeof(float));
    }
    if (q.has_input(5)) {
      const Dims& d = q.input(5).dims;
      if (d.size() != 4 || (d[0] != 1 && d[0] != batch_) || (d[1] != 1 && d[1] != heads) || d[2] != tokens ||
          d[3] != tokens)
        return not_implemented("an attention_bias of {}", shape_string(d));
      has_add_ = true;
      AttentionMask& m = s.masks[1];
      m.kind = AttentionMask::Kind::kAdd;
      m.keys = m.query = tokens;
      m.head = d[1] == 1 ? 0 : tokens * tokens;
      m.batch = d[0] == 1 ? 0 : d[1] * tokens * tokens;
    }
    GemmProblem g;
    g.m = batch_ * tokens;
    g.n = g.b_row = g.c_row = columns;
    g.k = g.a_row = x[2];
    if (weights) g.set_packed(weights->b);
    weights_ = std::move(weights);
    gemm_.emplace(std::move(g));
    core_.emplace(s);
    qkv_at_ = place(static_cast<size_t>(batch_ * tokens * columns) * sizeof(float));
    inner_at_ = place(std::max(gemm_->scratch_bytes(), core_->scratch_bytes()));
    return {};
  }

  size_t place(size_t bytes) {
    const size_t at = scratch_bytes;
    scratch_bytes += (bytes + 63) / 64 * 64;
    return at;
  }

  const float* read_mask(const StepArgs& args) const {
    const int32_t* from = args.input<int32_t>(3);
    float* to = reinterpret_cast<float*>(args.scratch + mask_at_);
    for (int64_t b = 0; b < batch_; ++b) {
      for (int64_t t = 0; t < tokens_; ++t) {
        const bool seen = by_length_ ? t < from[b] : from[b * tokens_ + t] > 0;
        to[b * tokens_ + t] = seen ? 0.0f : filter_;
      }
    }
    return to;
  }

  std::shared_ptr<const Weights> weights_;
  std::optional<Gemm> gemm_;
  std::optional<Attention> core_;
  int64_t batch_ = 0, tokens_ = 0, hidden_ = 0;
  bool has_bias_ = false, has_mask_ = false, by_length_ = false, has_add_ = false;
  float filter_ = 0;
  size_t mask_at_ = 0, qkv_at_ = 0, inner_at_ = 0;
};

constexpr KernelRow kRows[] = {{.kernel = "projected_attention",
                                .op = "Attention",
                                .domain = "com.microsoft",
                                .prepare = prepare,
                                .packs = 2,
                                .unpack = unpack,
                                .bind = ProjectedAttention::bind}};

}  // namespace

extern const KernelTable kernels_projected_attention = {kRows};

}  // namespace anyrt::cpu
