#include "run/executor.h"

#include <algorithm>
#include <cstring>

#include "opdef/eval.h"
#include "opdef/schema.h"
#include "run/state.h"
#include "run/step_context.h"

namespace anyrt {

namespace {
bool is_tensor_of(const Value& value, const Type& type) {
  return value.is_tensor() && type.is_tensor() && value.tensor().dtype() == type.dtype;
}

// Where results may be written directly: dense tensors that share no bytes with an input or with each other.
std::vector<Tensor> usable_targets(const std::vector<Tensor>& into, const std::vector<Value>& inputs) {
  std::vector<Tensor> out(into.size());
  const auto overlap = [](const Tensor& a, const Tensor& b) {
    return a.defined() && b.defined() && a.raw() < b.raw() + b.bytes() && b.raw() < a.raw() + a.bytes();
  };
  for (const Value& v : inputs) {
    if (!v.empty() && !v.is_tensor()) return out;
  }
  for (size_t i = 0; i < into.size(); ++i) {
    bool usable = into[i].defined() && into[i].dtype() != DType::kString && into[i].size() > 0;
    for (const Value& v : inputs) usable = usable && !(v.is_tensor() && overlap(into[i], v.tensor()));
    for (size_t k = 0; k < i; ++k) usable = usable && !overlap(into[i], into[k]);
    if (usable) out[i] = into[i];
  }
  return out;
}

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
  for (const bool capture : {true, false}) {
    const std::vector<uint32_t>& slots = capture ? plan->captures : plan->inputs;
    for (size_t i = 0; i < slots.size(); ++i) {
      const Type& t = plan->type(slots[i]);
      if (!t.is_tensor() || !t.shape) continue;
      for (size_t axis = 0; axis < t.shape->size(); ++axis) {
        if ((*t.shape)[axis].symbol_name()) symbol_places.push_back({capture, i, axis});
      }
    }
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

Status Executor::State::run_host_step(size_t i, Frame& frame, const Sizes& sizes, Call& call) const {
  const PlanStep& step = plan->steps[i];
  const StateRunner subgraph = [&](std::string_view name, std::vector<Value> inputs) -> Expected<std::vector<Value>> {
    for (size_t b = 0; b < step.bodies.size(); ++b) {
      if (step.bodies[b].attr != name) continue;
      const Graph& g = *step.bodies[b].plan->graph;
      std::vector<Value> captured;
      for (const Capture& c : g.captures) captured.push_back(frame.values[step.captures[c.slot]]);
      return bodies[i][b]->run(inputs, captured, sizes, call);
    }
    return invalid_model("attribute '{}' must hold a graph", name);
  };
  std::vector<Value> unpacked;
  for (size_t k = 0; step.compiled.packed >> k != 0 && k < step.inputs.size(); ++k) {
    if (!(step.compiled.packed >> k & 1) || frame.values[step.inputs[k]].tensor().has_bytes()) continue;
    unpacked.resize(step.inputs.size());
    ANYRT_ASSIGN(Tensor weight, step.compiled.unpack(step.compiled.state.get(), k));
    unpacked[k] = std::move(weight);
  }
  StepContext c(*plan, step, frame, call, subgraph, unpacked);
  for (size_t k = 0; k < step.inputs.size(); ++k) {
    if (step.inputs[k] == kNoSlot || is_tensor_of(c.value(k), plan->type(step.inputs[k]))) continue;
    ANYRT_TRY(verify_types(*c.node().def, step.inputs.size(), [&](size_t n) { return c.value(n).type(); }));
    break;
  }
  {
    const MeterScope scope(call.meter);
    ANYRT_TRY(step.compiled.run(c, step.compiled.state.get()));
  }
  ANYRT_TRY(c.take_error());
  for (uint32_t slot : step.outputs) {
    if (slot == kNoSlot) continue;
    // Later kernels were chosen by the inferred element type.
    const Type& type = plan->type(slot);
    if (frame.changed[slot] && type.is_tensor() && type.dtype != DType::kUndefined && frame.values[slot].is_tensor() &&
        frame.values[slot].tensor().dtype() != type.dtype) {
      return internal_error("an output has element type {}, {} was inferred",
                            dtype_name(frame.values[slot].tensor().dtype()), dtype_name(type.dtype));
    }
    if (frame.regular && !frame.is_regular(slot)) frame.regular = false;
  }
  return {};
}

Expected<void*> Executor::State::heap_output(uint32_t slot, DType dtype, const Dims& dims, Frame& frame,
                                             Call& call) const {
  if (const Tensor* target = frame.target(slot, dtype, dims)) {
    frame.replace(slot, *target);
    return frame.values[slot].tensor().mutable_raw();
  }
  ANYRT_ASSIGN(Tensor t, output_memory ? output_memory->make(dtype, dims) : Tensor::make(dtype, dims));
  call.refund(frame.charged[slot]);
  frame.charged[slot] = t.bytes();
  ANYRT_TRY(call.charge(t.bytes()));
  void* bytes = t.mutable_raw();
  frame.replace(slot, std::move(t));
  return bytes;
}

Status Executor::State::run_bound_step(size_t i, Frame& frame, Call& call) const {
  const PlanStep& step = plan->steps[i];
  frame.in.clear();
  for (uint32_t s : step.inputs) frame.in.push_back(s == kNoSlot ? nullptr : frame.bytes[s]);
  frame.out.clear();
  for (uint32_t s : step.outputs) {
    if (s == kNoSlot) {
      frame.out.push_back(nullptr);
    } else if (!frame.planned[s].empty()) {
      frame.restore(s);
      frame.out.push_back(const_cast<void*>(frame.bytes[s]));
    } else {
      ANYRT_ASSIGN(void* bytes, heap_output(s, plan->type(s).dtype, *frame.memory->dims[s], frame, call));
      frame.out.push_back(bytes);
    }
  }
  std::byte* scratch = frame.arena ? frame.arena->data() + frame.memory->scratch[i] : nullptr;
  return frame.memory->bound[i]->run({frame.in.data(), frame.out.data(), scratch, call.options->threads});
}

Status Executor::State::run_parts_step(size_t i, Frame& frame, Call& call) const {
  const PlanStep& step = plan->steps[i];
  const bool join = step.compiled.parts == Parts::kJoin;
  const std::vector<size_t>& sizes = frame.memory->bytes;
  // Outputs are in place before anything is copied.
  for (uint32_t s : step.outputs) {
    if (!frame.planned[s].empty()) {
      frame.restore(s);
    } else {
      ANYRT_TRY(heap_output(s, plan->type(s).dtype, *frame.memory->dims[s], frame, call).status());
    }
  }
  const auto* whole = static_cast<const std::byte*>(frame.bytes[join ? step.outputs[0] : step.inputs[0]]);
  whole += join ? 0 : step.compiled.part_begin;
  for (uint32_t s : join ? step.inputs : step.outputs) {
    const auto* part = static_cast<const std::byte*>(frame.bytes[s]);
    if (part != whole) std::memmove(const_cast<std::byte*>(join ? whole : part), join ? part : whole, sizes[s]);
    whole += sizes[s];
  }
  return {};
}

Status Executor::State::run_view_step(size_t i, Frame& frame) const {
  const PlanStep& step = plan->steps[i];
  const uint32_t in = step.inputs[0], out = step.outputs[0];
  if (!frame.planned[out].empty() && frame.bytes[in] == frame.planned[out].tensor().raw()) {
    frame.restore(out);
    return {};
  }
  ANYRT_ASSIGN(Tensor t, frame.values[in].tensor().reshaped(*frame.memory->dims[out]));
  frame.replace(out, std::move(t));
  return {};
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
    frame.replace(step.outputs[0], std::move(t));
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

Status Executor::State::run_step(size_t i, Frame& frame, const Sizes& sizes, Call& call) const {
  const PlanStep& step = plan->steps[i];
  if (step.kind != StepKind::kRun) return run_device_step(step, frame, sizes->bindings);
  const StepMode mode = frame.memory->modes[i];
  bool as_planned = mode != StepMode::kGeneral;
  if (as_planned && !frame.regular) {
    for (uint32_t s : step.inputs) as_planned = as_planned && (s == kNoSlot || frame.is_regular(s));
  }
  if (as_planned) {
    if (mode == StepMode::kBound) return run_bound_step(i, frame, call);
    return mode == StepMode::kView ? run_view_step(i, frame) : run_parts_step(i, frame, call);
  }
  if (step.compiled.bind) {
    ANYRT_ASSIGN(const bool done, run_dynamic_step(i, frame, call));
    if (done) return {};
  }
  return run_host_step(i, frame, sizes, call);
}

Status Executor::State::run_steps(Frame& frame, const Sizes& sizes, Call& call) const {
  const bool watched = call.options->cancel || call.options->deadline;
  for (size_t i = 0; i < plan->steps.size(); ++i) {
    const PlanStep& step = plan->steps[i];
    if (watched) ANYRT_TRY(call.check());
    Status s = run_step(i, frame, sizes, call);
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
      if (!frame.changed[r]) continue;
      frame.restore(r);
      call.refund(frame.charged[r]);
      frame.charged[r] = 0;
    }
  }
  return {};
}

Expected<std::vector<Value>> Executor::State::run(const std::vector<Value>& inputs, const std::vector<Value>& captures,
                                                  const Sizes& outer, Call& call) const {
  if (inputs.size() != plan->inputs.size()) {
    return invalid_argument("graph '{}' takes {} inputs, found {}", plan->graph->name, plan->inputs.size(),
                            inputs.size());
  }
  const Sizes sizes = sizes_of(inputs, captures, outer);
  ANYRT_ASSIGN(std::unique_ptr<Frame> frame, take_frame(sizes->memory, call));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueInfo& info = plan->graph->value(plan->slots[plan->inputs[i]].value);
    frame->replace(plan->inputs[i], inputs[i].empty() && info.is_constant() ? Value(info.constant) : inputs[i]);
  }
  for (size_t i = 0; i < captures.size(); ++i) frame->replace(plan->captures[i], captures[i]);
  frame->regular = true;
  for (const auto* list : {&plan->inputs, &plan->captures}) {
    for (uint32_t s : *list) frame->regular = frame->regular && frame->is_regular(s);
  }
  // Bodies give their outputs to the step that runs them.
  if (!call.entered) {
    call.entered = true;
    for (size_t i = 0; i < call.into.size(); ++i) {
      if (call.into[i].defined()) frame->targets.emplace_back(plan->outputs[i], call.into[i]);
    }
  }
  Status s = run_steps(*frame, sizes, call);
  std::vector<Value> out;
  if (s.ok()) {
    const std::vector<uint32_t>& slots = plan->outputs;
    out.reserve(slots.size());
    for (size_t i = 0; i < slots.size(); ++i) {
      const bool again =
          std::find(slots.begin() + static_cast<std::ptrdiff_t>(i) + 1, slots.end(), slots[i]) != slots.end();
      // What was made in this run is not needed in the frame any more.
      if (frame->changed[slots[i]] && !again) {
        out.push_back(std::move(frame->values[slots[i]]));
      } else {
        out.push_back(frame->values[slots[i]]);
      }
    }
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
  e->state_->output_memory = std::make_shared<OutputMemory>(plan.outputs.size());
  return e;
}

Expected<std::vector<Value>> Executor::run(const std::vector<Value>& inputs, const CallOptions& options) const {
  Call call;
  call.options = &options;
  call.seed = 0x2545f4914f6cdd1dull * (options.same_seed ? 1 : ++state_->calls) ^ options.seed * 0x9e3779b97f4a7c15ull;
  if (options.memory_cap) call.meter = std::make_shared<MemoryMeter>(options.memory_cap);
  if (!options.into.empty()) call.into = usable_targets(options.into, inputs);
  ANYRT_ASSIGN(std::vector<Value> out, state_->run(inputs, {}, {}, call));
  // The caller owns what it gets: results that share bytes with inputs, weights or each other are copied.
  for (size_t i = 0; i < out.size(); ++i) {
    Value& v = out[i];
    if (i < call.into.size() && v.is_tensor() && call.into[i].defined() && v.tensor().raw() == call.into[i].raw())
      continue;
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
  return total + state_->output_memory->idle_bytes();
}

void Executor::trim() const { state_->trim(); }

void Executor::State::trim() const {
  for (const auto& step : bodies) {
    for (const auto& body : step) body->trim();
  }
  const std::lock_guard<std::mutex> lock(mutex);
  for (const auto& frame : spare) free_frame(*frame);
  spare.clear();
  if (output_memory) output_memory->trim();
}

}  // namespace anyrt
