#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "run/executor.h"
#include "run/output_memory.h"

namespace anyrt {

// What one call shares with the bodies that run inside of it.
struct Call {
  const CallOptions* options = nullptr;
  std::shared_ptr<MemoryMeter> meter;  // where there is a cap: arenas, values and what operators make beside them
  std::atomic<uint64_t> draws{0};
  uint64_t seed = 0;
  mutable std::atomic<uint32_t> checks{0};  // so far
  mutable std::chrono::steady_clock::time_point first_check;
  mutable bool is_long = false;
  std::vector<Tensor> into;  // CallOptions::into, as far as it can be used
  bool entered = false;      // the graph itself has begun: bodies come after it

  Status check() const;        // cancelled, out of time
  void look_at_clock() const;  // of a call that wants to know when it is long; now and then
  Status charge(size_t more);  // ResourceExhausted beyond the cap
  void refund(size_t less) {
    if (meter) meter->remove(less);
  }
};

// A kernel bound while running, to sizes that the plan could not know.
struct DynamicBinding {
  // What it is for: dims of each input, and the elements of those that sizes may be computed from.
  std::vector<std::pair<Dims, std::vector<int64_t>>> key;
  std::vector<BoundTensor> out;
  std::unique_ptr<BoundStep> step;  // null: the reference runs these sizes
  std::shared_ptr<Buffer> scratch;
};

// Memory of one call of one plan; reused by later calls.
struct Frame {
  std::vector<Value> values;                // host slots
  std::vector<const void*> bytes;           // of each host slot's tensor
  std::vector<Value> planned;               // tensors in the arena whose sizes are known; empty for other slots
  std::vector<uint8_t> changed;             // the slot holds something else than what was planned
  std::vector<DeviceTensor> device_values;  // slots on devices with memory of their own
  std::vector<size_t> charged;              // bytes charged for a slot's heap value
  std::shared_ptr<Buffer> arena;            // of the host
  std::vector<DeviceMemory> device_arenas;  // by device
  std::shared_ptr<const PlanMemory> memory;
  std::vector<const void*> in;  // arguments of the step that runs
  std::vector<void*> out;
  std::vector<const Tensor*> tensors;
  std::map<size_t, DynamicBinding> dynamic;          // by step
  bool regular = true;                               // all tensors so far have the sizes of `memory`
  std::vector<std::pair<uint32_t, Tensor>> targets;  // memory of the caller's for slots of outputs

  // The caller's memory for this slot, when it is as wanted.
  const Tensor* target(uint32_t slot, DType dtype, const Dims& dims) const {
    for (const auto& [s, t] : targets) {
      if (s == slot && t.dtype() == dtype && t.dims() == dims) return &t;
    }
    return nullptr;
  }

  const Tensor* planned_tensor(uint32_t slot) const {
    return planned[slot].empty() ? nullptr : &planned[slot].tensor();
  }
  void replace(uint32_t slot, Value value) {
    bytes[slot] = value.is_tensor() ? value.tensor().raw() : nullptr;
    values[slot] = std::move(value);
    changed[slot] = 1;
  }
  // Back to what was planned: a tensor in the arena, or nothing.
  void restore(uint32_t slot) {
    if (!changed[slot]) return;
    values[slot] = planned[slot];
    bytes[slot] = planned[slot].empty() ? nullptr : planned[slot].tensor().raw();
    changed[slot] = 0;
  }
  // Whether the slot has the sizes of `memory`.
  bool is_regular(uint32_t slot) const {
    if (!changed[slot]) return true;
    const auto& dims = memory->dims[slot];
    return !dims || (values[slot].is_tensor() && values[slot].tensor().dims() == *dims);
  }
};

// What the sizes of a call's inputs decide.
struct CallSizes {
  Dim::Bindings bindings;
  std::shared_ptr<const PlanMemory> memory;
};

struct Executor::State {
  using Sizes = std::shared_ptr<const CallSizes>;
  // A dim of an input or a capture that gives a symbol its value.
  struct SymbolPlace {
    bool capture;
    size_t index;
    size_t axis;
  };
  struct SizesSeen {
    Sizes outer;
    std::vector<int64_t> dims;  // by symbol place
    Sizes sizes;
  };

  const Plan* plan = nullptr;
  std::vector<SymbolPlace> symbol_places;
  // Bodies of control-flow steps, by step and position in PlanStep::bodies.
  std::vector<std::vector<std::unique_ptr<State>>> bodies;
  std::vector<DeviceTensor> device_constants;  // by position in Plan::device_constants

  mutable std::mutex mutex;
  // Placements by symbol values, least recently used last; bounded.
  mutable std::list<std::pair<std::vector<int64_t>, std::shared_ptr<const PlanMemory>>> placements;
  mutable std::list<SizesSeen> seen;  // ordered and bounded as placements are
  mutable std::vector<std::unique_ptr<Frame>> spare;
  std::shared_ptr<OutputMemory> output_memory;  // null: a body, whose results its step takes over
  std::vector<Value> constants;                 // prepared slots: weights, by slot
  mutable std::atomic<uint64_t> calls{0};

  ~State();
  Status prepare(const Plan& source);
  std::shared_ptr<const PlanMemory> placement(const Dim::Bindings& bindings) const;
  // Sizes seen before are found without allocating.
  Sizes sizes_of(const std::vector<Value>& inputs, const std::vector<Value>& captures, const Sizes& outer) const;
  Expected<std::unique_ptr<Frame>> take_frame(const std::shared_ptr<const PlanMemory>& memory, Call& call) const;
  void give_back(std::unique_ptr<Frame> frame, Call& call) const;
  void free_frame(Frame& frame) const;
  void trim() const;
  Expected<std::vector<Value>> run(const std::vector<Value>& inputs, const std::vector<Value>& captures,
                                   const Sizes& outer, Call& call) const;
  Status run_steps(Frame& frame, const Sizes& sizes, Call& call) const;
  Status run_step(size_t i, Frame& frame, const Sizes& sizes, Call& call) const;
  Status run_host_step(size_t i, Frame& frame, const Sizes& sizes, Call& call) const;
  Status run_bound_step(size_t i, Frame& frame, Call& call) const;
  // Runs the step's kernel for the sizes at hand; false when it does not take them.
  Expected<bool> run_dynamic_step(size_t i, Frame& frame, Call& call) const;
  Status run_view_step(size_t i, Frame& frame) const;
  Status run_parts_step(size_t i, Frame& frame, Call& call) const;
  Expected<void*> heap_output(uint32_t slot, DType dtype, const Dims& dims, Frame& frame, Call& call) const;
  Status run_device_step(const PlanStep& step, Frame& frame, const Dim::Bindings& bindings) const;
};

// Symbols that the declared types of `slots` give values to.
void bind_symbols(const Plan& plan, const std::vector<uint32_t>& slots, const std::vector<Value>& values,
                  Dim::Bindings& bindings);

}  // namespace anyrt
