#include "opdef/recurrent.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "base/threads.h"
#include "devices/cpu/gemm/epilogue.h"
#include "devices/cpu/gemm/gemm.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/recurrent/step.h"

namespace anyrt::cpu {
namespace {

constexpr int64_t kChunkBytes = 256 << 10;  // of gates from the input that are made at once: they stay in the cache
constexpr int64_t kParallelWork = 40000;    // of a step, in vector pairs: less is not worth a second thread

struct Family {
  int64_t gates = 1;
  bool reset_first = false;  // GRU: the reset gate scales h, not what comes from it
  std::vector<std::string> functions;
};

Family family_of(const AttrReader& a) {
  if (a.node().op == "LSTM") return {4, false, {"Sigmoid", "Tanh", "Tanh"}};
  if (a.node().op == "GRU") return {3, a.i("linear_before_reset") == 0, {"Sigmoid", "Tanh"}};
  return {1, false, {"Tanh"}};
}

// Weights with the gates of as many units as a vector has lanes side by side.
struct Packed {
  struct Direction {
    PackedMatrices w;
    std::vector<float> bias, hidden_bias, peepholes;
    std::shared_ptr<Buffer> r, candidate;
  };
  int64_t directions = 1, gates = 1, hidden = 0, inputs = 0, lanes = 1, blocks = 0;
  bool reset_first = false;
  std::vector<Direction> each;

