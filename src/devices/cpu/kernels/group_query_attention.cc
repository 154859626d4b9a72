#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "devices/cpu/attention/core.h"
#include "devices/cpu/kernel.h"
#include "opdef/fused_attention.h"
#include "opdef/opdef.h"

// GroupQueryAttention of com.microsoft in f32, as decoders of language models use it. The sizes of the caches follow
// from what the inputs hold, so that it is not bound. What is rare, or wrong, is left to the reference.

namespace anyrt::cpu {
namespace {

struct Entry {
  int64_t old, fresh;  // rows of the past in use, new tokens
};

struct Plan {
  int64_t batch = 0, tokens = 0, heads = 0, kv_heads = 0, head = 0;
  int64_t past_rows = 0, capacity = 0, most_old = 0;
  int64_t half = 0;  // of the elements of a head that turn
  bool packed = false;
  std::vector<Entry> entries;
};

// Nothing where the reference is to do it.
Expected<std::optional<Plan>> plan_of(EvalContext& c) {
  const std::optional<Plan> none;
  Plan p;
  const Tensor& q = c.input(0);
  p.heads = c.i("num_heads");
  p.kv_heads = c.i("kv_num_heads");
  p.packed = !c.has_input(1);
  if (q.rank() != 3 || q.size() == 0 || p.heads < 1 || p.kv_heads < 1 || p.heads % p.kv_heads != 0) return none;
  if (c.has_input(1) != c.has_input(2) || c.has_input(3) != c.has_input(4)) return none;
  for (size_t i = 9; i < c.num_inputs(); ++i) {
    if (c.has_input(i)) return none;
  }
  if (c.i("causal") == 0 || c.i("sliding_window_cache") != 0 || c.i("smooth_softmax") == 1 ||
      c.s("k_quant_type") != "NONE" || c.s("v_quant_type") != "NONE" || (c.num_outputs() > 3 && c.wants_output(3)))
    return none;
  p.batch = q.dim(0);
  p.tokens = q.dim(1);
  const int64_t parts = p.packed ? p.heads + 2 * p.kv_heads : p.heads;
  p.head = q.dim(2) / parts;
  if (p.head < 1 || p.head * parts != q.dim(2)) return none;
  for (const size_t i : {1, 2}) {
    if (!p.packed && c.input(i).dims() != Dims{p.batch, p.tokens, p.kv_heads * p.head}) return none;
  }
  if (c.has_input(3)) {
    if (c.input(3).dtype() != DType::kFloat32 || c.input(4).dtype() != DType::kFloat32 || c.input(3).rank() != 4)
      return none;
    p.past_rows = c.input(3).dim(2);
    const Dims expected = {p.batch, p.kv_heads, p.past_rows, p.head};
    if (c.input(3).dims() != expected || c.input(4).dims() != expected) return none;
  }
  ANYRT_ASSIGN(const std::vector<int64_t> lengths, c.input_ints(5));
  ANYRT_ASSIGN(const int64_t total, c.input_int(6));
  if (static_cast<int64_t>(lengths.size()) != p.batch || total < std::max<int64_t>(1, p.tokens) ||
      total > p.past_rows + p.tokens)
    return none;
  p.capacity = std::max(total, p.past_rows);
  int64_t last = 0;
  for (const int64_t length : lengths) {
    if (length < 0 || length >= total) return none;
    const int64_t fresh = std::min(p.tokens, length + 1), old = length + 1 - fresh;
    if (old > p.past_rows) return none;
    p.entries.push_back({old, fresh});
    p.most_old = std::max(p.most_old, old);
    last = std::max(last, old + fresh);
  }
  if (c.i("do_rotary") != 0) {
    const Tensor& cosines = c.input(7);
    if (!cosines.defined() || cosines.rank() != 2 || cosines.dims() != c.input(8).dims() || cosines.dim(1) < 1 ||
        cosines.dim(1) > p.head / 2 || last > cosines.dim(0))
      return none;
    p.half = cosines.dim(1);
  }
  return std::optional<Plan>(std::move(p));
}

// Heads side by side in the rows of an input, or turned, in a buffer of their own.
struct Rows {
  const float* data = nullptr;
  int64_t step = 0;  // from one token to the next
  std::shared_ptr<Buffer> turned;
};

Status turn(EvalContext& c, const Plan& p, int64_t heads, Rows& rows) {
  if (p.half == 0) return {};
  const int64_t width = heads * p.head;
  ANYRT_ASSIGN(rows.turned, allocate_buffer(static_cast<size_t>(p.batch * p.tokens * width) * sizeof(float)));
  float* to = reinterpret_cast<float*>(rows.turned->data());
  const float *cosines = c.input(7).data<float>(), *sines = c.input(8).data<float>();
  const bool interleaved = c.i("rotary_interleaved") != 0;
  c.parallel_for(p.batch * p.tokens, 1 + 16384 / width, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Entry& e = p.entries[static_cast<size_t>(i / p.tokens)];
      const int64_t t = i % p.tokens, at = (e.old + t) * p.half;
      std::copy_n(rows.data + i * rows.step, width, to + i * width);
      for (int64_t n = 0; n < heads && t < e.fresh; ++n)
        rotate_pairs(to + i * width + n * p.head, cosines + at, sines + at, p.half, interleaved);
    }
  });
  rows.data = to;
  rows.step = width;
  return {};
}

