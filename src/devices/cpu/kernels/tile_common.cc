#include "devices/cpu/kernels/tile_common.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "tensor/convert.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/tile_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

template <class T>
HWY_INLINE void widen_as(const void* from, float* to, int64_t n) {
  const hn::ScalableTag<float> d;
  const T* x = static_cast<const T*>(from);
  row_each(d, n,
           [&](int64_t i, int64_t count) V_LAMBDA { v_store_some(v_load_some(d, x + i, count), d, to + i, count); });
}
template <class T>
HWY_INLINE void narrow_as(const float* from, void* to, int64_t n) {
  const hn::ScalableTag<float> d;
  T* y = static_cast<T*>(to);
  row_each(d, n,
           [&](int64_t i, int64_t count) V_LAMBDA { v_store_some(v_load_some(d, from + i, count), d, y + i, count); });
}

void widen_half(const void* from, float* to, int64_t n) { widen_as<Float16>(from, to, n); }
void widen_bfloat(const void* from, float* to, int64_t n) { widen_as<BFloat16>(from, to, n); }
void narrow_half(const float* from, void* to, int64_t n) { narrow_as<Float16>(from, to, n); }
void narrow_bfloat(const float* from, void* to, int64_t n) { narrow_as<BFloat16>(from, to, n); }

// Truth, which is 1 and 0 in f32.
void narrow_truth(const float* from, void* to, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<uint8_t, decltype(d)> db;
  auto* y = static_cast<uint8_t*>(to);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::DemoteTo(db, hn::ConvertTo(di, hn::LoadU(d, from + i))), db, y + i);
  }
  for (; i < n; ++i) y[i] = from[i] != 0;
}
void widen_truth(const void* from, float* to, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<uint8_t, decltype(d)> db;
  const auto* x = static_cast<const uint8_t*>(from);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::PromoteTo(di, hn::LoadU(db, x + i));
    hn::StoreU(hn::ConvertTo(d, hn::Min(v, hn::Set(di, 1))), d, to + i);
  }
  for (; i < n; ++i) to[i] = x[i] != 0 ? 1.0f : 0.0f;
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(widen_half);
HWY_EXPORT(widen_bfloat);
HWY_EXPORT(widen_truth);
HWY_EXPORT(narrow_half);
HWY_EXPORT(narrow_bfloat);
HWY_EXPORT(narrow_truth);

constexpr int64_t kGrain = 1 << 15;

const std::byte* element(const void* base, DType dtype, int64_t i) {
  return static_cast<const std::byte*>(base) + i * static_cast<int64_t>(element_size(dtype));
}

}  // namespace

void widen_elements(DType dtype, const void* from, float* to, int64_t n) {
  switch (dtype) {
    case DType::kFloat32: std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float)); return;
    case DType::kFloat16: HWY_DYNAMIC_DISPATCH(widen_half)(from, to, n); return;
    case DType::kBFloat16: HWY_DYNAMIC_DISPATCH(widen_bfloat)(from, to, n); return;
    case DType::kBool: HWY_DYNAMIC_DISPATCH(widen_truth)(from, to, n); return;
    default: convert_elements(dtype, from, DType::kFloat32, to, static_cast<size_t>(n)); return;
  }
}

void narrow_elements(DType dtype, const float* from, void* to, int64_t n) {
  switch (dtype) {
    case DType::kFloat32: std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float)); return;
    case DType::kFloat16: HWY_DYNAMIC_DISPATCH(narrow_half)(from, to, n); return;
    case DType::kBFloat16: HWY_DYNAMIC_DISPATCH(narrow_bfloat)(from, to, n); return;
    case DType::kBool: HWY_DYNAMIC_DISPATCH(narrow_truth)(from, to, n); return;
    default: convert_elements(DType::kFloat32, from, dtype, to, static_cast<size_t>(n)); return;
  }
}

