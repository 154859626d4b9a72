#include "plan/plan.h"

namespace anyrt {

namespace {

const char* kind_name(SlotKind kind) {
  switch (kind) {
    case SlotKind::kInput: return "input";
    case SlotKind::kCapture: return "capture";
    case SlotKind::kConstant: return "constant";
    case SlotKind::kArena: return "arena";
    case SlotKind::kHeap: return "heap";
  }
  return "?";
}

}  // namespace

std::string print_plan(const Plan& plan, int indent) {
  const std::string pad(static_cast<size_t>(indent), ' ');
  const PlanMemory memory = place_plan(plan, {});
  std::string out;
  const auto slot_name = [&](uint32_t s) {
    if (s == kNoSlot) return std::string("_");
    std::string name = plan.graph->value(plan.slots[s].value).name;
    if (plan.slots[s].device) name += "@" + plan.devices[plan.slots[s].device]->info().name;
    return name;
  };
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const PlanStep& step = plan.steps[i];
    out += fmt::format("{}{:4} {:10} {:20}", pad, i, plan.devices[step.device]->info().name, step.compiled.kernel);
    for (NodeId id : step.compiled.nodes) out += " " + plan.graph->node(id).label();
    out += " (";
    for (size_t k = 0; k < step.inputs.size(); ++k) out += (k ? ", " : "") + slot_name(step.inputs[k]);
    out += ") ->";
    for (uint32_t s : step.outputs) {
      out += " " + slot_name(s);
      if (s == kNoSlot) continue;
      const Slot& slot = plan.slots[s];
      out += fmt::format(":{}[{}", plan.type(s).to_string(), kind_name(slot.kind));
      if (slot.root != s) out += " of " + slot_name(slot.root);
      if (memory.offsets[s] != SIZE_MAX) out += fmt::format(" @{}+{}", memory.offsets[s], memory.bytes[s]);
      out += "]";
    }
    out += "\n";
    for (const Body& body : step.bodies) {
      out += fmt::format("{}     {}:\n", pad, body.attr) + print_plan(*body.plan, indent + 6);
    }
  }
  for (size_t d = 0; d < plan.devices.size(); ++d) {
    if (memory.arena[d])
      out += fmt::format("{}arena of {}: {} bytes where sizes are fixed\n", pad, plan.devices[d]->info().name,
                         memory.arena[d]);
  }
  return out;
}

}  // namespace anyrt