  int64_t padded() const { return blocks * lanes; }
  // Where unit u of gate g stands among `count` gates.
  int64_t column(int64_t count, int64_t g, int64_t u) const { return (u / lanes * count + g) * lanes + u % lanes; }
  // The same in blocks [hidden][count][lanes], for input k.
  int64_t place(int64_t count, int64_t g, int64_t u, int64_t k) const {
    return (u / lanes * hidden + k) * count * lanes + g * lanes + u % lanes;
  }
};

Expected<std::shared_ptr<Buffer>> zeros(int64_t n) {
  ANYRT_ASSIGN(std::shared_ptr<Buffer> b, allocate_buffer(static_cast<size_t>(n) * sizeof(float)));
  std::memset(b->data(), 0, static_cast<size_t>(n) * sizeof(float));
  return b;
}
float* floats(const std::shared_ptr<Buffer>& b) { return reinterpret_cast<float*>(b->data()); }

Expected<std::shared_ptr<const void>> prepare(const KernelQuery& q) {
  const std::shared_ptr<const void> none;
  const Tensor *w = q.input_constant(1), *r = q.input_constant(2), *b = q.input_constant(3), *p = q.input_constant(7);
  if (!w || !r || (q.has_input(3) && !b) || (q.has_input(7) && !p)) return none;
  const Family family = family_of(q);
  const Expected<int64_t> directions = read_direction(q, nullptr);
  if (!directions.ok() || w->rank() != 3 || r->rank() != 3) return none;
  auto packed = std::make_shared<Packed>();
  Packed& m = *packed;
  m.directions = *directions;
  m.gates = family.gates;
  m.reset_first = family.reset_first;
  m.hidden = r->dim(2);
  m.inputs = w->dim(2);
  m.lanes = cell_functions().lanes;
  m.blocks = (m.hidden + m.lanes - 1) / m.lanes;
  const int64_t rows = m.gates * m.hidden, columns = m.gates * m.padded();
  if (w->dims() != Dims{m.directions, rows, m.inputs} || r->dims() != Dims{m.directions, rows, m.hidden} ||
      (b && b->dims() != Dims{m.directions, 2 * rows}) || (p && p->dims() != Dims{m.directions, 3 * m.hidden}))
    return none;
  const int64_t apart = m.reset_first ? 2 : m.gates;  // gates whose recurrent weights are kept together
  for (int64_t d = 0; d < m.directions; ++d) {
    Packed::Direction& one = m.each.emplace_back();
    const auto recurrent = [&](int64_t first, int64_t count) {
      const int64_t size = m.blocks * m.hidden * count * m.lanes;
      return take_packed(q.store(), static_cast<size_t>(size) * sizeof(float), [&, first, count, size](std::byte* to) {
        std::fill_n(reinterpret_cast<float*>(to), size, 0.0f);
        for (int64_t i = 0; i < count * m.hidden; ++i) {
          const int64_t g = i / m.hidden, u = i % m.hidden;
          const float* from = r->data<float>() + (d * rows + first * m.hidden + i) * m.hidden;
          for (int64_t k = 0; k < m.hidden; ++k) reinterpret_cast<float*>(to)[m.place(count, g, u, k)] = from[k];
        }
        return Status();
      });
    };
    ANYRT_ASSIGN(one.r, recurrent(0, apart));
    if (m.reset_first) {
      ANYRT_ASSIGN(one.candidate, recurrent(2, 1));
    }
    one.bias.assign(static_cast<size_t>(columns), 0.0f);
    one.hidden_bias.assign(static_cast<size_t>(m.padded()), 0.0f);
    for (int64_t i = 0; b && i < rows; ++i) {
      const int64_t g = i / m.hidden, u = i % m.hidden;
      const float* wb = b->data<float>() + d * 2 * rows + i;
      // Behind a reset gate the recurrent bias of the candidate stays with the recurrent part.
      const bool reset = m.gates == 3 && g == 2 && !m.reset_first;
      one.bias[static_cast<size_t>(m.column(m.gates, g, u))] = reset ? wb[0] : wb[0] + wb[rows];
      if (reset) one.hidden_bias[static_cast<size_t>(u)] = wb[rows];
    }
    if (p) {
      one.peepholes.assign(static_cast<size_t>(3 * m.padded()), 0.0f);
      for (int64_t i = 0; i < 3; ++i)
        std::copy_n(p->data<float>() + (d * 3 + i) * m.hidden, m.hidden, one.peepholes.data() + i * m.padded());
    }
    one.w = packed_form(DType::kFloat32, m.inputs, columns);
    const auto fill = [&](std::byte* to) -> Status {
      ANYRT_ASSIGN(const std::shared_ptr<Buffer> wide, zeros(columns * m.inputs));
      for (int64_t i = 0; i < rows; ++i) {
        std::copy_n(w->data<float>() + (d * rows + i) * m.inputs, m.inputs,
                    floats(wide) + m.column(m.gates, i / m.hidden, i % m.hidden) * m.inputs);
      }
      pack_into(one.w, floats(wide), 1, m.inputs, 0, to);
      return {};
    };
    ANYRT_ASSIGN(one.w.bytes, take_packed(q.store(), one.w.stride, fill));
  }
  return std::shared_ptr<const void>(std::move(packed));
}

Expected<Tensor> unpack(const void* state, size_t input) {
  const Packed& m = *static_cast<const Packed*>(state);
  const int64_t rows = m.gates * m.hidden, width = input == 1 ? m.inputs : m.hidden;
  ANYRT_ASSIGN(Tensor t, Tensor::make(DType::kFloat32, {m.directions, rows, width}));
  const int64_t columns = m.gates * m.padded(), apart = m.reset_first ? 2 : m.gates;
  ANYRT_ASSIGN(const std::shared_ptr<Buffer> wide, zeros(columns * m.inputs));
  for (int64_t d = 0; d < m.directions; ++d) {
    const Packed::Direction& one = m.each[static_cast<size_t>(d)];
    if (input == 1) unpack_matrices(one.w, 1, m.inputs, 0, floats(wide));
    for (int64_t g = 0; g < m.gates; ++g) {
      for (int64_t u = 0; u < m.hidden; ++u) {
        float* to = t.mutable_data<float>() + (d * rows + g * m.hidden + u) * width;
        for (int64_t k = 0; k < width; ++k) {
          if (input == 1)
            to[k] = floats(wide)[m.column(m.gates, g, u) * m.inputs + k];
          else
            to[k] = g < apart ? floats(one.r)[m.place(apart, g, u, k)] : floats(one.candidate)[m.place(1, 0, u, k)];
        }
      }
    }
  }
  return t;
}

class Layer final : public BoundStep {
 public:
  static Expected<std::unique_ptr<BoundStep>> bind(const BindQuery& q, const std::shared_ptr<const void>& state) {
    if (!state) return not_implemented("weights that are computed");
    auto step = std::make_unique<Layer>();
    step->packed_ = std::static_pointer_cast<const Packed>(state);
    const Packed& m = *step->packed_;
    const Family family = family_of(q);
    step->is_lstm_ = m.gates == 4;
    step->batch_first_ = q.i("layout") != 0;
    const Dims& x = q.input(0).dims;
    if (x.size() != 3 || x[2] != m.inputs || (q.has_attr("hidden_size") && q.i("hidden_size") != m.hidden))
      return invalid_argument("X does not fit the weights");
    step->steps_ = x[step->batch_first_ ? 1 : 0];
    step->batch_ = x[step->batch_first_ ? 0 : 1];
    const Dims state_dims =
        step->batch_first_ ? Dims{step->batch_, m.directions, m.hidden} : Dims{m.directions, step->batch_, m.hidden};
    for (size_t i : {5, 6}) {
      if (q.has_input(i) && q.input(i).dims != state_dims) return invalid_argument("initial state");
    }
    if (q.has_input(4) && q.input(4).dims != Dims{step->batch_}) return invalid_argument("sequence_lens");
    ANYRT_ASSIGN(const int64_t directions, read_direction(q, &step->backward_));
    if (directions != m.directions) return invalid_argument("direction");
    ANYRT_ASSIGN(step->functions_, read_activations(q, family.functions, static_cast<size_t>(m.directions)));
    step->clip_ = q.has_attr("clip") ? q.f("clip") : std::numeric_limits<float>::infinity();
    if (!(step->clip_ > 0)) return invalid_argument("clip is {}", step->clip_);
    step->coupled_ = q.i("input_forget") != 0;
    step->inputs_ = q.num_inputs();
    step->outputs_ = q.num_outputs();
    step->cells_ = cell_functions();
    step->plan(q.has_input(4));
    return std::unique_ptr<BoundStep>(std::move(step));
  }

