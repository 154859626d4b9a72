#include <algorithm>
#include <map>
#include <set>

#include "opdef/opdef.h"
#include "plan/plan.h"

namespace anyrt {

namespace {

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, const std::vector<Device*>& devices)
      : graph_(graph), plan_(std::make_unique<Plan>()) {
    plan_->graph = &graph;
    plan_->devices = devices;
  }

  Expected<std::unique_ptr<Plan>> build() {
    assignment_ = partition(graph_, plan_->devices, &plan_->notes);
    add_sources();
    ANYRT_TRY(add_regions());
    for (ValueId v : graph_.outputs) {
      ANYRT_ASSIGN(const uint32_t slot, on_device(v, 0));
      plan_->outputs.push_back(slot);
    }
    find_lifetimes();
    share_bytes();
    collect_symbols();
    return std::move(plan_);
  }

 private:
  uint32_t new_slot(ValueId v, uint32_t device, SlotKind kind) {
    const uint32_t s = static_cast<uint32_t>(plan_->slots.size());
    Slot slot;
    slot.value = v;
    slot.device = device;
    slot.kind = kind;
    slot.root = s;
    slot.first = static_cast<uint32_t>(plan_->steps.size());
    plan_->slots.push_back(slot);
    where_[{index(v), device}] = s;
    return s;
  }

  void add_sources() {
    for (ValueId v : graph_.inputs) plan_->inputs.push_back(new_slot(v, 0, SlotKind::kInput));
    for (const Capture& c : graph_.captures) plan_->captures.push_back(new_slot(c.inner, 0, SlotKind::kCapture));
    for (size_t i = 0; i < graph_.value_capacity(); ++i) {
      const ValueId v{static_cast<uint32_t>(i)};
      const ValueInfo& info = graph_.value(v);
      if (info.is_constant() && !graph_.is_input(v) && (!info.uses.empty() || graph_.is_output(v))) {
        plan_->constants.push_back(new_slot(v, 0, SlotKind::kConstant));
      }
    }
  }

  // The slot of a value on a device; adds copies (through the host) when it is elsewhere.
  Expected<uint32_t> on_device(ValueId v, uint32_t device) {
    if (const auto it = where_.find({index(v), device}); it != where_.end()) return it->second;
    if (device == 0) {
      for (uint32_t d = 1; d < plan_->devices.size(); ++d) {
        const auto it = where_.find({index(v), d});
        if (it == where_.end()) continue;
        const uint32_t from = it->second;
        return add_copy(StepKind::kCopyOut, d, from, v, 0);
      }
      return internal_error("value '{}' is read before it is made", graph_.value(v).name);
    }
    ANYRT_ASSIGN(const uint32_t host, on_device(v, 0));
    if (plan_->slots[host].kind == SlotKind::kConstant) {
      const uint32_t s = new_slot(v, device, SlotKind::kConstant);
      plan_->device_constants.push_back(s);
      return s;
    }
    return add_copy(StepKind::kCopyIn, device, host, v, device);
  }

  uint32_t add_copy(StepKind kind, uint32_t device, uint32_t from, ValueId v, uint32_t to_device) {
    const uint32_t to = new_slot(v, to_device, SlotKind::kArena);
    PlanStep step;
    step.kind = kind;
    step.device = device;
    step.compiled.kernel = kind == StepKind::kCopyIn ? "copy_in" : "copy_out";
    step.inputs = {from};
    step.outputs = {to};
    plan_->steps.push_back(std::move(step));
    return to;
  }

  Status add_regions() {
    const std::vector<NodeId>& order = graph_.order();
    for (size_t begin = 0; begin < order.size();) {
      const uint32_t device = assignment_[index(order[begin])];
      size_t end = begin + 1;
      while (end < order.size() && assignment_[index(order[end])] == device) ++end;
      ANYRT_ASSIGN(std::vector<CompiledStep> steps,
                   plan_->devices[device]->compile(graph_, std::span<const NodeId>(order.data() + begin, end - begin)));
      for (CompiledStep& s : steps) ANYRT_TRY(add_step(std::move(s), device));
      begin = end;
    }
    return {};
  }

  Status add_step(CompiledStep compiled, uint32_t device) {
    PlanStep step;
    step.device = device;
    step.kind = plan_->devices[device]->info().host_memory ? StepKind::kRun : StepKind::kLaunch;
    const uint32_t home = step.kind == StepKind::kRun ? 0 : device;
    for (ValueId v : compiled.inputs) {
      uint32_t slot = kNoSlot;
      if (v != kNoValue) {
        ANYRT_ASSIGN(slot, on_device(v, home));
      }
      step.inputs.push_back(slot);
    }
    if (compiled.nodes.size() == 1) {
      const Node& node = graph_.node(compiled.nodes[0]);
      for (ValueId v : node.captures) {
        ANYRT_ASSIGN(const uint32_t slot, on_device(v, 0));
        step.captures.push_back(slot);
      }
      for (const Attr& a : node.attrs) {
        if (const auto* box = std::get_if<GraphBox>(&a.value)) {
          Expected<std::unique_ptr<Plan>> body = build_plan(**box, plan_->devices);
          if (!body.ok()) return std::move(body).status().with_context("node " + node.label());
          step.bodies.push_back({a.name, std::move(*body)});
        }
      }
    }
    for (ValueId v : compiled.outputs) {
      step.outputs.push_back(v == kNoValue ? kNoSlot : new_slot(v, home, SlotKind::kArena));
    }
    step.compiled = std::move(compiled);
    plan_->steps.push_back(std::move(step));
    return {};
  }

