#include "opdef/fused_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "opdef/matmul.h"
#include "opdef/shape_util.h"

namespace anyrt {

Expected<Tensor> split_heads(const Tensor& x, const HeadsView& view, int64_t batch, int64_t heads, int64_t tokens,
                             int64_t head, const float* bias) {
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat32, {batch, heads, tokens, head}));
  float* out = y.mutable_data<float>();
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t n = 0; n < heads; ++n) {
      for (int64_t t = 0; t < tokens; ++t, out += head) {
        const float* in = x.data<float>() + view.offset + (b * tokens + t) * view.token_stride + n * view.head_stride;
        std::copy_n(in, head, out);
        for (int64_t h = 0; bias && h < head; ++h) out[h] += bias[n * head + h];
      }
    }
  }
  return y;
}

Expected<Tensor> append_rows(const Tensor& past, int64_t count, const Tensor& fresh, int64_t capacity) {
  Dims dims = fresh.dims();
  const int64_t outer = dims[0] * dims[1], added = dims[2], width = dims[3];
  const int64_t old = past.defined() ? past.dim(2) : 0;
  if (count < 0 || count > old || capacity - count < added)
    return invalid_argument("{} past rows and {} new ones do not fit into {} of {}", count, added, old, capacity);
  dims[2] = capacity;
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(DType::kFloat32, dims));
  for (int64_t i = 0; i < outer; ++i) {
    float* out = y.mutable_data<float>() + i * capacity * width;
    const int64_t kept = old >= capacity ? capacity : count;
    if (kept > 0) std::copy_n(past.data<float>() + i * old * width, kept * width, out);
    std::copy_n(fresh.data<float>() + i * added * width, added * width, out + count * width);
  }
  return y;
}

namespace {

// Fills a [batch, 1, keys] mask from the range of keys of each batch entry that are there.
AdditiveMask range_mask(const std::vector<int64_t>& ends, const int64_t* starts, int64_t keys, float filter) {
  AdditiveMask m{{}, 1, keys};
  m.values.assign(ends.size() * static_cast<size_t>(keys), 0.0f);
  for (size_t b = 0; b < ends.size(); ++b) {
    float* row = m.values.data() + static_cast<int64_t>(b) * keys;
    std::fill(row + std::clamp<int64_t>(ends[b], 0, keys), row + keys, filter);
    if (starts) std::fill_n(row, std::clamp<int64_t>(starts[b], 0, keys), filter);
  }
  return m;
}

}  // namespace

Expected<AdditiveMask> read_mask(EvalContext& c, size_t i, int64_t batch, int64_t queries, int64_t keys,
                                 int64_t fresh_keys, float filter, bool with_starts) {
  AdditiveMask m{{}, 1, keys};
  if (!c.has_input(i)) return m;
  const Dims& dims = c.input(i).dims();
  ANYRT_ASSIGN(const std::vector<int64_t> raw, c.input_ints(i));
  const auto one = [&](int64_t v) { return v > 0 ? 0.0f : filter; };
  ANYRT_TRY(Tensor::make(DType::kFloat32, {batch, queries, keys}).status());
  const bool starts = with_starts && dims == Dims{2 * batch};
  if (dims == Dims{batch} || starts || dims == Dims{3 * batch + 2}) {
    const std::vector<int64_t> ends(raw.begin(), raw.begin() + batch);
    return range_mask(ends, starts ? raw.data() + batch : nullptr, keys, filter);
  }
  if (dims == Dims{batch, keys} || dims == Dims{batch, queries, keys}) {
    m.rows = dims.size() == 2 ? 1 : queries;
    for (int64_t v : raw) m.values.push_back(one(v));
    return m;
  }
  if (dims == Dims{batch, fresh_keys}) {  // says nothing about the keys of the past
    m.values.assign(static_cast<size_t>(batch * keys), 0.0f);
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t t = 0; t < fresh_keys; ++t)
        m.values[static_cast<size_t>(b * keys + keys - fresh_keys + t)] =
            one(raw[static_cast<size_t>(b * fresh_keys + t)]);
    }
    return m;
  }
  if (dims.size() == 4 && dims[0] == batch && dims[1] == 1 && dims[2] == dims[3] && dims[2] >= keys &&
      keys >= queries) {
    m.rows = queries;
    const int64_t side = dims[2], past = keys - queries;
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t s = 0; s < queries; ++s) {
        for (int64_t t = 0; t < keys; ++t)
          m.values.push_back(one(raw[static_cast<size_t>((b * side + past + s) * side + t)]));
      }
    }
    return m;
  }
  return invalid_argument("the mask has shape {}, expected [{}], [{},{}] or [{},{},{}]", shape_string(dims), batch,
                          batch, keys, batch, queries, keys);
}

Expected<Tensor> read_attention_bias(EvalContext& c, size_t i, int64_t batch, int64_t heads, int64_t queries,
                                     int64_t keys) {
  if (!c.has_input(i)) return Tensor();
  const Dims& d = c.input(i).dims();
  const bool fits =
      d.size() == 4 && (d[0] == 1 || d[0] == batch) && (d[1] == 1 || d[1] == heads) && d[2] == queries && d[3] >= keys;
  if (!fits) {
    return invalid_argument("attention_bias has shape {}, expected {}", shape_string(d),
                            shape_string(Dims{batch, heads, queries, keys}));
  }
  return c.input_as(i, DType::kFloat32);
}

