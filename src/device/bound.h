#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "opdef/attrs.h"
#include "tensor/tensor.h"

namespace anyrt {

// An input or output of a step whose sizes are known. Undefined dtype: omitted, or not a tensor.
struct BoundTensor {
  DType dtype = DType::kUndefined;
  Dims dims;
  const Tensor* constant = nullptr;          // weights and other values that never change
  std::optional<std::vector<int64_t>> ints;  // small integer contents: of a constant, or known from shapes

  bool present() const { return dtype != DType::kUndefined; }
  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  int64_t count() const {  // number of elements
    int64_t n = 1;
    for (const int64_t d : dims) n *= d;
    return n;
  }
};

// What a step is bound to: the node's attributes, and every dtype and size. All of it is checked by inference already.
class BindQuery : public AttrReader {
 public:
  BindQuery(const Node& node, std::vector<BoundTensor> inputs, std::vector<BoundTensor> outputs)
      : AttrReader(node), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}
  size_t num_inputs() const { return inputs_.size(); }
  size_t num_outputs() const { return outputs_.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i].present(); }
  bool wants_output(size_t i) const { return i < outputs_.size() && outputs_[i].present(); }
  const BoundTensor& input(size_t i) const { return i < inputs_.size() ? inputs_[i] : kOmitted; }
  const BoundTensor& output(size_t i) const { return i < outputs_.size() ? outputs_[i] : kOmitted; }

 private:
  static const BoundTensor kOmitted;
  std::vector<BoundTensor> inputs_, outputs_;
};

// Where one run of a bound step reads and writes: dense row-major bytes, null for what is omitted or not wanted. Only
// inputs that the step declares in-place may overlap outputs.
struct StepArgs {
  const void* const* in;
  void* const* out;
  std::byte* scratch;  // scratch_bytes of the step, 64-byte aligned, contents arbitrary
  int threads;         // for parallel_for

  template <class T>
  const T* input(size_t i) const {
    return static_cast<const T*>(in[i]);
  }
  template <class T>
  T* output(size_t i) const {
    return static_cast<T*>(out[i]);
  }
};

// A step with everything that depends on sizes alone worked out: tiling, strides, variants. Many calls may run it at
// the same time; it allocates nothing.
class BoundStep {
 public:
  BoundStep() = default;
  virtual ~BoundStep() = default;
  BoundStep(const BoundStep&) = delete;
  BoundStep& operator=(const BoundStep&) = delete;
  virtual Status run(const StepArgs& args) const = 0;
  size_t scratch_bytes = 0;  // set when made
};

// A BoundStep of a callable `Status f(const StepArgs&)`, which holds by value what it needs.
template <class F>
std::unique_ptr<BoundStep> bound_step(F f, size_t scratch_bytes = 0) {
  class Step final : public BoundStep {
   public:
    explicit Step(F g) : f_(std::move(g)) {}
    Status run(const StepArgs& args) const override { return f_(args); }

   private:
    F f_;
  };
  auto step = std::make_unique<Step>(std::move(f));
  step->scratch_bytes = scratch_bytes;
  return step;
}

// Makes a bound step; `state` is what the kernel prepared (packed weights). An error means that the kernel does not do
// these sizes: the node then runs by its reference.
using BindFn = Expected<std::unique_ptr<BoundStep>> (*)(const BindQuery& query,
                                                        const std::shared_ptr<const void>& state);

}  // namespace anyrt
