#include "run/executor.h"

#include <cstring>

#include "base/threads.h"
#include "opdef/eval.h"
#include "opdef/schema.h"
#include "run/state.h"

namespace anyrt {

namespace {

using StateRunner = std::function<Expected<std::vector<Value>>(std::string_view, std::vector<Value>)>;

// Where a host step reads and writes: slots of the frame, placed in the arena when the size is as planned.
class StepContext final : public EvalContext {
 public:
  StepContext(const Plan& plan, const PlanStep& step, Frame& frame, Call& call, const StateRunner& subgraph)
      : EvalContext(plan.graph->node(step.compiled.nodes.back())),
        plan_(plan),
        step_(step),
        frame_(frame),
        call_(call),
        subgraph_(subgraph) {}

  size_t num_inputs() const override { return step_.inputs.size(); }
  size_t num_outputs() const override { return step_.outputs.size(); }
  const Value& value(size_t i) const override {
    static const Value kOmitted;
    return step_.inputs[i] == kNoSlot ? kOmitted : frame_.values[step_.inputs[i]];
  }
  bool wants_output(size_t i) const override { return i < step_.outputs.size() && step_.outputs[i] != kNoSlot; }

  Expected<Tensor*> output(size_t i, DType dtype, const Dims& dims) override {
    if (!wants_output(i)) {
      ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, dims));
      unwanted_.push_back(std::make_unique<Tensor>(std::move(t)));
      return unwanted_.back().get();
    }
    const uint32_t slot = step_.outputs[i];
    const size_t offset = frame_.memory->offsets[slot];
    ANYRT_ASSIGN(const int64_t count, checked_element_count(dims));
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(count), element_size(dtype), &bytes))
      return invalid_argument("{} is too large", shape_string(dims));
    if (offset != SIZE_MAX && dtype != DType::kString && bytes <= frame_.memory->bytes[slot] && frame_.arena) {
      ANYRT_ASSIGN(Tensor t, Tensor::view(dtype, dims, frame_.arena, offset));
      frame_.values[slot] = std::move(t);
    } else {
      ANYRT_TRY(charge(slot, bytes));
      ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, dims));
      frame_.values[slot] = std::move(t);
    }
    return &frame_.values[slot].tensor();
  }

  void set_output(size_t i, Value value) override {
    if (!wants_output(i)) return;
    const uint32_t slot = step_.outputs[i];
    // Bytes of the arena are reused as soon as their own slot is dead: only planned views may keep them.
    if (value.is_tensor()) {
      const Tensor& t = value.tensor();
      if (in_arena(t) && !is_planned_view(slot, t)) {
        Expected<Tensor*> y = output(i, t.dtype(), t.dims());
        if (!y.ok()) return note(y.status());
        std::memmove((*y)->mutable_raw(), t.raw(), t.bytes());
        return;
      }
      if (!in_arena(t)) note(charge(slot, t.buffer() && t.buffer()->writable() ? t.bytes() : 0));
    } else {
      value = detach(value);
    }
    frame_.values[slot] = std::move(value);
  }

  Expected<std::vector<Value>> run_subgraph(std::string_view name, std::vector<Value> inputs) override {
    return subgraph_(name, std::move(inputs));
  }
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& f) override {
    anyrt::parallel_for(n, grain, f, call_.options->threads);
  }
  Status check_cancelled() override { return call_.check(); }
  uint64_t random_seed() override { return call_.seed + 0x9e3779b97f4a7c15ull * ++call_.draws; }

  Status take_error() { return std::move(error_); }

 private:
  bool in_arena(const Tensor& t) const { return frame_.arena && t.buffer().get() == frame_.arena.get(); }
  bool is_planned_view(uint32_t slot, const Tensor& t) const {
    return plan_.slots[slot].root != slot && t.buffer_offset() == frame_.memory->offsets[plan_.slots[slot].root];
  }
  void note(Status s) {
    if (error_.ok()) error_ = std::move(s);
  }
  Status charge(uint32_t slot, size_t bytes) {
    call_.refund(frame_.charged[slot]);
    frame_.charged[slot] = bytes;
    return call_.charge(bytes);
  }
  // Sequences and maps hold tensors beyond the step: those of the arena are copied out of it.
  Value detach(const Value& value) {
    if (value.is_tensor() && in_arena(value.tensor())) {
      Expected<Tensor> copy = value.tensor().clone();
      if (!copy.ok()) {
        note(copy.status());
        return Value();
      }
      return Value(std::move(*copy));
    }
    if (!value.is_sequence()) return value;
    Sequence s = value.sequence();
    for (Value& v : s.values) v = detach(v);
    return Value(std::move(s));
  }

  const Plan& plan_;
  const PlanStep& step_;
  Frame& frame_;
  Call& call_;
  const StateRunner& subgraph_;
  std::vector<std::unique_ptr<Tensor>> unwanted_;
  Status error_;
};

}  // namespace

