#include "device/device.h"

#include "base/cpu.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/parts.h"
#include "devices/cpu/passes/passes.h"
#include "opdef/eval.h"
#include "opdef/opdef.h"

namespace anyrt {
namespace {

#if defined(__x86_64__)
constexpr const char* kArchitecture = "x86-64";
#elif defined(__aarch64__)
constexpr const char* kArchitecture = "AArch64";
#elif defined(__riscv)
constexpr const char* kArchitecture = "RISC-V";
#else
constexpr const char* kArchitecture = "host";
#endif

Status run_eval(EvalContext& c, const void*) { return c.node().def->eval(c); }

class CpuDevice final : public Device {
 public:
  explicit CpuDevice(const DeviceOptions& options) : options_(options) {
    cpu::apply_isa_limit();
    info_.name = "cpu";
    info_.description = std::string(kArchitecture) + " processor, " + cpu::kernel_isa() + " kernels";
    info_.host_memory = true;
    info_.packing = cpu::kernel_isa();
  }

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Graph& graph, NodeId node, std::string* why) override {
    if (graph.node(node).def && graph.node(node).def->eval) return true;
    if (why) *why = "no reference implementation";
    return false;
  }

  std::vector<DevicePass> passes() override { return cpu::pass_list(options_.accuracy); }

  Expected<std::vector<CompiledStep>> compile(const Graph& graph, std::span<const NodeId> region) override {
    std::vector<CompiledStep> steps;
    for (NodeId id : region) {
      const Node& node = graph.node(id);
      CompiledStep step;
      step.nodes = {id};
      step.inputs = node.inputs;
      step.outputs = node.outputs;
      step.view0 = (node.def->flags & kView) != 0;
      cpu::set_parts(graph, node, step);
      const cpu::KernelQuery query(graph, id, options_.accuracy, options_.weights_once);
      if (const cpu::KernelRow* row = cpu::find_kernel(query)) {
        step.kernel = row->kernel;
        step.in_place = row->in_place;
        step.bind = row->bind;
        step.run = row->run ? row->run : run_eval;
        if (row->prepare) {
          step.prepare = [row, id, accuracy = options_.accuracy, once = options_.weights_once](const Graph& g,
                                                                                               PackedStore* store) {
            return row->prepare(cpu::KernelQuery(g, id, accuracy, once, store));
          };
          step.unpack = row->unpack;
          for (size_t i = 0; i < node.inputs.size() && i < 32; ++i) {
            if ((row->packs >> i & 1) && query.input_constant(i)) step.packed |= 1u << i;
          }
        }
      } else {
        step.kernel = step.view0 ? "view" : "eval";
        step.run = run_eval;
      }
      steps.push_back(std::move(step));
    }
    return steps;
  }

  Expected<DeviceMemory> alloc(size_t) override { return internal_error("the cpu uses the host's tensors"); }
  void free(DeviceMemory) override {}
  Status copy_in(const DeviceMemory&, size_t, const void*, size_t, std::span<const Fence>, Fence*) override {
    return internal_error("the cpu uses the host's tensors");
  }
  Status copy_out(void*, const DeviceMemory&, size_t, size_t, std::span<const Fence>, Fence*) override {
    return internal_error("the cpu uses the host's tensors");
  }
  Status launch(const CompiledStep&, std::span<const DeviceTensor>, std::span<const DeviceTensor>,
                std::span<const Fence>, Fence*) override {
    return internal_error("the cpu runs steps on the calling thread");
  }
  Status sync(Fence) override { return {}; }

 private:
  DeviceOptions options_;
  DeviceInfo info_;
};

Expected<std::vector<DeviceInfo>> probe() {
  ANYRT_TRY(cpu::check_isa_limit());
  DeviceInfo info = CpuDevice({}).info();
  const CpuInfo& cpu = cpu_info();
  const std::string model = cpu.model.empty() ? std::string(kArchitecture) + " processor" : cpu.model;
  info.description =
      fmt::format("{}, {} of {} processors, {} kernels", model, cpu.usable, cpu.logical, cpu::kernel_isa());
  info.memory_bytes = memory_info().total;
  return std::vector<DeviceInfo>{std::move(info)};
}

Expected<std::unique_ptr<Device>> open(const DeviceOptions& options) {
  ANYRT_TRY(cpu::check_isa_limit());
  return std::unique_ptr<Device>(new CpuDevice(options));
}

}  // namespace

extern const DeviceDef device_cpu = {
    .name = "cpu",
    .doc = "Every operator, by tuned kernels where there are some and by the reference elsewhere.",
    .probe = probe,
    .open = open,
};

}  // namespace anyrt
