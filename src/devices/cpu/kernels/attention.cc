#include <cmath>
#include <cstring>
#include <optional>

#include "base/threads.h"
#include "devices/cpu/attention/core.h"
#include "devices/cpu/gemm/convert.h"
#include "devices/cpu/kernel.h"

namespace anyrt::cpu {
namespace {

bool is_half(DType d) { return d == DType::kFloat16 || d == DType::kBFloat16; }

// Heads of a 3-D or 4-D operand, as [batch, heads, rows, size] or [batch, rows, heads * size].
struct Operand {
  int64_t batch = 0, heads = 0, rows = 0, size = 0;
  HeadStrides strides;
};
Expected<Operand> read_operand(const Dims& d, int64_t heads) {
  if (d.size() == 4) return Operand{d[0], d[1], d[2], d[3], {d[1] * d[2] * d[3], d[2] * d[3], d[3]}};
  if (d.size() != 3 || heads < 1 || d[2] % heads != 0) return invalid_argument("no heads in {}", shape_string(d));
  const int64_t size = d[2] / heads;
  return Operand{d[0], heads, d[1], size, {d[1] * d[2], size, d[2]}};
}

// Attention of ONNX.
class OnnxAttention final : public BoundStep {
 public:
  static Expected<std::unique_ptr<BoundStep>> bind(const BindQuery& q, const std::shared_ptr<const void>&) {
    const DType dtype = q.input(0).dtype, precision = q.dtype("softmax_precision");
    if (q.input(2).dtype != dtype || q.wants_output(3)) return not_implemented("mixed types, and scores as an output");
    if (precision != DType::kUndefined && precision != DType::kFloat32)
      return not_implemented("a softmax in {}", dtype_name(precision));
    if (q.i("left_window_size", -1) >= 0 || q.i("right_window_size", -1) >= 0 ||
        (q.i("is_causal") != 0 && q.has_input(6)))
      return not_implemented("windows, and a causal mask after padded keys");
    ANYRT_ASSIGN(const Operand qs, read_operand(q.input(0).dims, q.i("q_num_heads")));
    ANYRT_ASSIGN(const Operand ks, read_operand(q.input(1).dims, q.i("kv_num_heads")));
    ANYRT_ASSIGN(const Operand vs, read_operand(q.input(2).dims, q.i("kv_num_heads")));
    ANYRT_ASSIGN(const Operand ys, read_operand(q.output(0).dims, q.i("q_num_heads")));
    if (ks.batch != qs.batch || vs.batch != qs.batch || vs.heads != ks.heads || vs.rows != ks.rows ||
        ks.size != qs.size || ks.heads < 1 || qs.heads % ks.heads != 0 || q.has_input(4) != q.has_input(5)) {
      return invalid_argument("Q, K and V do not fit together");
    }
    auto step = std::make_unique<OnnxAttention>();
    AttentionSpec s;
    s.sizes = {qs.batch, qs.heads, ks.heads, qs.rows, 0, ks.rows, qs.size, vs.size};
    s.q = qs.strides;
    s.k = ks.strides;
    s.v = vs.strides;
    s.y = ys.strides;
    if (q.has_input(4)) {
      ANYRT_ASSIGN(const Operand pk, read_operand(q.input(4).dims, 0));
      ANYRT_ASSIGN(const Operand pv, read_operand(q.input(5).dims, 0));
      if (pk.batch != qs.batch || pv.batch != qs.batch || pk.heads != ks.heads || pv.heads != ks.heads ||
          pk.size != ks.size || pv.size != vs.size || pv.rows != pk.rows) {
        return invalid_argument("the past does not fit K and V");
      }
      s.sizes.old_keys = pk.rows;
      s.old_k = pk.strides;
      s.old_v = pv.strides;
    }
    s.scale = q.has_attr("scale") ? q.f("scale") : static_cast<float>(1 / std::sqrt(static_cast<double>(qs.size)));
    s.softcap = q.f("softcap") > 0 ? q.f("softcap") : 0.0f;
    s.causal = q.i("is_causal") != 0;
    s.empty_is_zero = true;
    if (q.has_input(3)) ANYRT_TRY(read_mask(q.input(3), dtype, s));
    if (q.has_input(6) && q.input(6).dims != Dims{qs.batch}) return invalid_argument("nonpad_kv_seqlen");
    step->dtype_ = dtype;
    step->n_inputs_ = q.num_inputs();
    step->n_outputs_ = q.num_outputs();
    step->sizes_ = s.sizes;
    step->k_ = s.k;
    step->v_ = s.v;
    step->mask_ = s.masks[0];
    step->y_ = s.y;
    step->causal_ = s.causal;
    step->core_.emplace(s);
    step->scratch_bytes = step->core_->scratch_bytes();
    for (size_t i = 0; is_half(dtype) && i < 7; ++i) {
      if (i == 6 || (q.has_input(i) && q.input(i).dtype == dtype))
        step->place(i, i == 6 ? q.output(0).count() : q.input(i).count());
    }
    return std::unique_ptr<BoundStep>(std::move(step));
  }

  Status run(const StepArgs& args) const override {
    for (const bool value : {false, true}) {
      const size_t i = value ? 2 : 1;
      if (void* to = i < n_outputs_ ? args.out[i] : nullptr) append(args, value, static_cast<std::byte*>(to));
    }
    const auto floats = [&](size_t i) -> const float* {
      const Wide& w = wide_[i];
      if (!args.in[i] || w.count < 0) return args.input<float>(i);
      float* to = reinterpret_cast<float*>(args.scratch + w.at);
      widen(dtype_, args.in[i], to, w.count, args.threads);
      return to;
    };
    AttentionData d;
    d.q = floats(0);
    d.k = floats(1);
    d.v = floats(2);
    if (n_inputs_ > 3) d.masks[0] = floats(3);
    if (n_inputs_ > 5) {
      d.old_k = floats(4);
      d.old_v = floats(5);
    }
    if (n_inputs_ > 6) d.total = args.input<int64_t>(6);
    d.y = wide_[6].count < 0 ? args.output<float>(0) : reinterpret_cast<float*>(args.scratch + wide_[6].at);
    core_->run(d, args.scratch, args.threads);
    if (n_inputs_ > 3 && args.in[3]) clear_hidden_rows(d);
    if (wide_[6].count >= 0) narrow_to(dtype_, d.y, args.out[0], wide_[6].count, args.threads);
    return {};
  }

