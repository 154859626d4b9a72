#include "base/threads.h"
#include "run/state.h"

namespace anyrt {

namespace {
constexpr size_t kPlacementsKept = 16;
constexpr size_t kFramesKept = 4;
}  // namespace

void Call::look_at_clock() const {
  // Powers of two: clocks are slow beside small nodes.
  const uint32_t n = checks.fetch_add(1, std::memory_order_relaxed);
  if (is_long || (n & (n - 1)) != 0 || n == 0 || in_parallel_region()) return;
  const auto now = std::chrono::steady_clock::now();
  if (n == 1) first_check = now;
  if (now - first_check < std::chrono::milliseconds(1)) return;
  is_long = true;
  options->on_long_run();
}

Status Call::check() const {
  if (options->on_long_run) look_at_clock();
  if (options->cancel && options->cancel->load(std::memory_order_relaxed))
    return Status(Code::kCancelled, "the run was cancelled");
  if (options->deadline && std::chrono::steady_clock::now() > *options->deadline) {
    return Status(Code::kDeadlineExceeded, "the time limit of the run has passed");
  }
  return {};
}

Status Call::charge(size_t more) { return meter ? meter->add(more) : Status(); }

void bind_symbols(const Plan& plan, const std::vector<uint32_t>& slots, const std::vector<Value>& values,
                  Dim::Bindings& bindings) {
  Dim::Bindings fresh;
  for (size_t i = 0; i < slots.size() && i < values.size(); ++i) {
    const Type& t = plan.type(slots[i]);
    if (!values[i].is_tensor() || !t.is_tensor() || !t.shape) continue;
    const Dims& dims = values[i].tensor().dims();
    if (dims.size() != t.shape->size()) continue;
    for (size_t k = 0; k < dims.size(); ++k) {
      const auto symbol = (*t.shape)[k].symbol_name();
      if (!symbol) continue;
      const auto [it, inserted] = fresh.emplace(*symbol, dims[k]);
      // Models use one symbol for different sizes now and then: such a symbol says nothing.
      if (!inserted && it->second != dims[k]) it->second = -1;
    }
  }
  for (auto& [symbol, size] : fresh) bindings[symbol] = size;
}

std::shared_ptr<const PlanMemory> Executor::State::placement(const Dim::Bindings& bindings) const {
  std::vector<int64_t> key;
  key.reserve(plan->symbols.size());
  for (const std::string& s : plan->symbols) {
    const auto it = bindings.find(s);
    key.push_back(it == bindings.end() ? -1 : it->second);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    for (auto it = placements.begin(); it != placements.end(); ++it) {
      if (it->first != key) continue;
      placements.splice(placements.begin(), placements, it);
      return placements.front().second;
    }
  }
  Dim::Bindings usable;
  for (const auto& [symbol, size] : bindings) {
    if (size >= 0) usable.emplace(symbol, size);
  }
  auto made = std::make_shared<const PlanMemory>(place_plan(*plan, usable));
  const std::lock_guard<std::mutex> lock(mutex);
  placements.emplace_front(std::move(key), made);
  if (placements.size() > kPlacementsKept) placements.pop_back();
  return made;
}

Executor::State::Sizes Executor::State::sizes_of(const std::vector<Value>& inputs, const std::vector<Value>& captures,
                                                 const Sizes& outer) const {
  const auto dim_at = [&](const SymbolPlace& place) -> int64_t {
    const std::vector<Value>& values = place.capture ? captures : inputs;
    const uint32_t slot = (place.capture ? plan->captures : plan->inputs)[place.index];
    if (place.index >= values.size() || !values[place.index].is_tensor()) return -1;
    const Dims& dims = values[place.index].tensor().dims();
    return dims.size() == plan->type(slot).shape->size() ? dims[place.axis] : -1;
  };
  const auto fits = [&](const SizesSeen& one) {
    if (one.outer != outer) return false;
    for (size_t i = 0; i < symbol_places.size(); ++i) {
      if (one.dims[i] != dim_at(symbol_places[i])) return false;
    }
    return true;
  };
  {
    const std::lock_guard<std::mutex> lock(mutex);
    for (auto it = seen.begin(); it != seen.end(); ++it) {
      if (!fits(*it)) continue;
      seen.splice(seen.begin(), seen, it);
      return seen.front().sizes;
    }
  }
  auto made = std::make_shared<CallSizes>();
  if (outer) made->bindings = outer->bindings;
  bind_symbols(*plan, plan->captures, captures, made->bindings);
  bind_symbols(*plan, plan->inputs, inputs, made->bindings);
  made->memory = placement(made->bindings);
  SizesSeen one{outer, {}, made};
  for (const SymbolPlace& place : symbol_places) one.dims.push_back(dim_at(place));
  const std::lock_guard<std::mutex> lock(mutex);
  seen.push_front(std::move(one));
  if (seen.size() > kPlacementsKept) seen.pop_back();
  return made;
}

Expected<std::unique_ptr<Frame>> Executor::State::take_frame(const std::shared_ptr<const PlanMemory>& memory,
                                                             Call& call) const {
  ANYRT_TRY(call.charge(memory->arena[0]));
  std::unique_ptr<Frame> frame;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    for (size_t i = spare.size(); i-- > 0;) {
      if (spare[i]->memory != memory) continue;
      frame = std::move(spare[i]);
      spare.erase(spare.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  if (!frame) {
    frame = std::make_unique<Frame>();
    frame->memory = memory;
    frame->values.resize(plan->slots.size());
    frame->charged.assign(plan->slots.size(), 0);
    frame->device_values.resize(plan->devices.size() > 1 ? plan->slots.size() : 0);
    frame->device_arenas.resize(plan->devices.size());
    if (memory->arena[0]) {
      ANYRT_ASSIGN(frame->arena, allocate_buffer(memory->arena[0]));
    }
    for (size_t d = 1; d < plan->devices.size(); ++d) {
      if (!memory->arena[d]) continue;
      Expected<DeviceMemory> m = plan->devices[d]->alloc(memory->arena[d]);
      if (!m.ok()) {
        free_frame(*frame);
        return std::move(m).status();
      }
      frame->device_arenas[d] = *m;
    }
    frame->planned.resize(plan->slots.size());
    frame->changed.assign(plan->slots.size(), 0);
    frame->bytes.assign(plan->slots.size(), nullptr);
    for (uint32_t s : plan->constants) frame->planned[s] = constants[s];
    for (uint32_t s = 0; s < plan->slots.size(); ++s) {
      if (plan->slots[s].device == 0 && memory->offsets[s] != SIZE_MAX && memory->dims[s] && frame->arena) {
        ANYRT_ASSIGN(Tensor t, Tensor::view(plan->type(s).dtype, *memory->dims[s], frame->arena, memory->offsets[s]));
        frame->planned[s] = std::move(t);
      }
      if (frame->planned[s].empty()) continue;
      frame->values[s] = frame->planned[s];
      frame->bytes[s] = frame->values[s].tensor().raw();
    }
    for (size_t k = 0; k < plan->device_constants.size(); ++k)
      frame->device_values[plan->device_constants[k]] = device_constants[k];
  }
  return frame;
}

void Executor::State::free_frame(Frame& frame) const {
  for (size_t d = 1; d < frame.device_arenas.size(); ++d) {
    if (frame.device_arenas[d].bytes) plan->devices[d]->free(frame.device_arenas[d]);
    frame.device_arenas[d] = {};
  }
}

void Executor::State::give_back(std::unique_ptr<Frame> frame, Call& call) const {
  call.refund(frame->memory->arena[0]);
  frame->targets.clear();
  for (uint32_t s = 0; s < frame->values.size(); ++s) {
    if (frame->charged[s] != 0) {  // also of a slot whose value went beyond the cap
      call.refund(frame->charged[s]);
      frame->charged[s] = 0;
    }
    if (frame->changed[s]) frame->restore(s);
  }
  const std::lock_guard<std::mutex> lock(mutex);
  // Frames of shapes seen before stay, the oldest goes: memory is bounded whatever shapes come.
  spare.push_back(std::move(frame));
  if (spare.size() > kFramesKept) {
    free_frame(*spare.front());
    spare.erase(spare.begin());
  }
}

Executor::State::~State() {
  for (const auto& frame : spare) free_frame(*frame);
  for (size_t k = 0; k < device_constants.size(); ++k) {
    plan->devices[plan->slots[plan->device_constants[k]].device]->free(device_constants[k].memory);
  }
}

}  // namespace anyrt