  void find_lifetimes() {
    std::vector<Slot>& slots = plan_->slots;
    for (uint32_t i = 0; i < plan_->steps.size(); ++i) {
      const PlanStep& step = plan_->steps[i];
      for (uint32_t s : step.outputs) {
        if (s != kNoSlot) slots[s].first = slots[s].last = i;
      }
      for (const auto* list : {&step.inputs, &step.captures}) {
        for (uint32_t s : *list) {
          if (s != kNoSlot) slots[s].last = std::max(slots[s].last, i);
        }
      }
    }
    const std::set<uint32_t> outputs(plan_->outputs.begin(), plan_->outputs.end());
    for (uint32_t s = 0; s < slots.size(); ++s) {
      const Type& t = plan_->type(s);
      if (slots[s].kind == SlotKind::kArena && (outputs.count(s) || !t.is_tensor() || t.dtype == DType::kString)) {
        slots[s].kind = SlotKind::kHeap;
      }
      if (slots[s].kind != SlotKind::kConstant && !outputs.count(s)) {
        if (!plan_->steps.empty() && slots[s].last < plan_->steps.size())
          plan_->steps[slots[s].last].release.push_back(s);
      }
    }
  }

  // Views and in-place results take the bytes of an input where that is safe.
  void share_bytes() {
    for (uint32_t i = 0; i < plan_->steps.size(); ++i) {
      const PlanStep& step = plan_->steps[i];
      if (step.kind != StepKind::kRun || step.inputs.empty() || step.outputs.empty()) continue;
      const uint32_t out = step.outputs[0];
      if (step.compiled.parts == Parts::kSplit) split(i);
      if (out == kNoSlot || plan_->slots[out].kind != SlotKind::kArena) continue;
      if (step.compiled.parts == Parts::kJoin) {
        join(i, out);
        continue;
      }
      if (step.compiled.parts != Parts::kNone) continue;
      if (step.compiled.view0) {
        share(step.inputs[0], out);
        continue;
      }
      for (size_t k = 0; k < step.inputs.size() && k < 32; ++k) {
        if (!(step.compiled.in_place >> k & 1) || !may_overwrite(i, step.inputs[k], out)) continue;
        share(step.inputs[k], out);
        break;
      }
    }
  }

  void share(uint32_t in, uint32_t out) {
    std::vector<Slot>& slots = plan_->slots;
    if (in == kNoSlot) return;
    slots[out].root = slots[in].root;
    slots[out].base = in;
    Slot& root = slots[slots[in].root];
    root.last = std::max(root.last, slots[out].last);
  }

  void split(uint32_t step) {
    const uint32_t in = plan_->steps[step].inputs[0];
    const std::vector<uint32_t>& outputs = plan_->steps[step].outputs;
    std::vector<Slot>& slots = plan_->slots;
    if (in == kNoSlot || slots[slots[in].root].kind != SlotKind::kArena) return;
    for (uint32_t k = 0; k < outputs.size(); ++k) {
      if (outputs[k] == kNoSlot || slots[outputs[k]].kind != SlotKind::kArena) continue;
      share(in, outputs[k]);
      slots[outputs[k]].part_step = step;
      slots[outputs[k]].part_index = k;
    }
  }

  // The inputs' buffers become parts of the output's.
  void join(uint32_t step, uint32_t out) {
    std::vector<Slot>& slots = plan_->slots;
    const std::vector<uint32_t>& inputs = plan_->steps[step].inputs;
    for (uint32_t k = 0; k < inputs.size(); ++k) {
      const uint32_t in = inputs[k];
      if (in == kNoSlot || slots[in].root == out || slots[slots[in].root].kind != SlotKind::kArena) continue;
      bool whole = true;
      for (uint32_t s = in; slots[s].base != kNoSlot; s = slots[s].base) whole = whole && slots[s].part_step == kNoSlot;
      if (!whole) continue;
      const uint32_t root = slots[in].root;
      slots[root].base = out;
      slots[root].part_step = step;
      slots[root].part_index = k;
      slots[out].first = std::min(slots[out].first, slots[root].first);
      slots[out].last = std::max(slots[out].last, slots[root].last);
      for (Slot& s : slots) {
        if (s.root == root) s.root = out;
      }
    }
  }

  // The step reads these bytes last, and only once.
  bool may_overwrite(uint32_t step, uint32_t in, uint32_t out) const {
    const std::vector<Slot>& slots = plan_->slots;
    if (in == kNoSlot || slots[slots[in].root].kind != SlotKind::kArena || slots[slots[in].root].last != step)
      return false;
    for (uint32_t other : plan_->steps[step].inputs) {
      if (other != kNoSlot && other != in && slots[other].root == slots[in].root) return false;
    }
    const auto& inputs = plan_->steps[step].inputs;
    if (std::count(inputs.begin(), inputs.end(), in) != 1) return false;
    const Type &a = plan_->type(in), &b = plan_->type(out);
    return a.shape && b.shape && a.dtype == b.dtype && *a.shape == *b.shape;
  }

  void collect_symbols() {
    std::set<std::string> all;
    for (uint32_t s = 0; s < plan_->slots.size(); ++s) {
      const Type& t = plan_->type(s);
      if (!t.is_tensor() || !t.shape) continue;
      std::vector<std::string> used;
      for (const Dim& d : *t.shape) d.collect_symbols(used);
      all.insert(used.begin(), used.end());
    }
    plan_->symbols.assign(all.begin(), all.end());
  }

  const Graph& graph_;
  std::unique_ptr<Plan> plan_;
  std::vector<uint32_t> assignment_;
  std::map<std::pair<size_t, uint32_t>, uint32_t> where_;
};

}  // namespace

Expected<std::unique_ptr<Plan>> build_plan(const Graph& graph, const std::vector<Device*>& devices) {
  return PlanBuilder(graph, devices).build();
}

}  // namespace anyrt
