#include "plan/infer_step.h"
#include "run/state.h"

namespace anyrt {

namespace {

// Small integers are what sizes are computed from.
bool is_shape_like(const Tensor& t) { return is_int(t.dtype()) && t.size() <= 64; }

template <class T>
bool same_elements(const Tensor& t, const std::vector<int64_t>& elements) {
  const T* x = t.data<T>();
  for (size_t i = 0; i < elements.size(); ++i) {
    if (static_cast<int64_t>(x[i]) != elements[i]) return false;
  }
  return true;
}

// Whether the tensor is as it was when it was bound.
bool is_same(const Tensor* t, const std::pair<Dims, std::vector<int64_t>>& before) {
  if (!t) return before.first.size() == 1 && before.first[0] == -1;
  if (t->dims() != before.first) return false;
  if (!is_shape_like(*t)) return before.second.empty();
  if (static_cast<size_t>(t->size()) != before.second.size()) return false;
  switch (t->dtype()) {
    case DType::kInt64: return same_elements<int64_t>(*t, before.second);
    case DType::kInt32: return same_elements<int32_t>(*t, before.second);
    default: {
      const Expected<std::vector<int64_t>> elements = to_int64s(*t);
      return elements.ok() && *elements == before.second;
    }
  }
}

}  // namespace

Expected<bool> Executor::State::run_dynamic_step(size_t i, Frame& frame, Call& call) const {
  const PlanStep& step = plan->steps[i];
  const Node& node = plan->graph->node(step.compiled.nodes.back());
  if (step.outputs.empty()) return false;
  std::vector<const Tensor*>& inputs = frame.tensors;
  inputs.clear();
  for (uint32_t s : step.inputs) {
    const Value* v = s == kNoSlot || frame.values[s].empty() ? nullptr : &frame.values[s];
    if (v && (!v->is_tensor() || v->tensor().dtype() != plan->type(s).dtype)) return false;
    inputs.push_back(v ? &v->tensor() : nullptr);
  }
  DynamicBinding& d = frame.dynamic[i];
  bool same = d.key.size() == inputs.size();
  for (size_t k = 0; same && k < inputs.size(); ++k) same = is_same(inputs[k], d.key[k]);
  if (!same) {
    d = DynamicBinding();
    for (const Tensor* t : inputs) {
      auto& [dims, elements] = d.key.emplace_back();
      dims = t ? t->dims() : Dims{-1};
      if (!t || !is_shape_like(*t)) continue;
      ANYRT_ASSIGN(elements, to_int64s(*t));
    }
    std::vector<BoundTensor> in;
    for (size_t k = 0; k < inputs.size(); ++k) {
      BoundTensor t;
      if (inputs[k]) {
        t.dtype = inputs[k]->dtype();
        t.dims = inputs[k]->dims();
        const Slot& slot = plan->slots[step.inputs[k]];
        if (slot.kind == SlotKind::kConstant && inputs[k]->has_bytes()) {
          t.constant = &plan->graph->value(slot.value).constant;
          if (is_int(t.dtype) && t.constant->size() <= 1024) {
            Expected<std::vector<int64_t>> ints = to_int64s(*t.constant);
            if (ints.ok()) t.ints = std::move(*ints);
          }
        }
        if (!t.ints && is_shape_like(*inputs[k])) t.ints = d.key[k].second;
      }
      in.push_back(std::move(t));
    }
    if (infer_step(node, in, d.out)) {
      Expected<std::unique_ptr<BoundStep>> bound =
          step.compiled.bind(BindQuery(node, std::move(in), d.out), step.compiled.state);
      if (bound.ok()) d.step = std::move(*bound);
    }
    if (d.step && d.step->scratch_bytes > 0) {
      ANYRT_TRY(call.charge(d.step->scratch_bytes));
      call.refund(d.step->scratch_bytes);
      ANYRT_ASSIGN(d.scratch, allocate_buffer(d.step->scratch_bytes));
    }
  }
  if (!d.step) return false;
  std::vector<const void*>& in = frame.in;
  in.clear();
  for (uint32_t s : step.inputs) in.push_back(s == kNoSlot ? nullptr : frame.bytes[s]);
  std::vector<void*>& out = frame.out;
  out.clear();
  for (size_t k = 0; k < step.outputs.size(); ++k) {
    const uint32_t s = step.outputs[k];
    if (s == kNoSlot) {
      out.push_back(nullptr);
      continue;
    }
    ANYRT_ASSIGN(void* bytes, heap_output(s, d.out[k].dtype, d.out[k].dims, frame, call));
    out.push_back(bytes);
    if (frame.regular && !frame.is_regular(s)) frame.regular = false;
  }
  ANYRT_TRY(d.step->run({in.data(), out.data(), d.scratch ? d.scratch->data() : nullptr, call.options->threads}));
  return true;
}

}  // namespace anyrt
