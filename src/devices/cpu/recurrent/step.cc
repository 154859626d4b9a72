#include "devices/cpu/recurrent/step.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/recurrent/step.cc"
#include <hwy/foreach_target.h>

#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using Kind = RecurrentActivation::Kind;

#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64 || HWY_ARCH_RVV
constexpr int kRows = 6;
#else
constexpr int kRows = 3;
#endif

// Sums of h[r] times a block of weights for R rows and G gates, as finish(r, gate 0, …); gates beyond G are zero.
// A single row has two sums a gate, which do not wait for each other.
template <int G, int R, class Finish>
HWY_INLINE void sums(const float* w, const float* const* h, int64_t hidden, const Finish& finish) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define X(r)                                                                        \
  V a##r = hn::Zero(d), b##r = hn::Zero(d), c##r = hn::Zero(d), e##r = hn::Zero(d); \
  const float* const h##r = h[R > r ? r : 0];
  ROWS(X)
#undef X
  V a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
  int64_t k = 0;
  if constexpr (R == 1) {
    for (; k + 2 <= hidden; k += 2) {
      const V v = hn::Set(d, h0[k]), u = hn::Set(d, h0[k + 1]);
      a0 = hn::MulAdd(v, hn::LoadU(d, w), a0);
      if constexpr (G > 1) b0 = hn::MulAdd(v, hn::LoadU(d, w + lanes), b0);
      if constexpr (G > 2) c0 = hn::MulAdd(v, hn::LoadU(d, w + 2 * lanes), c0);
      if constexpr (G > 3) e0 = hn::MulAdd(v, hn::LoadU(d, w + 3 * lanes), e0);
      w += G * lanes;
      a = hn::MulAdd(u, hn::LoadU(d, w), a);
      if constexpr (G > 1) b = hn::MulAdd(u, hn::LoadU(d, w + lanes), b);
      if constexpr (G > 2) c = hn::MulAdd(u, hn::LoadU(d, w + 2 * lanes), c);
      if constexpr (G > 3) e = hn::MulAdd(u, hn::LoadU(d, w + 3 * lanes), e);
      w += G * lanes;
    }
  }
  for (; k < hidden; ++k, w += G * lanes) {
    const V wa = hn::LoadU(d, w), wb = G > 1 ? hn::LoadU(d, w + lanes) : wa,
            wc = G > 2 ? hn::LoadU(d, w + 2 * lanes) : wa, we = G > 3 ? hn::LoadU(d, w + 3 * lanes) : wa;
#define X(r)                                             \
  if constexpr (R > r) {                                 \
    const V v = hn::Set(d, h##r[k]);                     \
    a##r = hn::MulAdd(v, wa, a##r);                      \
    if constexpr (G > 1) b##r = hn::MulAdd(v, wb, b##r); \
    if constexpr (G > 2) c##r = hn::MulAdd(v, wc, c##r); \
    if constexpr (G > 3) e##r = hn::MulAdd(v, we, e##r); \
  }
    ROWS(X)
#undef X
  }
  if constexpr (R == 1) {
    a0 = hn::Add(a0, a);
    b0 = hn::Add(b0, b);
    c0 = hn::Add(c0, c);
    e0 = hn::Add(e0, e);
  }
#define X(r) \
  if constexpr (R > r) finish(r, a##r, b##r, c##r, e##r);
  ROWS(X)
#undef X
#undef ROWS
}

// All rows of a block, some at a time. Batches of one have sums of their own, so a row is never left over alone.
template <int G, class Finish>
HWY_INLINE void block_sums(const float* w, const CellRows& rows, const float* const* h, int64_t hidden,
                           const Finish& finish) {
  const int64_t count = rows.count;
  if (count == 1) return sums<G, 1>(w, h, hidden, finish);
  for (int64_t r = 0; r < count;) {
    int64_t n = std::min<int64_t>(kRows, count - r);
    if (count - r - n == 1) --n;
    const auto shifted = [&](int i, V a, V b, V c, V e) HWY_ATTR { finish(r + i, a, b, c, e); };
    switch (n) {
      case 2: sums<G, 2>(w, h + r, hidden, shifted); break;
      case 3: sums<G, 3>(w, h + r, hidden, shifted); break;
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64 || HWY_ARCH_RVV
      case 4: sums<G, 4>(w, h + r, hidden, shifted); break;
      case 5: sums<G, 5>(w, h + r, hidden, shifted); break;
      case 6: sums<G, 6>(w, h + r, hidden, shifted); break;
#endif
      default: break;
    }
    r += n;
  }
}

HWY_INLINE V apply(const RecurrentActivation& f, float clip, V x) {
  const D d;
  if (std::isfinite(clip)) x = v_at_most(d, v_at_least(d, x, hn::Set(d, -clip)), hn::Set(d, clip));
  switch (f.kind) {
    case Kind::kSigmoid: return v_sigmoid(d, x);
    case Kind::kTanh: return v_tanh(d, x);
    case Kind::kRelu: return v_at_least(d, x, hn::Zero(d));
    case Kind::kHardSigmoid:
      x = hn::MulAdd(hn::Set(d, f.alpha), x, hn::Set(d, f.beta));
      return v_at_most(d, v_at_least(d, x, hn::Zero(d)), hn::Set(d, 1.0f));
    default: break;
  }
  HWY_ALIGN float lane[hn::MaxLanes(D())];
  hn::Store(x, d, lane);
  activate(f, std::numeric_limits<float>::infinity(), lane, static_cast<int64_t>(hn::Lanes(d)));
  return hn::Load(d, lane);
}

template <bool kUsual>
HWY_INLINE void lstm_blocks(const CellSpec& s, const CellRows& rows, int64_t begin, int64_t end) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), padded = (s.hidden + lanes - 1) / lanes * lanes;
  for (int64_t block = begin; block < end; ++block) {
    const int64_t at = block * lanes;
    const auto finish = [&](int64_t r, V i, V o, V f, V g) HWY_ATTR {
      const float* x = rows.x[r] + 4 * at;
      float* const own = rows.cell[r] + at;
      const V before = hn::LoadU(d, own);
      i = hn::Add(i, hn::LoadU(d, x));
      o = hn::Add(o, hn::LoadU(d, x + lanes));
      f = hn::Add(f, hn::LoadU(d, x + 2 * lanes));
      g = hn::Add(g, hn::LoadU(d, x + 3 * lanes));
      V state;
      if constexpr (kUsual) {
        state = hn::MulAdd(v_sigmoid(d, i), v_tanh(d, g), hn::Mul(v_sigmoid(d, f), before));
        hn::StoreU(hn::Mul(v_sigmoid(d, o), v_tanh(d, state)), d, rows.next[r] + at);
      } else {
        if (s.peepholes) {
          i = hn::MulAdd(hn::LoadU(d, s.peepholes + at), before, i);
          f = hn::MulAdd(hn::LoadU(d, s.peepholes + 2 * padded + at), before, f);
        }
        i = apply(s.functions[0], s.clip, i);
        f = s.coupled ? hn::Sub(hn::Set(d, 1.0f), i) : apply(s.functions[0], s.clip, f);
        state = hn::MulAdd(i, apply(s.functions[1], s.clip, g), hn::Mul(f, before));
        if (s.peepholes) o = hn::MulAdd(hn::LoadU(d, s.peepholes + padded + at), state, o);
        o = apply(s.functions[0], s.clip, o);
        hn::StoreU(hn::Mul(o, apply(s.functions[2], std::numeric_limits<float>::infinity(), state)), d,
                   rows.next[r] + at);
      }
      hn::StoreU(state, d, own);
    };
    block_sums<4>(s.weights + block * s.hidden * 4 * lanes, rows, rows.h, s.hidden, finish);
  }
}