  Status run(const StepArgs& args) const override {
    const int32_t* lengths = inputs_ > 4 ? args.input<int32_t>(4) : nullptr;
    for (int64_t b = 0; lengths && b < batch_; ++b) {
      if (lengths[b] < 0 || lengths[b] > steps_)
        return invalid_argument("a sequence length of {} is outside of [0, {}]", lengths[b], steps_);
    }
    parallel_for(
        packed_->directions, 1,
        [&](int64_t begin, int64_t end) {
          for (int64_t d = begin; d < end; ++d) run_direction(args, d, lengths);
        },
        args.threads);
    return {};
  }

 private:
  // What one direction has in the scratch, in bytes from its begin.
  struct Places {
    size_t gemm = 0, x = 0, h = 0, next = 0, cell = 0, update = 0, scaled = 0, pointers = 0, bytes = 0;
  };

  void plan(bool has_lengths) {
    const Packed& m = *packed_;
    width_ = m.gates * m.padded();
    // Steps of a backward sequence that ends early begin anywhere: then all gates are made at once.
    int64_t chunk = std::max<int64_t>(32, kChunkBytes / (width_ * 4)) / std::max<int64_t>(1, batch_);
    chunk = has_lengths ? steps_ : std::clamp<int64_t>(chunk, 1, std::max<int64_t>(1, steps_));
    const int64_t chunks = (steps_ + chunk - 1) / std::max<int64_t>(1, chunk);
    chunk_ = chunks == 0 ? 0 : (steps_ + chunks - 1) / chunks;
    const auto gemm = [&](int64_t steps) {
      GemmProblem p;
      p.k = m.inputs;
      p.n = p.c_row = width_;
      p.a_row = m.inputs;
      p.m = batch_first_ ? steps : steps * batch_;
      for (int64_t b = 0; batch_first_ && b < batch_; ++b) {
        p.a_at.push_back(b * steps_ * m.inputs);
        p.c_at.push_back(b * chunk_ * width_);
      }
      p.set_packed(m.each[0].w);
      return Gemm(std::move(p));
    };
    if (chunk_ > 0 && batch_ > 0) {
      gemms_.push_back(gemm(chunk_));
      if (steps_ % chunk_ != 0) gemms_.push_back(gemm(steps_ % chunk_));
    }
    epilogue_.has_bias = true;
    epilogue_.bias_col = 1;
    const auto place = [&](size_t bytes) {
      const size_t at = places_.bytes;
      places_.bytes = (at + bytes + 63) / 64 * 64;
      return at;
    };
    size_t gemm_bytes = 0;
    for (const Gemm& g : gemms_) gemm_bytes = std::max(gemm_bytes, g.scratch_bytes());
    const size_t state = static_cast<size_t>(batch_ * m.padded()) * sizeof(float);
    places_.gemm = place(gemm_bytes);
    places_.x = place(static_cast<size_t>(chunk_ * batch_ * width_) * sizeof(float));
    places_.h = place(state);
    places_.next = place(state);
    places_.cell = place(is_lstm_ ? state : 0);
    places_.update = place(m.reset_first ? state : 0);
    places_.scaled = place(m.reset_first ? state : 0);
    places_.pointers = place(static_cast<size_t>(batch_) * 8 * sizeof(void*));
    scratch_bytes = places_.bytes * static_cast<size_t>(m.directions);
    const int64_t work = m.blocks * m.lanes * m.gates * m.hidden * std::max<int64_t>(1, batch_) / (2 * m.lanes);
    parallel_ = m.directions == 1 && work >= kParallelWork;
  }

