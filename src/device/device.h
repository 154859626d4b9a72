#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "device/bound.h"
#include "device/packed_store.h"
#include "graph/graph.h"
#include "tensor/tensor.h"

namespace anyrt {

class EvalContext;

// How exact kernels must be. strict: f32 FMA or better, the same bits over runs and thread counts. default: per layer
// at most 5e-6 of max|y| against float64. fast: reduced precision under a measured budget.
enum class Accuracy : uint8_t { kStrict, kDefault, kFast };

struct DeviceInfo {
  std::string name;               // "cpu", "loopback:0"
  std::string description;        // for people: processor name, instruction sets, memory
  size_t memory_bytes = 0;        // 0 = not known
  bool host_memory = false;       // kernels read and write the host's tensors
  double flops = 0;               // peak f32, measured or from the data sheet; 0 = not known
  double bandwidth = 0;           // bytes a second of its own memory
  double transfer_bandwidth = 0;  // bytes a second between host and device; 0 = no transfer needed
  double launch_seconds = 0;      // fixed cost of one launch
  std::string packing;            // what the form of packed weights depends on beside options: the instruction set
};

struct DeviceOptions {
  int index = 0;
  uint64_t seed = 0;  // loopback: which operators it refuses
  Accuracy accuracy = Accuracy::kDefault;
  int threads = 0;
  bool weights_once = false;  // no weights in a form that takes more memory than they do
};

// Memory of a device: an opaque handle, never dereferenced by the host unless DeviceInfo::host_memory.
struct DeviceMemory {
  uint64_t handle = 0;
  size_t bytes = 0;
};

// A tensor in a device's memory.
struct DeviceTensor {
  DType dtype = DType::kUndefined;
  Dims dims;
  DeviceMemory memory;
  size_t offset = 0;
  size_t bytes = 0;
};

// A point in a device's work: everything up to `value` is done once it is signalled. 0 = already passed.
struct Fence {
  uint64_t value = 0;
};

// Steps that only put tensors side by side or take them apart along an axis before which every dim is 1: the planner
// makes the parts views of the whole, and copies those that cannot be.
enum class Parts : uint8_t { kNone, kJoin, kSplit };

// What `compile` makes of one node, of several fused ones, or of a whole region. Allocates no buffers: the planner
// places them.
struct CompiledStep {
  std::string kernel;           // "eval", "f32_gemm_avx512", …
  std::vector<NodeId> nodes;    // where it comes from
  std::vector<ValueId> inputs;  // kNoValue for omitted ones
  std::vector<ValueId> outputs;
  uint32_t in_place = 0;  // bit i: output 0 may take the bytes of input i
  Parts parts = Parts::kNone;
  int64_t part_begin = 0;  // kSplit: byte of input 0 where output 0 begins; the other outputs follow it
  bool view0 = false;      // output 0 is input 0 under another shape: no work where the planner makes it so
  // Host-memory devices, on the calling thread. `bind` is used where all sizes are known, `run` (a kernel, or the
  // reference) elsewhere. `state` holds packed weights and the like, shared by all calls.
  BindFn bind = nullptr;
  // Makes `state`, once, after planning, with memory from the store (may be null). Null: there is nothing to make.
  std::function<Expected<std::shared_ptr<const void>>(const Graph&, PackedStore*)> prepare;
  uint32_t packed = 0;  // bit i: once there is a state, the weight at input i is needed no more
  // That weight again, from the state, for the reference.
  Expected<Tensor> (*unpack)(const void* state, size_t input) = nullptr;
  Status (*run)(EvalContext&, const void* state) = nullptr;
  std::shared_ptr<const void> state;
  // Other devices: what `launch` gets back.
  std::shared_ptr<const void> code;
};

// What one pass of a device has done.
struct DevicePassReport {
  const char* pass = "";
  size_t changes = 0;
  std::vector<std::string> notes;  // for explain: what was changed, what was not and why, one line each
};

// A graph rewrite of a device's own. It sees one graph at a time, nodes normalised and types inferred before and after.
struct DevicePass {
  const char* name;   // "cpu_assign_layout": of the stage, and to switch it off
  bool exact = true;  // results keep every bit; the others are left out where that is asked for
  std::function<Status(Graph&, DevicePassReport&)> run;
};

// One opened device. Functions may be called from several threads. A device keeps no tensor of its own between runs
// except what `alloc` gave out.
class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;

  // Whether the device can run the node; `why` says why not. Types and symbolic shapes of its values are known.
  virtual bool supports(const Graph& graph, NodeId node, std::string* why) = 0;
  // Graph rewrites of the device's own, in order; run before compile where no other device takes part.
  virtual std::vector<DevicePass> passes() { return {}; }
  // Steps for a region of supported nodes, in execution order.
  virtual Expected<std::vector<CompiledStep>> compile(const Graph& graph, std::span<const NodeId> region) = 0;

  // The rest is for devices with memory of their own.
  virtual Expected<DeviceMemory> alloc(size_t bytes) = 0;
  virtual void free(DeviceMemory memory) = 0;
  // Copies are ordered after the fences in `wait`; `done` (may be null) is signalled when the bytes have arrived.
  virtual Status copy_in(const DeviceMemory& to, size_t offset, const void* from, size_t bytes,
                         std::span<const Fence> wait, Fence* done) = 0;
  virtual Status copy_out(void* to, const DeviceMemory& from, size_t offset, size_t bytes, std::span<const Fence> wait,
                          Fence* done) = 0;
  // Directly from another device; NotImplemented makes the executor go through the host.
  virtual Status copy_peer(const DeviceMemory&, size_t, Device&, const DeviceMemory&, size_t, size_t,
                           std::span<const Fence>, Fence*) {
    return not_implemented("no direct copy between these devices");
  }
  // Starts the step; inputs and outputs as in CompiledStep, outputs already placed. Returns at once where the device
  // can.
  virtual Status launch(const CompiledStep& step, std::span<const DeviceTensor> inputs,
                        std::span<const DeviceTensor> outputs, std::span<const Fence> wait, Fence* done) = 0;
  // Blocks until the fence is signalled; reports an error of the work before it.
  virtual Status sync(Fence fence) = 0;
};

// A kind of device. The constant is `device_<name>` in devices/<name>/.
struct DeviceDef {
  const char* name;
  const char* doc;
  // What of this kind is present on the machine; empty when nothing is.
  Expected<std::vector<DeviceInfo>> (*probe)();
  Expected<std::unique_ptr<Device>> (*open)(const DeviceOptions& options);
};

// The table that the build writes from the folder listing.
extern const DeviceDef* const kDeviceRegistry[];
extern const size_t kDeviceRegistrySize;

std::span<const DeviceDef* const> all_devices();
const DeviceDef* find_device(std::string_view name);
// "loopback:1" -> the device of index 1. NotFound names what there is.
Expected<std::unique_ptr<Device>> open_device(std::string_view name, DeviceOptions options = {});

}  // namespace anyrt
