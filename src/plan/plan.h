#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/device.h"
#include "graph/graph.h"
#include "memory/place.h"
#include "tensor/dim.h"

namespace anyrt {

inline constexpr uint32_t kNoSlot = 0xffffffffu;

// Where the bytes of a slot come from.
enum class SlotKind : uint8_t {
  kInput,     // the caller's
  kCapture,   // of the graph around a body
  kConstant,  // weights
  kArena,     // placed in the arena of its device, when its size is known before it is computed
  kHeap,      // allocated on its own: graph outputs, strings, sequences
};

// One graph value in one place. A value that several devices use has a slot on each.
struct Slot {
  ValueId value = kNoValue;
  uint32_t device = 0;  // index into Plan::devices; 0 is the host
  SlotKind kind = SlotKind::kHeap;
  uint32_t root = kNoSlot;       // the slot whose bytes it uses (views, parts and in-place results); itself otherwise
  uint32_t base = kNoSlot;       // the next slot on the way to the root
  uint32_t part_step = kNoSlot;  // where it is a part of `base`: the step that joins or splits,
  uint32_t part_index = 0;       // and which of its inputs or outputs it is
  uint32_t first = 0, last = 0;  // steps; of the whole group at its root
};

enum class StepKind : uint8_t { kRun, kLaunch, kCopyIn, kCopyOut };

struct Plan;

// The plan of a subgraph of a control-flow node.
struct Body {
  std::string attr;
  std::unique_ptr<Plan> plan;
};

struct PlanStep {
  StepKind kind = StepKind::kRun;
  uint32_t device = 0;
  CompiledStep compiled;
  std::vector<uint32_t> inputs;  // slots; kNoSlot for omitted ones
  std::vector<uint32_t> outputs;
  std::vector<uint32_t> captures;  // host slots of Node::captures
  std::vector<uint32_t> release;   // slots that nobody reads after this step
  std::vector<Body> bodies;
};

// What runs, in which order, on which bytes. A plain value that refers to its graph.
struct Plan {
  const Graph* graph = nullptr;
  std::vector<Device*> devices;  // [0] is the CPU
  std::vector<Slot> slots;
  std::vector<PlanStep> steps;
  std::vector<uint32_t> inputs;            // slots of graph.inputs
  std::vector<uint32_t> captures;          // slots of graph.captures
  std::vector<uint32_t> outputs;           // slots of graph.outputs
  std::vector<uint32_t> constants;         // host slots that hold weights
  std::vector<uint32_t> device_constants;  // slots of weights on other devices
  std::vector<std::string> symbols;        // that sizes depend on, sorted
  std::vector<std::string> notes;          // for explain: one line a decision

  const Type& type(uint32_t slot) const { return graph->value(slots[slot].value).type; }
};

struct PlanOptions {
  std::vector<uint32_t> assignment;  // device of each node, by id; empty = all on the CPU
};

// Which device runs each node (by node id): the first of `devices` that supports it, else 0. `notes` gets one line a
// node that a preferred device refused.
std::vector<uint32_t> partition(const Graph& graph, const std::vector<Device*>& devices,
                                std::vector<std::string>* notes);

// Compiles regions, adds copies between devices, finds lifetimes, views and in-place results.
Expected<std::unique_ptr<Plan>> build_plan(const Graph& graph, const std::vector<Device*>& devices);

class WeightCache;

// Prepares the steps of the plan and of its bodies, in parallel, and drops the weights that are needed no more.
// `graph` is the plan's. Plans of one process with the same key share what they prepare; "" shares nothing. Packed
// weights come from the cache and go there; null: there is none.
Status prepare_plan(Plan& plan, Graph& graph, const std::string& key, int threads, WeightCache* cache = nullptr);

// How a step runs for given symbol values.
enum class StepMode : uint8_t {
  kGeneral,  // sizes are found as it runs
  kBound,    // PlanMemory::bound
  kView,     // nothing to do: the output has the bytes of the input
  kJoin,     // parts of a whole: copies those that do not lie in it already
  kSplit,
};

// Sizes, places and bound steps for given symbol values.
struct PlanMemory {
  std::vector<size_t> offsets;                    // by slot; SIZE_MAX = not in the arena
  std::vector<size_t> bytes;                      // by slot, of what was planned for it; SIZE_MAX = not known
  std::vector<std::optional<Dims>> dims;          // by slot; nullopt = not known
  std::vector<size_t> arena;                      // by device
  std::vector<StepMode> modes;                    // by step
  std::vector<std::shared_ptr<BoundStep>> bound;  // by step
  std::vector<size_t> scratch;                    // by step: place in the host's arena
};
PlanMemory place_plan(const Plan& plan, const Dim::Bindings& bindings);

// Text for people and for comparing: steps, kernels, slots, memory when every size is known.
std::string print_plan(const Plan& plan, int indent = 0);

}  // namespace anyrt