  bool backward(int64_t d) const { return d == 1 || backward_; }
  int64_t state_at(int64_t d, int64_t b) const {
    return (batch_first_ ? b * packed_->directions + d : d * batch_ + b) * packed_->hidden;
  }
  int64_t y_at(int64_t t, int64_t d, int64_t b) const {
    const int64_t n = packed_->directions;
    return (batch_first_ ? (b * steps_ + t) * n + d : (t * n + d) * batch_ + b) * packed_->hidden;
  }

  void run_direction(const StepArgs& args, int64_t d, const int32_t* lengths) const;

  std::shared_ptr<const Packed> packed_;
  bool is_lstm_ = false, batch_first_ = false, backward_ = false, coupled_ = false, parallel_ = false;
  int64_t steps_ = 0, batch_ = 0, chunk_ = 0, width_ = 0;
  float clip_ = 0;
  std::vector<RecurrentActivation> functions_;
  size_t inputs_ = 0, outputs_ = 0;
  CellFunctions cells_;
  std::vector<Gemm> gemms_;  // of a chunk, and of what is left over
  Epilogue epilogue_;
  Places places_;
};

bool are_usual(const std::vector<RecurrentActivation>& functions, size_t first, size_t count) {
  using Kind = RecurrentActivation::Kind;
  for (size_t i = 0; i < count; ++i) {
    const Kind expected = count > 1 && i == 0 ? Kind::kSigmoid : Kind::kTanh;
    if (functions[first + i].kind != expected) return false;
  }
  return true;
}

void Layer::run_direction(const StepArgs& args, int64_t d, const int32_t* lengths) const {
  const Packed& m = *packed_;
  const Packed::Direction& one = m.each[static_cast<size_t>(d)];
  std::byte* const own = args.scratch + static_cast<size_t>(d) * places_.bytes;
  const auto at = [&](size_t place) { return reinterpret_cast<float*>(own + place); };
  const int64_t padded = m.padded();
  const size_t functions = functions_.size() / static_cast<size_t>(m.directions);
  CellSpec spec;
  spec.hidden = m.hidden;
  spec.weights = floats(one.r);
  spec.candidate = m.reset_first ? floats(one.candidate) : nullptr;
  spec.hidden_bias = one.hidden_bias.data();
  spec.peepholes = one.peepholes.empty() ? nullptr : one.peepholes.data();
  spec.coupled = coupled_;
  spec.clip = clip_;
  spec.functions = functions_.data() + static_cast<size_t>(d) * functions;
  spec.usual = are_usual(functions_, static_cast<size_t>(d) * functions, functions) && !spec.peepholes && !coupled_ &&
               std::isinf(clip_);
  // State of each entry of the batch, and pointers to those that still go on.
  float** const all = reinterpret_cast<float**>(own + places_.pointers);
  float **const now = all, **const then = all + batch_, **const cell = all + 4 * batch_, **const h = all + 2 * batch_,
                **const next = all + 3 * batch_, **const update = all + 5 * batch_, **const scaled = all + 6 * batch_;
  const float** const x = const_cast<const float**>(all + 7 * batch_);
  const auto load = [&](size_t input, float* to, int64_t b) {
    const float* from = input < inputs_ ? args.input<float>(input) : nullptr;
    if (from) std::copy_n(from + state_at(d, b), m.hidden, to);
    std::fill(to + (from ? m.hidden : 0), to + padded, 0.0f);
  };
  for (int64_t b = 0; b < batch_; ++b) {
    now[b] = at(places_.h) + b * padded;
    then[b] = at(places_.next) + b * padded;
    load(5, now[b], b);
    if (is_lstm_) load(6, at(places_.cell) + b * padded, b);
  }
  float* const y = outputs_ > 0 ? args.output<float>(0) : nullptr;
  for (int64_t b = 0; y && lengths && b < batch_; ++b) {
    for (int64_t t = lengths[b]; t < steps_; ++t) std::fill_n(y + y_at(t, d, b), m.hidden, 0.0f);
  }
  const auto blocks = [&](CellFn f, const CellRows& rows) {
    if (!parallel_) return f(spec, rows, 0, m.blocks);
    parallel_for(
        m.blocks, 1, [&](int64_t begin, int64_t end) { f(spec, rows, begin, end); }, args.threads);
  };
  float* const gates = at(places_.x);
  const EpilogueRun<float> run{&epilogue_, one.bias.data(), nullptr, gates};
  for (int64_t first = 0; first < steps_ && batch_ > 0; first += chunk_) {
    const int64_t count = std::min(chunk_, steps_ - first);
    const int64_t base = backward(d) ? steps_ - first - count : first;  // first time of the chunk
    const Gemm& gemm = gemms_[count == chunk_ ? 0 : 1];
    gemm.run(args.input<float>(0) + base * (batch_first_ ? 1 : batch_) * m.inputs, one.w.bytes->data(), gates,
             epilogue_finish(run), own + places_.gemm, args.threads);
    for (int64_t i = first; i < first + count; ++i) {
      CellRows rows{0, x, h, next, cell, update, scaled};
      for (int64_t b = 0; b < batch_; ++b) {
        const int64_t length = lengths ? lengths[b] : steps_;
        if (i >= length) continue;
        const int64_t t = (backward(d) ? length - 1 - i : i) - base, k = rows.count++;
        x[k] = gates + (batch_first_ ? b * chunk_ + t : t * batch_ + b) * width_;
        h[k] = now[b];
        next[k] = then[b];
        if (is_lstm_) cell[k] = at(places_.cell) + b * padded;
        if (m.reset_first) {
          update[k] = at(places_.update) + b * padded;
          scaled[k] = at(places_.scaled) + b * padded;
        }
      }
      if (rows.count == 0) break;
      if (is_lstm_) {
        blocks(cells_.lstm, rows);
      } else if (m.gates == 1) {
        blocks(cells_.rnn, rows);
      } else if (m.reset_first) {
        blocks(cells_.gru_gates, rows);
        blocks(cells_.gru_candidate, rows);
      } else {
        blocks(cells_.gru, rows);
      }
      for (int64_t b = 0; b < batch_; ++b) {
        const int64_t length = lengths ? lengths[b] : steps_;
        if (i >= length) continue;
        std::swap(now[b], then[b]);
        if (y) std::copy_n(now[b], m.hidden, y + y_at(backward(d) ? length - 1 - i : i, d, b));
      }
    }
  }
  for (int64_t b = 0; b < batch_; ++b) {
    // Sequences of no steps leave no state behind.
    const bool empty = lengths && lengths[b] == 0;
    const float* const states[] = {now[b], at(places_.cell) + b * padded};
    for (size_t i : {0, 1}) {
      float* to = i + 1 < outputs_ ? args.output<float>(i + 1) : nullptr;
      if (!to) continue;
      if (empty)
        std::fill_n(to + state_at(d, b), m.hidden, 0.0f);
      else
        std::copy_n(states[i], m.hidden, to + state_at(d, b));
    }
  }
}

constexpr KernelRow row(const char* kernel, const char* op) {
  return {.kernel = kernel,
          .op = op,
          .dtypes = DType::kFloat32,
          .prepare = prepare,
          .packs = 1 << 1 | 1 << 2,
          .unpack = unpack,
          .bind = Layer::bind};
}
constexpr KernelRow kRows[] = {row("f32_lstm", "LSTM"), row("f32_gru", "GRU"), row("f32_rnn", "RNN")};

}  // namespace

extern const KernelTable kernels_recurrent = {kRows};

}  // namespace anyrt::cpu
