#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "run/executor.h"

namespace anyrt {

// What one call shares with the bodies that run inside of it.
struct Call {
  const CallOptions* options = nullptr;
  std::atomic<size_t> bytes{0};  // activations: arenas and heap values
  std::atomic<uint64_t> draws{0};
  uint64_t seed = 0;

  Status check() const;        // cancelled, out of time
  Status charge(size_t more);  // ResourceExhausted beyond the cap
  void refund(size_t less) { bytes -= less; }
};

// Memory of one call of one plan; reused by later calls.
struct Frame {
  std::vector<Value> values;                // host slots
  std::vector<DeviceTensor> device_values;  // slots on devices with memory of their own
  std::vector<size_t> charged;              // bytes charged for a slot's heap value
  std::shared_ptr<Buffer> arena;            // of the host
  std::vector<DeviceMemory> device_arenas;  // by device
  std::shared_ptr<const PlanMemory> memory;
};

struct Executor::State {
  const Plan* plan = nullptr;
  // Bodies of control-flow steps, by step and position in PlanStep::bodies.
  std::vector<std::vector<std::unique_ptr<State>>> bodies;
  std::vector<DeviceTensor> device_constants;  // by position in Plan::device_constants

  mutable std::mutex mutex;
  // Placements by symbol values, least recently used last; bounded.
  mutable std::list<std::pair<std::vector<int64_t>, std::shared_ptr<const PlanMemory>>> placements;
  mutable std::vector<std::unique_ptr<Frame>> spare;
  std::vector<Value> constants;  // prepared slots: weights, by slot
  mutable std::atomic<uint64_t> calls{0};

  ~State();
  Status prepare(const Plan& source);
  std::shared_ptr<const PlanMemory> placement(const Dim::Bindings& bindings) const;
  Expected<std::unique_ptr<Frame>> take_frame(const Dim::Bindings& bindings, Call& call) const;
  void give_back(std::unique_ptr<Frame> frame, Call& call) const;
  void free_frame(Frame& frame) const;
  Expected<std::vector<Value>> run(const std::vector<Value>& inputs, const std::vector<Value>& captures,
                                   const Dim::Bindings& outer, Call& call) const;
  Status run_steps(Frame& frame, const Dim::Bindings& bindings, Call& call) const;
  Status run_host_step(size_t i, Frame& frame, const Dim::Bindings& bindings, Call& call) const;
  Status run_device_step(const PlanStep& step, Frame& frame, const Dim::Bindings& bindings) const;
};

// Symbols that the declared types of `slots` give values to.
void bind_symbols(const Plan& plan, const std::vector<uint32_t>& slots, const std::vector<Value>& values,
                  Dim::Bindings& bindings);

}  // namespace anyrt