// The present cache: the rows of the past in use, the new ones, zeros.
Status extend(EvalContext& c, const Plan& p, size_t output, const Rows& fresh) {
  if (c.num_outputs() <= output || !c.wants_output(output)) return {};
  ANYRT_ASSIGN(Tensor * y, c.output(output, DType::kFloat32, {p.batch, p.kv_heads, p.capacity, p.head}));
  float* to = y->mutable_data<float>();
  const float* past = p.past_rows > 0 ? c.input(output + 2).data<float>() : nullptr;
  c.parallel_for(p.batch * p.kv_heads, 1 + 16384 / (p.capacity * p.head), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Entry& e = p.entries[static_cast<size_t>(i / p.kv_heads)];
      float *out = to + i * p.capacity * p.head, *stop = out + p.capacity * p.head;
      if (e.old > 0) out = std::copy_n(past + i * p.past_rows * p.head, e.old * p.head, out);
      const float* in = fresh.data + i / p.kv_heads * p.tokens * fresh.step + i % p.kv_heads * p.head;
      for (int64_t t = 0; t < e.fresh; ++t) out = std::copy_n(in + t * fresh.step, p.head, out);
      std::fill(out, stop, 0.0f);
    }
  });
  return {};
}

Status attend(EvalContext& c, const Plan& p, const Rows& q, const Rows& k, const Rows& v) {
  const int64_t group = p.heads / p.kv_heads, hidden = p.heads * p.head;
  AttentionSpec s;
  s.sizes = {1, group, 1, p.tokens, p.most_old, p.tokens, p.head, p.head};
  s.q = {0, p.head, q.step};
  s.k = {0, 0, k.step};
  s.v = {0, 0, v.step};
  s.old_k = s.old_v = {0, 0, p.head};
  s.y = {0, p.head, hidden};
  s.scale = c.f("scale") != 0 ? c.f("scale") : 1 / std::sqrt(static_cast<float>(p.head));
  s.softcap = std::max(0.0f, c.f("softcap"));
  s.causal = true;
  s.window = std::max<int64_t>(0, c.i("local_window_size"));
  s.empty_is_zero = true;
  const Attention core(s);
  ANYRT_ASSIGN(Tensor * out, c.output(0, DType::kFloat32, {p.batch, p.tokens, hidden}));
  float* y = out->mutable_data<float>();
  const float *old_k = p.past_rows > 0 ? c.input(3).data<float>() : nullptr,
              *old_v = p.past_rows > 0 ? c.input(4).data<float>() : nullptr;
  std::atomic<bool> short_of_memory = false;
  const int64_t work = p.tokens * group * (p.most_old + p.tokens) * p.head;
  c.parallel_for(p.batch * p.kv_heads, 1 + 16384 / std::max<int64_t>(1, work), [&](int64_t begin, int64_t end) {
    const auto scratch = allocate_buffer(core.scratch_bytes());
    if (!scratch.ok()) {
      short_of_memory = true;
      return;
    }
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / p.kv_heads, n = i % p.kv_heads, row = b * p.tokens;
      const Entry& e = p.entries[static_cast<size_t>(b)];
      AttentionData d;
      d.q = q.data + row * q.step + n * group * p.head;
      d.k = k.data + row * k.step + n * p.head;
      d.v = v.data + row * v.step + n * p.head;
      if (p.past_rows > 0) {
        d.old_k = old_k + i * p.past_rows * p.head;
        d.old_v = old_v + i * p.past_rows * p.head;
      }
      d.old = &e.old;
      d.fresh = &e.fresh;
      d.y = y + row * hidden + n * group * p.head;
      core.run(d, (*scratch)->data(), 1);
      for (int64_t t = e.fresh; t < p.tokens; ++t) std::fill_n(d.y + t * hidden, group * p.head, 0.0f);  // padding
    }
  });
  if (short_of_memory) return make_error(Code::kResourceExhausted, "no {} bytes for attention", core.scratch_bytes());
  return {};
}

Status run(EvalContext& c, const void*) {
  ANYRT_ASSIGN(const std::optional<Plan> plan, plan_of(c));
  if (!plan) return c.node().def->eval(c);
  const Plan& p = *plan;
  const int64_t hidden = p.heads * p.head, kv_hidden = p.kv_heads * p.head;
  const float* x = c.input(0).data<float>();
  Rows q = {x, hidden, nullptr}, k, v;
  if (p.packed) {
    q.step = k.step = v.step = hidden + 2 * kv_hidden;
    k.data = x + hidden;
    v.data = x + hidden + kv_hidden;
  } else {
    k = {c.input(1).data<float>(), kv_hidden, nullptr};
    v = {c.input(2).data<float>(), kv_hidden, nullptr};
  }
  ANYRT_TRY(turn(c, p, p.heads, q));
  ANYRT_TRY(turn(c, p, p.kv_heads, k));
  ANYRT_TRY(extend(c, p, 1, k));
  ANYRT_TRY(extend(c, p, 2, v));
  return attend(c, p, q, k, v);
}

constexpr KernelRow kRows[] = {
    {.kernel = "group_query_attention", .op = "GroupQueryAttention", .domain = "com.microsoft", .run = run}};

}  // namespace

extern const KernelTable kernels_group_query_attention = {kRows};

}  // namespace anyrt::cpu
