#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "opdef/eval.h"
#include "run/state.h"

namespace anyrt {

using StateRunner = std::function<Expected<std::vector<Value>>(std::string_view, std::vector<Value>)>;

// Where a host step reads and writes: slots of the frame, placed in the arena when the size is as planned.
class StepContext final : public EvalContext {
 public:
  StepContext(const Plan& plan, const PlanStep& step, Frame& frame, Call& call, const StateRunner& subgraph,
              const std::vector<Value>& unpacked)
      : EvalContext(plan.graph->node(step.compiled.nodes.back())),
        plan_(plan),
        step_(step),
        frame_(frame),
        call_(call),
        subgraph_(subgraph),
        unpacked_(unpacked) {}

  size_t num_inputs() const override { return step_.inputs.size(); }
  size_t num_outputs() const override { return step_.outputs.size(); }
  const Value& value(size_t i) const override {
    static const Value kOmitted;
    if (i < unpacked_.size() && !unpacked_[i].empty()) return unpacked_[i];
    return step_.inputs[i] == kNoSlot ? kOmitted : frame_.values[step_.inputs[i]];
  }
  bool wants_output(size_t i) const override { return i < step_.outputs.size() && step_.outputs[i] != kNoSlot; }

  Expected<Tensor*> output(size_t i, DType dtype, const Dims& dims) override {
    if (!wants_output(i)) {
      ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, dims));
      unwanted_.push_back(std::make_unique<Tensor>(std::move(t)));
      return unwanted_.back().get();
    }
    const uint32_t slot = step_.outputs[i];
    if (const Tensor* planned = frame_.planned_tensor(slot);
        planned && planned->dtype() == dtype && planned->dims() == dims && !avoids_sharing(slot)) {
      frame_.restore(slot);
      return &frame_.values[slot].tensor();
    }
    const size_t offset = frame_.memory->offsets[slot];
    ANYRT_ASSIGN(const int64_t count, checked_element_count(dims));
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(count), element_size(dtype), &bytes))
      return invalid_argument("{} is too large", shape_string(dims));
    if (offset != SIZE_MAX && dtype != DType::kString && bytes <= frame_.memory->bytes[slot] && frame_.arena &&
        !avoids_sharing(slot)) {
      ANYRT_ASSIGN(Tensor t, Tensor::view(dtype, dims, frame_.arena, offset));
      frame_.replace(slot, std::move(t));
    } else if (const Tensor* target = frame_.target(slot, dtype, dims)) {
      frame_.replace(slot, *target);
    } else {
      ANYRT_TRY(charge(slot, bytes));
      const MeterScope counted_by_slot(nullptr);
      ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, dims));
      frame_.replace(slot, std::move(t));
    }
    return &frame_.values[slot].tensor();
  }

  void set_output(size_t i, Value value) override {
    if (!wants_output(i)) return;
    const uint32_t slot = step_.outputs[i];
    // Bytes of the arena are reused as soon as their own slot is dead: only planned views may keep them.
    if (value.is_tensor()) {
      const Tensor& t = value.tensor();
      if (in_arena(t) && !is_planned_view(slot, t)) {
        Expected<Tensor*> y = output(i, t.dtype(), t.dims());
        if (!y.ok()) return note(y.status());
        std::memmove((*y)->mutable_raw(), t.raw(), t.bytes());
        return;
      }
      if (!in_arena(t)) {
        if (t.buffer()) t.buffer()->leave_meter();
        note(charge(slot, t.buffer() && t.buffer()->writable() ? t.bytes() : 0));
      }
    } else {
      value = detach(value);
    }
    frame_.replace(slot, std::move(value));
  }

  Expected<std::vector<Value>> run_subgraph(std::string_view name, std::vector<Value> inputs) override {
    const MeterScope steps_count_themselves(nullptr);
    return subgraph_(name, std::move(inputs));
  }
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& f) override {
    anyrt::parallel_for(n, grain, f, call_.options->threads);
  }
  Status check_cancelled() override { return call_.check(); }
  uint64_t random_seed() override { return call_.seed + 0x9e3779b97f4a7c15ull * ++call_.draws; }

  Status take_error() { return std::move(error_); }

 private:
  // What was planned to be in place, or part of a whole, is so for kernels; the reference must not write over what it
  // reads.
  bool avoids_sharing(uint32_t slot) const {
    if (step_.compiled.parts != Parts::kNone) return true;
    const Slot& s = plan_.slots[slot];
    if (!step_.compiled.bind || s.base == kNoSlot || s.part_step != kNoSlot) return false;
    return std::find(step_.inputs.begin(), step_.inputs.end(), s.base) != step_.inputs.end();
  }
  bool in_arena(const Tensor& t) const { return frame_.arena && t.buffer().get() == frame_.arena.get(); }
  bool is_planned_view(uint32_t slot, const Tensor& t) const {
    return plan_.slots[slot].root != slot && t.buffer_offset() == frame_.memory->offsets[slot];
  }
  void note(Status s) {
    if (error_.ok()) error_ = std::move(s);
  }
  Status charge(uint32_t slot, size_t bytes) {
    call_.refund(frame_.charged[slot]);
    frame_.charged[slot] = bytes;
    return call_.charge(bytes);
  }
  // Sequences and maps hold tensors beyond the step: those of the arena are copied out of it.
  Value detach(const Value& value) {
    if (value.is_tensor() && in_arena(value.tensor())) {
      Expected<Tensor> copy = value.tensor().clone();
      if (!copy.ok()) {
        note(copy.status());
        return Value();
      }
      return Value(std::move(*copy));
    }
    if (!value.is_sequence()) return value;
    Sequence s = value.sequence();
    for (Value& v : s.values) v = detach(v);
    return Value(std::move(s));
  }

  const Plan& plan_;
  const PlanStep& step_;
  Frame& frame_;
  Call& call_;
  const StateRunner& subgraph_;
  const std::vector<Value>& unpacked_;  // weights by input that only the step's state holds now
  std::vector<std::unique_ptr<Tensor>> unwanted_;
  Status error_;
};

}  // namespace anyrt