void lstm(const CellSpec& s, const CellRows& rows, int64_t begin, int64_t end) {
  s.usual ? lstm_blocks<true>(s, rows, begin, end) : lstm_blocks<false>(s, rows, begin, end);
}

HWY_INLINE V gate(const CellSpec& s, V x) { return s.usual ? v_sigmoid(D(), x) : apply(s.functions[0], s.clip, x); }
HWY_INLINE V candidate(const CellSpec& s, V x) { return s.usual ? v_tanh(D(), x) : apply(s.functions[1], s.clip, x); }
// (1 - z) * c + z * h
HWY_INLINE V mix(V z, V c, V h) { return hn::MulAdd(z, h, hn::Mul(hn::Sub(hn::Set(D(), 1.0f), z), c)); }

void gru(const CellSpec& s, const CellRows& rows, int64_t begin, int64_t end) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t block = begin; block < end; ++block) {
    const int64_t at = block * lanes;
    const V bias = hn::LoadU(d, s.hidden_bias + at);
    const auto finish = [&](int64_t r, V z, V reset, V c, V) HWY_ATTR {
      const float* x = rows.x[r] + 3 * at;
      z = gate(s, hn::Add(z, hn::LoadU(d, x)));
      reset = gate(s, hn::Add(reset, hn::LoadU(d, x + lanes)));
      c = candidate(s, hn::MulAdd(reset, hn::Add(c, bias), hn::LoadU(d, x + 2 * lanes)));
      hn::StoreU(mix(z, c, hn::LoadU(d, rows.h[r] + at)), d, rows.next[r] + at);
    };
    block_sums<3>(s.weights + block * s.hidden * 3 * lanes, rows, rows.h, s.hidden, finish);
  }
}