 private:
  struct Wide {  // an operand as f32 in the scratch
    int64_t count = -1;
    size_t at = 0;
  };

  static Status read_mask(const BoundTensor& mask, DType dtype, AttentionSpec& s) {
    const AttentionSizes& n = s.sizes;
    const int64_t keys = n.old_keys + n.new_keys;
    if (mask.dtype != DType::kBool && mask.dtype != dtype) return not_implemented("a mask of another type");
    if (mask.rank() < 1 || mask.rank() > 4) return invalid_argument("attn_mask has rank {}", mask.rank());
    Dims d = mask.dims;
    d.insert(d.begin(), static_cast<size_t>(4 - mask.rank()), 1);
    const bool fits = (d[0] == 1 || d[0] == n.batch) && (d[1] == 1 || d[1] == n.heads) &&
                      (d[2] == 1 || d[2] == n.queries) && d[3] <= keys;
    if (!fits) return invalid_argument("attn_mask of shape {} does not fit", shape_string(mask.dims));
    AttentionMask& m = s.masks[0];
    m.kind = mask.dtype == DType::kBool ? AttentionMask::Kind::kBool : AttentionMask::Kind::kAdd;
    m.keys = d[3];
    m.hides_rest = true;
    m.query = d[2] == 1 ? 0 : d[3];
    m.head = d[1] == 1 ? 0 : d[2] * d[3];
    m.batch = d[0] == 1 ? 0 : d[1] * d[2] * d[3];
    return {};
  }

  void place(size_t i, int64_t count) {
    wide_[i] = {count, (scratch_bytes + 63) / 64 * 64};
    scratch_bytes = wide_[i].at + static_cast<size_t>(count) * sizeof(float);
  }

  // Where the mask hides every key the sums gave NaN; the result is zero.
  void clear_hidden_rows(const AttentionData& d) const {
    const AttentionSizes& n = sizes_;
    for (int64_t i = 0; i < n.batch * n.heads * n.queries; ++i) {
      const int64_t b = i / (n.heads * n.queries), h = i / n.queries % n.heads, t = i % n.queries;
      float* y = d.y + b * y_.batch + h * y_.head + t * y_.row;
      if (n.v_head == 0 || y[0] == y[0]) continue;
      int64_t keys = n.old_keys + n.new_keys;
      if (causal_) keys = std::min(keys, n.old_keys + t + 1);
      if (d.total) keys = std::min(keys, d.total[b]);
      keys = std::min(keys, mask_.keys);
      const int64_t at = b * mask_.batch + h * mask_.head + t * mask_.query;
      bool hidden = true;
      for (int64_t j = 0; j < keys && hidden; ++j) {
        hidden = mask_.kind == AttentionMask::Kind::kBool
                     ? !static_cast<const bool*>(d.masks[0])[at + j]
                     : static_cast<const float*>(d.masks[0])[at + j] == -std::numeric_limits<float>::infinity();
      }
      if (hidden) std::fill_n(y, n.v_head, 0.0f);
    }
  }

  // The past and K or V as one.
  void append(const StepArgs& args, bool value, std::byte* to) const {
    const AttentionSizes& n = sizes_;
    const HeadStrides& from = value ? v_ : k_;
    const size_t element = element_size(dtype_), size = static_cast<size_t>(value ? n.v_head : n.head) * element;
    const std::byte* old = n.old_keys > 0 ? args.input<std::byte>(value ? 5 : 4) : nullptr;
    const std::byte* fresh = args.input<std::byte>(value ? 2 : 1);
    const size_t past = static_cast<size_t>(n.old_keys) * size, all = past + static_cast<size_t>(n.new_keys) * size;
    parallel_for(
        n.batch * n.kv_heads, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, static_cast<int64_t>(all))),
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            std::byte* out = to + static_cast<size_t>(i) * all;
            if (old) std::memcpy(out, old + static_cast<size_t>(i) * past, past);
            const std::byte* in =
                fresh + static_cast<size_t>(i / n.kv_heads * from.batch + i % n.kv_heads * from.head) * element;
            out += past;
            if (from.row * static_cast<int64_t>(element) == static_cast<int64_t>(size)) {
              std::memcpy(out, in, all - past);
              continue;
            }
            for (int64_t r = 0; r < n.new_keys; ++r)
              std::memcpy(out + static_cast<size_t>(r) * size, in + static_cast<size_t>(r * from.row) * element, size);
          }
        },
        args.threads);
  }

  DType dtype_ = DType::kFloat32;
  AttentionSizes sizes_;
  AttentionMask mask_;
  HeadStrides y_;
  bool causal_ = false;
  HeadStrides k_, v_;
  std::optional<Attention> core_;
  Wide wide_[7];  // inputs 0 to 5, output 0
  size_t n_inputs_ = 0, n_outputs_ = 0;
};

constexpr KernelRow kRows[] = {
    {.kernel = "attention",
     .op = "Attention",
     .dtypes = DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16,
     .bind = OnnxAttention::bind},
};

}  // namespace

extern const KernelTable kernels_attention = {kRows};

}  // namespace anyrt::cpu