Status Executor::State::prepare(const Plan& source) {
  plan = &source;
  constants.resize(plan->slots.size());
  for (uint32_t s : plan->constants) constants[s] = plan->graph->value(plan->slots[s].value).constant;
  for (uint32_t s : plan->device_constants) {
    const Tensor& t = plan->graph->value(plan->slots[s].value).constant;
    Device& device = *plan->devices[plan->slots[s].device];
    DeviceTensor d{t.dtype(), t.dims(), {}, 0, t.bytes()};
    ANYRT_ASSIGN(d.memory, device.alloc(std::max<size_t>(t.bytes(), 1)));
    device_constants.push_back(d);
    Fence done;
    ANYRT_TRY(device.copy_in(d.memory, 0, t.raw(), t.bytes(), {}, &done));
    ANYRT_TRY(device.sync(done));
  }
  bodies.resize(plan->steps.size());
  for (size_t i = 0; i < plan->steps.size(); ++i) {
    for (const Body& body : plan->steps[i].bodies) {
      bodies[i].push_back(std::make_unique<State>());
      ANYRT_TRY(bodies[i].back()->prepare(*body.plan));
    }
  }
  return {};
}

Status Executor::State::run_host_step(size_t i, Frame& frame, const Dim::Bindings& bindings, Call& call) const {
  const PlanStep& step = plan->steps[i];
  const StateRunner subgraph = [&](std::string_view name, std::vector<Value> inputs) -> Expected<std::vector<Value>> {
    for (size_t b = 0; b < step.bodies.size(); ++b) {
      if (step.bodies[b].attr != name) continue;
      const Graph& g = *step.bodies[b].plan->graph;
      std::vector<Value> captured;
      for (const Capture& c : g.captures) captured.push_back(frame.values[step.captures[c.slot]]);
      return bodies[i][b]->run(inputs, captured, bindings, call);
    }
    return invalid_model("attribute '{}' must hold a graph", name);
  };
  StepContext c(*plan, step, frame, call, subgraph);
  ANYRT_TRY(verify_types(*c.node().def, step.inputs.size(), [&](size_t k) { return c.value(k).type(); }));
  ANYRT_TRY(step.compiled.run(c, step.compiled.state.get()));
  return c.take_error();
}

Status Executor::State::run_device_step(const PlanStep& step, Frame& frame, const Dim::Bindings& bindings) const {
  Device& device = *plan->devices[step.device];
  const auto place = [&](uint32_t slot, DeviceTensor& t) -> Status {
    const Type& type = plan->type(slot);
    if (frame.memory->bytes[slot] == SIZE_MAX || frame.memory->offsets[slot] == SIZE_MAX) {
      return internal_error("the size of '{}' ({}) is not known before it runs",
                            plan->graph->value(plan->slots[slot].value).name, type.to_string());
    }
    t.memory = frame.device_arenas[step.device];
    t.offset = frame.memory->offsets[slot];
    return {};
  };
  if (step.kind == StepKind::kCopyIn) {
    const Tensor& t = frame.values[step.inputs[0]].tensor();
    DeviceTensor d{t.dtype(), t.dims(), {}, 0, t.bytes()};
    ANYRT_TRY(place(step.outputs[0], d));
    if (t.bytes() > frame.memory->bytes[step.outputs[0]]) {
      return internal_error("'{}' has {} bytes, {} were planned",
                            plan->graph->value(plan->slots[step.outputs[0]].value).name, t.bytes(),
                            frame.memory->bytes[step.outputs[0]]);
    }
    Fence done;
    ANYRT_TRY(device.copy_in(d.memory, d.offset, t.raw(), t.bytes(), {}, &done));
    // The host may reuse the source's bytes from here on.
    ANYRT_TRY(device.sync(done));
    frame.device_values[step.outputs[0]] = d;
    return {};
  }
  if (step.kind == StepKind::kCopyOut) {
    const DeviceTensor& d = frame.device_values[step.inputs[0]];
    ANYRT_ASSIGN(Tensor t, Tensor::make(d.dtype, d.dims));
    Fence done;
    ANYRT_TRY(device.copy_out(t.mutable_raw(), d.memory, d.offset, d.bytes, {}, &done));
    ANYRT_TRY(device.sync(done));
    frame.values[step.outputs[0]] = std::move(t);
    return {};
  }
  std::vector<DeviceTensor> in, out;
  for (uint32_t s : step.inputs) in.push_back(s == kNoSlot ? DeviceTensor{} : frame.device_values[s]);
  for (uint32_t s : step.outputs) {
    DeviceTensor t;
    if (s != kNoSlot) {
      ANYRT_TRY(place(s, t));
      t.dtype = plan->type(s).dtype;
      t.bytes = frame.memory->bytes[s];
      for (const Dim& d : *plan->type(s).shape) t.dims.push_back(d.evaluate(bindings).value_or(0));
    }
    out.push_back(std::move(t));
  }
  Fence done;
  ANYRT_TRY(device.launch(step.compiled, in, out, {}, &done));
  for (size_t k = 0; k < step.outputs.size(); ++k) {
    if (step.outputs[k] != kNoSlot) frame.device_values[step.outputs[k]] = out[k];
  }
  return {};
}