void gru_gates(const CellSpec& s, const CellRows& rows, int64_t begin, int64_t end) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t block = begin; block < end; ++block) {
    const int64_t at = block * lanes;
    const auto finish = [&](int64_t r, V z, V reset, V, V) HWY_ATTR {
      const float* x = rows.x[r] + 3 * at;
      hn::StoreU(gate(s, hn::Add(z, hn::LoadU(d, x))), d, rows.update[r] + at);
      reset = gate(s, hn::Add(reset, hn::LoadU(d, x + lanes)));
      hn::StoreU(hn::Mul(reset, hn::LoadU(d, rows.h[r] + at)), d, rows.scaled[r] + at);
    };
    block_sums<2>(s.weights + block * s.hidden * 2 * lanes, rows, rows.h, s.hidden, finish);
  }
}

void gru_candidate(const CellSpec& s, const CellRows& rows, int64_t begin, int64_t end) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t block = begin; block < end; ++block) {
    const int64_t at = block * lanes;
    const auto finish = [&](int64_t r, V c, V, V, V) HWY_ATTR {
      c = candidate(s, hn::Add(c, hn::LoadU(d, rows.x[r] + 3 * at + 2 * lanes)));
      hn::StoreU(mix(hn::LoadU(d, rows.update[r] + at), c, hn::LoadU(d, rows.h[r] + at)), d, rows.next[r] + at);
    };
    block_sums<1>(s.candidate + block * s.hidden * lanes, rows, rows.scaled, s.hidden, finish);
  }
}

void rnn(const CellSpec& s, const CellRows& rows, int64_t begin, int64_t end) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t block = begin; block < end; ++block) {
    const int64_t at = block * lanes;
    const auto finish = [&](int64_t r, V c, V, V, V) HWY_ATTR {
      c = hn::Add(c, hn::LoadU(d, rows.x[r] + at));
      c = s.usual ? v_tanh(d, c) : apply(s.functions[0], s.clip, c);
      hn::StoreU(c, d, rows.next[r] + at);
    };
    block_sums<1>(s.weights + block * s.hidden * lanes, rows, rows.h, s.hidden, finish);
  }
}

CellFunctions make_functions() {
  return {static_cast<int64_t>(hn::Lanes(D())), lstm, gru, gru_gates, gru_candidate, rnn};
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {
HWY_EXPORT(make_functions);
}

CellFunctions cell_functions() { return HWY_DYNAMIC_DISPATCH(make_functions)(); }

}  // namespace anyrt::cpu
#endif