namespace {

// Softmax of row[0, n) in place; with a sink, the rest of the probability goes there.
void softmax_row(float* row, int64_t n, const float* sink) {
  float top = sink ? *sink : -std::numeric_limits<float>::infinity();
  for (int64_t t = 0; t < n; ++t) top = std::max(top, row[t]);
  float sum = sink ? std::exp(*sink - top) : 0.0f;
  for (int64_t t = 0; t < n; ++t) sum += row[t] = std::exp(row[t] - top);
  for (int64_t t = 0; t < n; ++t) row[t] /= sum;
}

}  // namespace

Expected<Tensor> attend(EvalContext& c, const AttentionCore& a) {
  const int64_t batch = a.q.dim(0), heads = a.q.dim(1), queries = a.q.dim(2), head = a.q.dim(3);
  const int64_t kv_heads = a.k.dim(1), capacity = a.k.dim(2), v_head = a.v.dim(3), keys = a.keys;
  if (head < 1 || kv_heads < 1 || heads % kv_heads != 0 || keys > capacity)
    return invalid_argument("{} heads of {} do not go with {} of {} keys", heads, head, kv_heads, keys);
  const float scale = a.scale != 0 ? a.scale : 1 / std::sqrt(static_cast<float>(head));
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(DType::kFloat32, {batch, queries, heads * v_head}));
  const int64_t step = 64;
  ANYRT_TRY(Tensor::make(DType::kFloat32, {step, keys}).status());
  float* out = y.mutable_data<float>();
  const auto run = [&](int64_t b, int64_t n, int64_t first, int64_t rows, float* scores) {
    const int64_t kv = b * kv_heads + n / (heads / kv_heads);
    const float* q = a.q.data<float>() + ((b * heads + n) * queries + first) * head;
    matmul_f32(nullptr, rows, keys, head, {q, head, 1}, {a.k.data<float>() + kv * capacity * head, 1, head}, scores,
               keys);
    for (int64_t r = 0; r < rows; ++r) {
      float* row = scores + r * keys;
      const int64_t s = first + r;
      for (int64_t t = 0; t < keys; ++t) row[t] *= scale;
      for (int64_t t = 0; a.softcap > 0 && t < keys; ++t) row[t] = a.softcap * std::tanh(row[t] / a.softcap);
      if (a.bias.defined()) {
        const int64_t columns = a.bias.dim(3);
        const int64_t plane = (a.bias.dim(0) == 1 ? 0 : b) * a.bias.dim(1) + (a.bias.dim(1) == 1 ? 0 : n);
        const int64_t skip = a.bias_first.empty() ? 0 : a.bias_first[static_cast<size_t>(b)];
        const float* add = a.bias.data<float>() + (plane * queries + s) * columns + skip;
        for (int64_t t = 0; t < std::min(keys, columns - skip); ++t) row[t] += add[t];
      }
      if (a.mask && !a.mask->values.empty()) {
        const float* add = a.mask->values.data() + (b * a.mask->rows + (a.mask->rows == 1 ? 0 : s)) * keys;
        for (int64_t t = 0; t < keys; ++t) row[t] += add[t];
      }
      auto [from, to] = a.visible ? a.visible(b, s) : std::pair<int64_t, int64_t>(0, keys);
      to = std::clamp<int64_t>(to, 0, keys);
      from = std::clamp<int64_t>(from, 0, to);
      float* kept = a.scores ? a.scores + ((b * heads + n) * queries + s) * a.score_columns : nullptr;
      if (kept && !a.scores_after) {
        std::copy_n(row, std::min(keys, a.score_columns), kept);
        std::fill(kept, kept + std::min(from, a.score_columns), a.hidden_score);
        if (to < a.score_columns) std::fill(kept + to, kept + a.score_columns, a.hidden_score);
      }
      softmax_row(row + from, to - from, a.sinks ? a.sinks + n : nullptr);
      std::fill(row, row + from, 0.0f);
      std::fill(row + to, row + keys, 0.0f);
      if (kept && a.scores_after) std::copy_n(row, std::min(keys, a.score_columns), kept);
    }
    matmul_f32(nullptr, rows, v_head, keys, {scores, keys, 1}, {a.v.data<float>() + kv * capacity * v_head, v_head, 1},
               out + ((b * queries + first) * heads + n) * v_head, heads * v_head);
  };
  c.parallel_for(batch * heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(static_cast<size_t>(std::min(step, queries) * keys));
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t first = 0; first < queries; first += step)
        run(i / heads, i % heads, first, std::min(step, queries - first), scores.data());
    }
  });
  return y;
}

void rotate_pairs(float* x, const float* cosines, const float* sines, int64_t half, bool interleaved) {
  const int64_t step = interleaved ? 2 : 1, apart = interleaved ? 1 : half;
  for (int64_t i = 0; i < half; ++i) {
    float &re = x[i * step], &im = x[i * step + apart];
    const float turned = re * cosines[i] - im * sines[i];
    im = im * cosines[i] + re * sines[i];
    re = turned;
  }
}

}  // namespace anyrt