// Where the values of the tile at hand are.
struct TileProgram::State {
  alignas(64) float buffers[kMostBuffers][kTile];
  float scalars[kMostInputs];
  const float* at[kMostInputs + kMostConstants + kMostSteps];
  int64_t step[kMostInputs + kMostConstants + kMostSteps];
  int64_t outer = -1;
  Loops::Offsets offsets;
};

Expected<TileProgram> TileProgram::make(const Dims& out, std::span<const BoundTensor> inputs,
                                        std::vector<float> constants, std::span<const Step> steps,
                                        std::vector<Output> outputs) {
  if (inputs.size() > kMostInputs || constants.size() > kMostConstants || steps.size() > kMostSteps || steps.empty())
    return not_implemented("{} inputs and {} steps", inputs.size(), steps.size());
  const Dims* dims[kMostInputs];
  for (size_t k = 0; k < inputs.size(); ++k) dims[k] = &inputs[k].dims;
  TileProgram p(out, {dims, inputs.size()});
  p.constants_ = std::move(constants);
  p.outputs_ = std::move(outputs);
  p.choose_tiles();
  for (size_t k = 0; k < inputs.size(); ++k) {
    Input one{.dtype = inputs[k].dtype, .row = p.loops_.block.row[k], .step = p.loops_.block.step[k]};
    for (const auto& strides : p.loops_.outer_strides) one.moves = one.moves || strides[k] != 0;
    if (!one.moves && one.row == 0 && one.step == 0) {
      one.kind = Kind::kScalar;
    } else if (p.by_row_) {
      one.kind = one.step ? Kind::kDirect : Kind::kRowOne;
    } else if (one.step && one.row == p.loops_.block.n) {
      one.kind = Kind::kDirect;
    } else {
      one.kind = !one.step ? Kind::kPerRow : one.row == 0 ? Kind::kPattern : Kind::kRows;
    }
    p.inputs_.push_back(one);
  }
  int cost = static_cast<int>(inputs.size());
  for (const Step& s : steps) {
    Bound b{.f = map_function(s.call.op), .arity = map_arity(s.call.op), .a = s.call.a, .b = s.call.b, .scalar = true};
    for (int i = 0; i < b.arity; ++i) {
      b.in[i] = s.in[i];
      const auto value = static_cast<size_t>(s.in[i]);
      const bool of_input = value < p.inputs_.size() &&
                            (p.inputs_[value].kind == Kind::kScalar || p.inputs_[value].kind == Kind::kRowOne);
      const bool of_step = value >= p.first_step() && p.steps_[value - p.first_step()].scalar;
      const bool constant = value >= p.inputs_.size() && value < p.first_step();
      b.scalar = b.scalar && (of_input || of_step || constant);
    }
    cost += map_cost(s.call.op);
    p.steps_.push_back(b);
  }
  p.grain_ = std::max<int64_t>(1, 2 * kGrain / std::max<int64_t>(1, p.tile_n_ * p.tile_rows_ * cost));
  ANYRT_TRY(p.assign_buffers(steps));
  return p;
}

void TileProgram::choose_tiles() {
  const int64_t n = loops_.block.n, rows = loops_.block.rows;
  by_row_ = rows == 1 || n > kTile / 2;
  if (by_row_) {
    tiles_per_row_ = std::max<int64_t>(1, (n + kTile - 1) / kTile);
    tile_n_ = ((n + tiles_per_row_ - 1) / tiles_per_row_ + 15) / 16 * 16;
    tiles_per_row_ = std::max<int64_t>(1, (n + tile_n_ - 1) / std::max<int64_t>(1, tile_n_));
    tiles_per_block_ = rows * tiles_per_row_;
  } else {
    tile_n_ = n;
    tile_rows_ = std::min(rows, kTile / std::max<int64_t>(1, n));
    tiles_per_block_ = (rows + tile_rows_ - 1) / tile_rows_;
  }
  tiles_ = loops_.total == 0 ? 0 : loops_.outer * tiles_per_block_;
}

