#include <algorithm>

#include "plan/infer_step.h"
#include "plan/plan.h"

namespace anyrt {

namespace {

constexpr int64_t kSmallInts = 1024;

std::optional<Dims> known_dims(const Type& t, const Dim::Bindings& bindings) {
  if (!t.is_tensor() || !t.shape) return std::nullopt;
  Dims dims;
  dims.reserve(t.shape->size());
  for (const Dim& d : *t.shape) {
    const auto n = d.evaluate(bindings);
    if (!n || *n < 0) return std::nullopt;
    dims.push_back(*n);
  }
  return dims;
}

size_t bytes_of(const Dims& dims, DType dtype) {
  if (dtype == DType::kString || dtype == DType::kUndefined) return SIZE_MAX;
  size_t bytes = element_size(dtype);
  for (const int64_t d : dims) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(d), &bytes)) return SIZE_MAX;
  }
  return bytes;
}

class Placer {
 public:
  Placer(const Plan& plan, const Dim::Bindings& bindings) : plan_(plan), bindings_(bindings) {}

  PlanMemory place() {
    const size_t slots = plan_.slots.size(), steps = plan_.steps.size();
    m_.offsets.assign(slots, SIZE_MAX);
    m_.bytes.assign(slots, SIZE_MAX);
    m_.dims.resize(slots);
    m_.arena.assign(plan_.devices.size(), 0);
    m_.modes.assign(steps, StepMode::kGeneral);
    m_.bound.resize(steps);
    m_.scratch.assign(steps, 0);
    for (uint32_t s = 0; s < slots; ++s) {
      m_.dims[s] = known_dims(plan_.type(s), bindings_);
      if (m_.dims[s]) m_.bytes[s] = bytes_of(*m_.dims[s], plan_.type(s).dtype);
    }
    ints_.resize(slots);
    for (uint32_t i = 0; i < steps; ++i) {
      infer(i);
      bind(i);
    }
    for (uint32_t d = 0; d < plan_.devices.size(); ++d) place_device(d);
    for (uint32_t s = 0; s < slots; ++s) place_in_base(s);
    return std::move(m_);
  }

 private:
  // Where a part lies in its whole; SIZE_MAX when sizes are not known.
  size_t part_offset(const PlanStep& step, uint32_t index) const {
    const bool join = step.compiled.parts == Parts::kJoin;
    size_t offset = join ? 0 : static_cast<size_t>(step.compiled.part_begin);
    for (uint32_t k = 0; k < index; ++k) {
      const uint32_t s = join ? step.inputs[k] : step.outputs[k];
      if (s == kNoSlot || m_.bytes[s] == SIZE_MAX) return SIZE_MAX;
      offset += m_.bytes[s];
    }
    return offset;
  }

  void place_in_base(uint32_t s) {
    const Slot& slot = plan_.slots[s];
    if (slot.base == kNoSlot || m_.offsets[s] != SIZE_MAX || m_.bytes[s] == SIZE_MAX) return;
    place_in_base(slot.base);
    if (m_.offsets[slot.base] == SIZE_MAX) return;
    const size_t part = slot.part_step == kNoSlot ? 0 : part_offset(plan_.steps[slot.part_step], slot.part_index);
    if (part == SIZE_MAX || part + m_.bytes[s] > m_.bytes[slot.base]) return;
    m_.offsets[s] = m_.offsets[slot.base] + part;
  }

  bool known(const std::vector<uint32_t>& slots) const {
    for (uint32_t s : slots) {
      if (s != kNoSlot && m_.bytes[s] == SIZE_MAX) return false;
    }
    return true;
  }

  BoundTensor bound_tensor(uint32_t s) const {
    BoundTensor t;
    if (s == kNoSlot) return t;
    const ValueInfo& value = plan_.graph->value(plan_.slots[s].value);
    t.dtype = plan_.type(s).dtype;
    t.dims = *m_.dims[s];
    if (plan_.slots[s].kind == SlotKind::kConstant && value.constant.has_bytes()) t.constant = &value.constant;
    if (t.constant) {
      if (is_int(t.dtype) && t.constant->size() <= kSmallInts) {
        Expected<std::vector<int64_t>> ints = to_int64s(*t.constant);
        if (ints.ok()) t.ints = std::move(*ints);
      }
    } else if (ints_[s]) {
      t.ints = ints_[s];
    } else if (value.known_elements) {
      std::vector<int64_t> ints;
      for (const Dim& d : *value.known_elements) {
        const auto n = d.evaluate(bindings_);
        if (!n) return t;
        ints.push_back(*n);
      }
      t.ints = std::move(ints);
    }
    return t;
  }