Status Executor::State::run_steps(Frame& frame, const Dim::Bindings& bindings, Call& call) const {
  for (size_t i = 0; i < plan->steps.size(); ++i) {
    const PlanStep& step = plan->steps[i];
    ANYRT_TRY(call.check());
    Status s =
        step.kind == StepKind::kRun ? run_host_step(i, frame, bindings, call) : run_device_step(step, frame, bindings);
    if (!s.ok()) {
      if (step.compiled.nodes.empty()) return s;
      return std::move(s).with_context("node " + plan->graph->node(step.compiled.nodes[0]).label());
    }
    if (call.options->on_node && !step.compiled.nodes.empty() && step.kind == StepKind::kRun) {
      std::vector<Value> out;
      for (uint32_t k : step.outputs) out.push_back(k == kNoSlot ? Value() : frame.values[k]);
      call.options->on_node(*plan->graph, step.compiled.nodes.back(), out);
    }
    for (uint32_t r : step.release) {
      frame.values[r] = Value();
      call.refund(frame.charged[r]);
      frame.charged[r] = 0;
    }
  }
  return {};
}

Expected<std::vector<Value>> Executor::State::run(const std::vector<Value>& inputs, const std::vector<Value>& captures,
                                                  const Dim::Bindings& outer, Call& call) const {
  if (inputs.size() != plan->inputs.size()) {
    return invalid_argument("graph '{}' takes {} inputs, found {}", plan->graph->name, plan->inputs.size(),
                            inputs.size());
  }
  Dim::Bindings bindings = outer;
  bind_symbols(*plan, plan->captures, captures, bindings);
  bind_symbols(*plan, plan->inputs, inputs, bindings);
  ANYRT_ASSIGN(std::unique_ptr<Frame> frame, take_frame(bindings, call));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueInfo& info = plan->graph->value(plan->slots[plan->inputs[i]].value);
    frame->values[plan->inputs[i]] = inputs[i].empty() && info.is_constant() ? Value(info.constant) : inputs[i];
  }
  for (size_t i = 0; i < captures.size(); ++i) frame->values[plan->captures[i]] = captures[i];
  Status s = run_steps(*frame, bindings, call);
  std::vector<Value> out;
  if (s.ok()) {
    for (uint32_t slot : plan->outputs) out.push_back(frame->values[slot]);
  }
  give_back(std::move(frame), call);
  if (!s.ok()) return s;
  return out;
}

Executor::Executor() : state_(std::make_unique<State>()) {}
Executor::~Executor() = default;

Expected<std::unique_ptr<Executor>> Executor::create(const Plan& plan) {
  std::unique_ptr<Executor> e(new Executor());
  ANYRT_TRY(e->state_->prepare(plan));
  return e;
}

Expected<std::vector<Value>> Executor::run(const std::vector<Value>& inputs, const CallOptions& options) const {
  Call call;
  call.options = &options;
  call.seed = 0x2545f4914f6cdd1dull * ++state_->calls;
  ANYRT_ASSIGN(std::vector<Value> out, state_->run(inputs, {}, {}, call));
  // The caller owns what it gets: results that share bytes with inputs, weights or each other are copied.
  for (Value& v : out) {
    if (!v.is_tensor() || v.tensor().unique() || v.tensor().dtype() == DType::kString) continue;
    ANYRT_ASSIGN(Tensor copy, v.tensor().clone());
    v = std::move(copy);
  }
  return out;
}

size_t Executor::idle_bytes() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  size_t total = 0;
  for (const auto& frame : state_->spare) total += frame->memory->arena[0];
  return total;
}

void Executor::trim() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  for (const auto& frame : state_->spare) state_->free_frame(*frame);
  state_->spare.clear();
}

}  // namespace anyrt