// A value takes a buffer from where it is made until it is last read; inputs that repeat keep theirs.
Status TileProgram::assign_buffers(std::span<const Step> steps) {
  const size_t count = first_step();
  std::vector<size_t> last(count + steps.size(), 0);
  for (size_t s = 0; s < steps.size(); ++s) {
    for (int i = 0; i < steps_[s].arity; ++i) last[static_cast<size_t>(steps[s].in[i])] = s;
  }
  for (const Output& o : outputs_) last[static_cast<size_t>(o.value)] = SIZE_MAX;
  std::vector<bool> taken(kMostBuffers, false);
  const auto take = [&]() -> int {
    for (size_t b = 0; b < kMostBuffers; ++b) {
      if (taken[b]) continue;
      taken[b] = true;
      return static_cast<int>(b);
    }
    return -1;
  };
  for (Input& in : inputs_) {
    const bool lies_well = in.dtype == DType::kFloat32 && (in.kind == Kind::kDirect || in.kind == Kind::kRowOne);
    if (in.kind == Kind::kScalar || lies_well) continue;
    in.buffer = take();
    if (in.buffer < 0) return not_implemented("too many values at a time");
  }
  for (size_t s = 0; s < steps.size(); ++s) {
    // The last step's result goes straight to the only output: everything is read by then.
    const bool only = outputs_.size() == 1 && outputs_[0].dtype == DType::kFloat32 && s + 1 == steps.size() &&
                      outputs_[0].value == static_cast<int>(count + s) && !steps_[s].scalar;
    if (only) continue;
    // Functions may overwrite an operand, so that its buffer is free already.
    const auto free_after = [&](size_t value) {
      if (last[value] != s) return;
      const int buffer = value < count ? -1 : steps_[value - count].buffer;
      if (buffer >= 0) taken[static_cast<size_t>(buffer)] = false;
    };
    bool overwrites = true;
    for (int i = 0; i < steps_[s].arity; ++i) {
      const auto value = static_cast<size_t>(steps[s].in[i]);
      overwrites = overwrites && (value < count || !steps_[value - count].scalar || steps_[s].scalar);
    }
    if (!overwrites) steps_[s].buffer = take();
    for (int i = 0; i < steps_[s].arity; ++i) free_after(static_cast<size_t>(steps[s].in[i]));
    if (overwrites) steps_[s].buffer = take();
    if (steps_[s].buffer < 0) return not_implemented("too many values at a time");
  }
  return {};
}

TileProgram::Tile TileProgram::tile(int64_t index) const {
  Tile t;
  t.outer = index / tiles_per_block_;
  const int64_t rest = index - t.outer * tiles_per_block_;
  if (by_row_) {
    t.row = rest / tiles_per_row_;
    t.column = (rest - t.row * tiles_per_row_) * tile_n_;
    t.n = std::min(tile_n_, loops_.block.n - t.column);
  } else {
    t.row = rest * tile_rows_;
    t.rows = std::min(tile_rows_, loops_.block.rows - t.row);
    t.n = t.rows * loops_.block.n;
  }
  return t;
}

void TileProgram::resolve(State& state, const Tile& t, const void* const* in) const {
  const bool moved = state.outer != t.outer;
  const bool first = state.outer < 0;
  if (moved) {
    state.offsets = loops_.offsets(t.outer);
    state.outer = t.outer;
  }
  const int64_t n = loops_.block.n;
  for (size_t k = 0; k < inputs_.size(); ++k) {
    const Input& one = inputs_[k];
    if (one.kind == Kind::kScalar) continue;
    const std::byte* from = element(in[k], one.dtype, state.offsets[k] + t.row * one.row + t.column * one.step);
    if (one.buffer < 0) {
      state.at[k] = reinterpret_cast<const float*>(from);
      continue;
    }
    float* to = state.buffers[one.buffer];
    switch (one.kind) {
      case Kind::kScalar: break;
      case Kind::kDirect: widen_elements(one.dtype, from, to, t.n); break;
      case Kind::kRowOne: widen_elements(one.dtype, from, to, 1); break;
      case Kind::kPattern:
        if (!first && !(moved && one.moves)) break;
        widen_elements(one.dtype, element(in[k], one.dtype, state.offsets[k]), to, n);
        for (int64_t done = n; done < tile_rows_ * n; done += n)
          std::memcpy(to + done, to, static_cast<size_t>(n) * sizeof(float));
        break;
      case Kind::kPerRow:
        for (int64_t r = 0; r < t.rows; ++r) {
          float v;
          widen_elements(one.dtype, from + r * one.row * static_cast<int64_t>(element_size(one.dtype)), &v, 1);
          std::fill_n(to + r * n, n, v);
        }
        break;
      case Kind::kRows:
        for (int64_t r = 0; r < t.rows; ++r)
          widen_elements(one.dtype, from + r * one.row * static_cast<int64_t>(element_size(one.dtype)), to + r * n, n);
        break;
    }
  }
}

