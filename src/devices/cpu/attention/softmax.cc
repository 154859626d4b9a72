#include "devices/cpu/attention/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/attention/softmax.cc"
#include <hwy/foreach_target.h>

#include "devices/cpu/gemm/transpose-inl.h"
#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// What is subtracted: a maximum of -inf means that no score was finite, and all of them become 0.
HWY_INLINE V shift_of(V most) {
  const D d;
  return hn::IfThenElse(hn::Eq(most, hn::Set(d, -std::numeric_limits<float>::infinity())), hn::Zero(d), most);
}

void softmax_block(const SoftmaxBlock& b) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), width = b.width;
  const V hidden = hn::Set(d, -std::numeric_limits<float>::infinity()), cap = hn::Set(d, b.softcap);
  for (int64_t at = 0; at < width; at += lanes) {
    float* const s = b.scores + at;
    V most = hn::LoadU(d, b.most + at);
    const V before = most;
    if (b.softcap != 0 || b.add || b.add_keys || b.from) {
      const V from = b.from ? hn::LoadU(d, b.from + at) : hn::Zero(d), to = b.to ? hn::LoadU(d, b.to + at) : from;
      for (int64_t j = 0; j < b.keys; ++j) {
        V x = hn::LoadU(d, s + j * width);
        if (b.softcap != 0) x = hn::Mul(cap, v_tanh(d, hn::Div(x, cap)));
        if (b.add) x = hn::Add(x, hn::LoadU(d, b.add + j * width + at));
        if (b.add_keys) x = hn::Add(x, hn::Set(d, b.add_keys[j]));
        if (b.from) {
          const V key = hn::Set(d, static_cast<float>(b.first_key + j));
          x = hn::IfThenElse(hn::And(hn::Ge(key, from), hn::Lt(key, to)), x, hidden);
        }
        most = hn::Max(most, x);
        hn::StoreU(x, d, s + j * width);
      }
    } else {
      for (int64_t j = 0; j < b.keys; ++j) most = hn::Max(most, hn::LoadU(d, s + j * width));
    }
    const V shift = shift_of(most);
    V sum = hn::Zero(d);
    for (int64_t j = 0; j < b.keys; ++j) {
      const V p = v_exp_below_one(d, hn::Sub(hn::LoadU(d, s + j * width), shift));
      sum = hn::Add(sum, p);
      hn::StoreU(p, d, s + j * width);
    }
    const V factor = v_exp_below_one(d, hn::Sub(before, shift));
    hn::StoreU(most, d, b.most + at);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, b.sum + at), factor, sum), d, b.sum + at);
    if (!b.results || hn::AllTrue(d, hn::Eq(factor, hn::Set(d, 1.0f)))) continue;
    for (int64_t h = 0; h < b.values; ++h) {
      float* r = b.results + h * width + at;
      hn::StoreU(hn::Mul(hn::LoadU(d, r), factor), d, r);
    }
  }
}

void load_queries(const float* x, int64_t row, int64_t rows, int64_t head, float factor, float* to, int64_t to_row) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  transpose(x, row, rows, head, to, to_row);
  const V f = hn::Set(d, factor);
  for (int64_t h = 0; h < head; ++h, to += to_row) {
    int64_t i = 0;
    for (; i + lanes <= rows; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, to + i), f), d, to + i);
    for (; i < rows; ++i) to[i] *= factor;
  }
}

void divide(float* results, int64_t row, const float* sum, int64_t values) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t h = 0; h < values; ++h, results += row) {
    for (int64_t i = 0; i < row; i += lanes)
      hn::StoreU(hn::Div(hn::LoadU(d, results + i), hn::LoadU(d, sum + i)), d, results + i);
  }
}

void transpose_rows(const float* from, int64_t from_row, int64_t rows, int64_t columns, float* to, int64_t to_row) {
  transpose(from, from_row, rows, columns, to, to_row);
}

void softmax_row(float* x, int64_t n, float scale, float softcap, const float* add, const float* add_keys, int64_t from,
                 int64_t to, const float* sink, bool empty_is_zero) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), padded = (n + lanes - 1) / lanes * lanes;
  const float hidden = -std::numeric_limits<float>::infinity();
  const V factor = hn::Set(d, scale), cap = hn::Set(d, softcap);
  std::fill(x + n, x + padded, 0.0f);
  for (int64_t i = 0; i < padded; i += lanes) {
    V v = hn::Mul(hn::LoadU(d, x + i), factor);
    if (softcap != 0) v = hn::Mul(cap, v_tanh(d, hn::Div(v, cap)));
    hn::StoreU(v, d, x + i);
  }
  for (const float* more : {add, add_keys}) {
    if (!more) continue;
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, more + i)), d, x + i);
    for (; i < n; ++i) x[i] += more[i];
  }
  std::fill(x, x + from, hidden);
  std::fill(x + std::max(from, to), x + padded, hidden);
  if (from >= to && empty_is_zero) {
    std::fill(x, x + padded, 0.0f);
    return;
  }
  V most = hn::Set(d, sink ? *sink : hidden);
  for (int64_t i = 0; i < padded; i += lanes) most = hn::Max(most, hn::LoadU(d, x + i));
  most = hn::MaxOfLanes(d, most);
  const V shift = shift_of(most);
  V sum = hn::Zero(d);
  for (int64_t i = 0; i < padded; i += lanes) {
    const V p = v_exp_below_one(d, hn::Sub(hn::LoadU(d, x + i), shift));
    sum = hn::Add(sum, p);
    hn::StoreU(p, d, x + i);
  }
  sum = hn::SumOfLanes(d, sum);
  if (sink) sum = hn::Add(sum, v_exp_below_one(d, hn::Sub(hn::Set(d, *sink), shift)));
  for (int64_t i = 0; i < padded; i += lanes) hn::StoreU(hn::Div(hn::LoadU(d, x + i), sum), d, x + i);
}

AttentionFunctions make_functions() { return {softmax_block, load_queries, divide, transpose_rows, softmax_row}; }

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {
HWY_EXPORT(make_functions);
}

AttentionFunctions attention_functions() { return HWY_DYNAMIC_DISPATCH(make_functions)(); }

}  // namespace anyrt::cpu
#endif
