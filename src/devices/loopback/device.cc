#include "device/device.h"

#include <cstdlib>
#include <cstring>

#include "devices/loopback/memory.h"
#include "devices/loopback/queue.h"
#include "interp/interp.h"
#include "opdef/opdef.h"

namespace anyrt {
namespace {

// Which operators the device refuses is drawn from the seed, so that partitions of every kind are met.
bool refuses(const Node& node, uint64_t seed) {
  uint64_t h = 1469598103934665603ull ^ seed;
  for (const char c : node.domain + ":" + node.op) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return (h >> 33) % 4 == 0;
}

struct Code {
  Node node;
};

class LoopbackDevice final : public Device {
 public:
  explicit LoopbackDevice(const DeviceOptions& options) : seed_(options.seed) {
    if (const char* text = std::getenv("ANYRT_LOOPBACK_SEED")) seed_ = std::strtoull(text, nullptr, 10);
    info_.name = fmt::format("loopback:{}", options.index);
    info_.description = "memory of its own, a thread of its own, kernels from the reference";
  }

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Graph& graph, NodeId id, std::string* why) override {
    const Node& node = graph.node(id);
    if (!node.def->eval && !node.def->decompose) {
      *why = "no reference implementation";
      return false;
    }
    if (node.def->flags & (kHostOnly | kRandom)) {
      *why = "it needs the host";
      return false;
    }
    if (refuses(node, seed_)) {
      *why = fmt::format("refused by seed {}", seed_);
      return false;
    }
    return true;
  }

  Expected<std::vector<CompiledStep>> compile(const Graph& graph, std::span<const NodeId> region) override {
    std::vector<CompiledStep> steps;
    for (NodeId id : region) {
      const Node& node = graph.node(id);
      CompiledStep step;
      step.kernel = "loopback_eval";
      step.nodes = {id};
      step.inputs = node.inputs;
      step.outputs = node.outputs;
      step.code = std::make_shared<const Code>(Code{node});
      steps.push_back(std::move(step));
    }
    return steps;
  }

  Expected<DeviceMemory> alloc(size_t bytes) override { return memory_.alloc(bytes); }

  void free(DeviceMemory memory) override {
    queue_.submit([this, memory] {
      memory_.free(memory);
      return Status();
    });
  }

  Status copy_in(const DeviceMemory& to, size_t offset, const void* from, size_t bytes, std::span<const Fence>,
                 Fence* done) override {
    return submit(done, [this, to, offset, from, bytes]() -> Status {
      ANYRT_ASSIGN(std::byte* const p, memory_.at(to, offset, bytes));
      if (bytes) std::memcpy(p, from, bytes);
      return {};
    });
  }

  Status copy_out(void* to, const DeviceMemory& from, size_t offset, size_t bytes, std::span<const Fence>,
                  Fence* done) override {
    return submit(done, [this, to, from, offset, bytes]() -> Status {
      ANYRT_ASSIGN(std::byte* const p, memory_.at(from, offset, bytes));
      if (bytes) std::memcpy(to, p, bytes);
      return {};
    });
  }

  Status launch(const CompiledStep& step, std::span<const DeviceTensor> inputs, std::span<const DeviceTensor> outputs,
                std::span<const Fence>, Fence* done) override {
    return submit(done, [this, code = step.code, in = std::vector<DeviceTensor>(inputs.begin(), inputs.end()),
                         out = std::vector<DeviceTensor>(outputs.begin(), outputs.end())] {
      return run(static_cast<const Code*>(code.get())->node, in, out);
    });
  }

  Status sync(Fence fence) override { return queue_.wait(fence.value); }

 private:
  // Work is done in the order it is submitted, so fences to wait for have passed when the work starts.
  Status submit(Fence* done, std::function<Status()> work) {
    const uint64_t fence = queue_.submit(std::move(work));
    if (done) done->value = fence;
    return {};
  }

  Status run(const Node& node, const std::vector<DeviceTensor>& in, const std::vector<DeviceTensor>& out) {
    std::vector<Value> values;
    for (const DeviceTensor& t : in) {
      if (t.dtype == DType::kUndefined) {
        values.emplace_back();
        continue;
      }
      ANYRT_ASSIGN(std::byte* const p, memory_.at(t.memory, t.offset, t.bytes));
      ANYRT_ASSIGN(Tensor view, Tensor::view(t.dtype, t.dims, borrow_buffer(p, t.bytes, nullptr, false)));
      values.push_back(std::move(view));
    }
    ANYRT_ASSIGN(const std::vector<Value> results, interpret_node(node, values));
    for (size_t i = 0; i < out.size(); ++i) {
      if (out[i].dtype == DType::kUndefined) continue;
      const Tensor& r = results[i].tensor();
      if (r.dtype() != out[i].dtype || r.dims() != out[i].dims) {
        return internal_error("loopback: {} gave {} for output {}, planned was {}{}", node.label(), r.type_string(), i,
                              dtype_name(out[i].dtype), shape_string(out[i].dims));
      }
      ANYRT_ASSIGN(std::byte* const p, memory_.at(out[i].memory, out[i].offset, r.bytes()));
      if (r.bytes()) std::memcpy(p, r.raw(), r.bytes());
    }
    return {};
  }

  uint64_t seed_;
  DeviceInfo info_;
  loopback::MemoryTable memory_;
  loopback::Queue queue_;  // last: its thread stops before the memory goes
};

Expected<std::vector<DeviceInfo>> probe() {
  DeviceInfo info;
  info.name = "loopback:0";
  info.description = "a stand-in for devices with memory of their own";
  return std::vector<DeviceInfo>{info};
}

Expected<std::unique_ptr<Device>> open(const DeviceOptions& options) {
  return std::unique_ptr<Device>(new LoopbackDevice(options));
}

}  // namespace

extern const DeviceDef device_loopback = {
    .name = "loopback",
    .doc =
        "The template for new devices and the proof of the interface: asynchronous, memory that the host cannot touch, "
        "refuses some operators.",
    .probe = probe,
    .open = open,
};

}  // namespace anyrt