void TileProgram::finish(const State& state, const Tile& t, void* const* out) const {
  const int64_t at = (t.outer * loops_.block.rows + t.row) * loops_.block.n + t.column;
  for (size_t o = 0; o < outputs_.size(); ++o) {
    const auto value = static_cast<size_t>(outputs_[o].value);
    if (value >= first_step() && steps_[value - first_step()].buffer < 0) continue;
    const DType dtype = outputs_[o].dtype;
    auto* to = static_cast<std::byte*>(out[o]) + at * static_cast<int64_t>(element_size(dtype));
    if (state.step[value] || t.n == 1) {
      narrow_elements(dtype, state.at[value], to, t.n);
      continue;
    }
    float filled[64];
    std::fill_n(filled, 64, *state.at[value]);
    for (int64_t i = 0; i < t.n; i += 64) {
      const int64_t count = std::min<int64_t>(64, t.n - i);
      narrow_elements(dtype, filled, to + i * static_cast<int64_t>(element_size(dtype)), count);
    }
  }
}

void TileProgram::run_tiles(const void* const* in, void* const* out, int64_t begin, int64_t end) const {
  State state;
  for (size_t k = 0; k < inputs_.size(); ++k) {
    const Kind kind = inputs_[k].kind;
    state.step[k] = kind == Kind::kScalar || kind == Kind::kRowOne ? 0 : 1;
    if (inputs_[k].buffer >= 0) state.at[k] = state.buffers[inputs_[k].buffer];
    if (kind != Kind::kScalar) continue;
    widen_elements(inputs_[k].dtype, in[k], &state.scalars[k], 1);
    state.at[k] = &state.scalars[k];
  }
  for (size_t k = 0; k < constants_.size(); ++k) {
    state.at[inputs_.size() + k] = &constants_[k];
    state.step[inputs_.size() + k] = 0;
  }
  for (size_t s = 0; s < steps_.size(); ++s) {
    state.step[first_step() + s] = steps_[s].scalar ? 0 : 1;
    if (steps_[s].buffer >= 0) state.at[first_step() + s] = state.buffers[steps_[s].buffer];
  }
  for (int64_t i = begin; i < end; ++i) {
    const Tile t = tile(i);
    resolve(state, t, in);
    for (const Bound& s : steps_) {
      MapBlock m;
      m.n = s.scalar ? 1 : t.n;
      for (int k = 0; k < s.arity; ++k) {
        m.in[k] = state.at[s.in[k]];
        m.step[k] = state.step[s.in[k]];
      }
      m.a = s.a;
      m.b = s.b;
      m.out = s.buffer >= 0
                  ? state.buffers[s.buffer]
                  : static_cast<float*>(out[0]) + (t.outer * loops_.block.rows + t.row) * loops_.block.n + t.column;
      s.f(m);
    }
    finish(state, t, out);
  }
}

void TileProgram::run(const void* const* in, void* const* out, int threads) const {
  if (tiles_ <= grain_) {
    if (tiles_ > 0) run_tiles(in, out, 0, tiles_);
  } else {
    parallel_for(
        tiles_, grain_, [&](int64_t begin, int64_t end) { run_tiles(in, out, begin, end); }, threads);
  }
}

}  // namespace anyrt::cpu
#endif