  // Sizes that symbols could not tell follow from those of the inputs, now that these are numbers.
  void infer(uint32_t i) {
    const PlanStep& step = plan_.steps[i];
    if (step.kind != StepKind::kRun || known(step.outputs) || !known(step.inputs)) return;
    const Node& node = plan_.graph->node(step.compiled.nodes.back());
    if (!node.subgraphs().empty() || step.compiled.nodes.size() != 1 || step.outputs.size() != node.outputs.size())
      return;
    std::vector<BoundTensor> in, out;
    for (uint32_t s : step.inputs) in.push_back(bound_tensor(s));
    if (in.size() != node.inputs.size() || !infer_step(node, in, out)) return;
    for (size_t k = 0; k < out.size(); ++k) {
      const uint32_t s = step.outputs[k];
      if (s == kNoSlot || out[k].dtype != plan_.type(s).dtype) continue;
      m_.dims[s] = out[k].dims;
      m_.bytes[s] = bytes_of(out[k].dims, out[k].dtype);
      ints_[s] = std::move(out[k].ints);
    }
  }

  void bind(uint32_t i) {
    const PlanStep& step = plan_.steps[i];
    if (step.kind != StepKind::kRun || !known(step.inputs) || !known(step.outputs) || step.outputs.empty()) return;
    const uint32_t out = step.outputs[0];
    if (step.compiled.parts != Parts::kNone) {
      m_.modes[i] = step.compiled.parts == Parts::kJoin ? StepMode::kJoin : StepMode::kSplit;
      for (uint32_t s : step.inputs) {
        if (s == kNoSlot) m_.modes[i] = StepMode::kGeneral;
      }
      for (uint32_t s : step.outputs) {
        if (s == kNoSlot) m_.modes[i] = StepMode::kGeneral;
      }
      return;
    }
    if (step.compiled.view0) {
      if (out != kNoSlot && plan_.slots[out].root != out && m_.bytes[out] == m_.bytes[step.inputs[0]])
        m_.modes[i] = StepMode::kView;
      return;
    }
    if (!step.compiled.bind) return;
    std::vector<BoundTensor> in, outs;
    for (uint32_t s : step.inputs) in.push_back(bound_tensor(s));
    for (uint32_t s : step.outputs) outs.push_back(bound_tensor(s));
    Expected<std::unique_ptr<BoundStep>> bound = step.compiled.bind(
        BindQuery(plan_.graph->node(step.compiled.nodes.back()), std::move(in), std::move(outs)), step.compiled.state);
    if (!bound.ok()) return;
    m_.bound[i] = std::move(*bound);
    m_.modes[i] = StepMode::kBound;
  }

  void place_device(uint32_t device) {
    std::vector<Lifetime> lifetimes;
    std::vector<size_t*> places;
    for (uint32_t s = 0; s < plan_.slots.size(); ++s) {
      const Slot& slot = plan_.slots[s];
      if (slot.device != device || slot.root != s || m_.bytes[s] == SIZE_MAX) continue;
      if (slot.kind != SlotKind::kArena && (device == 0 || slot.kind != SlotKind::kHeap)) continue;
      lifetimes.push_back({m_.bytes[s], slot.first, slot.last});
      places.push_back(&m_.offsets[s]);
    }
    for (uint32_t i = 0; device == 0 && i < plan_.steps.size(); ++i) {
      if (!m_.bound[i] || m_.bound[i]->scratch_bytes == 0) continue;
      lifetimes.push_back({m_.bound[i]->scratch_bytes, i, i});
      places.push_back(&m_.scratch[i]);
    }
    const Placement p = place_buffers(lifetimes);
    m_.arena[device] = p.total;
    for (size_t k = 0; k < places.size(); ++k) *places[k] = p.offsets[k];
  }

  const Plan& plan_;
  const Dim::Bindings& bindings_;
  PlanMemory m_;
  std::vector<std::optional<std::vector<int64_t>>> ints_;  // by slot: elements that inference found
};

}  // namespace

PlanMemory place_plan(const Plan& plan, const Dim::Bindings& bindings) { return Placer(plan, bindings).place(); }

}  // namespace anyrt
