#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "plan/plan.h"
#include "tensor/value.h"

namespace anyrt {

// What one call may ask for, and where it can be stopped.
struct CallOptions {
  const std::atomic<bool>* cancel = nullptr;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  size_t memory_cap = 0;   // bytes of activations; 0 = none
  int threads = 0;         // 0 = what the process may use
  uint64_t seed = 0;       // mixed into that of random operators without one of their own
  bool same_seed = false;  // every call draws the same numbers
  std::function<void(const Graph&, NodeId, const std::vector<Value>&)> on_node;
  std::function<void()> on_long_run;  // once, on the thread of the call, when it has gone on for a millisecond or more
  // By output: a tensor whose memory takes the result where its type and shape fit and the kernel can write there; an
  // undefined one: none. The result then shares its bytes. Must not be used by anybody else meanwhile.
  std::vector<Tensor> into;
};

// Runs a plan. Holds what calls share: weights on devices, placements by shape, spare frames. Thread-safe.
class Executor {
 public:
  // The plan (and its graph and devices) must outlive the executor.
  static Expected<std::unique_ptr<Executor>> create(const Plan& plan);
  ~Executor();

  // `inputs` follow graph.inputs (an empty value for an initializer's default), checked by the caller.
  Expected<std::vector<Value>> run(const std::vector<Value>& inputs, const CallOptions& options) const;

  // Bytes of the arenas that spare frames hold now.
  size_t idle_bytes() const;
  // Drops spare frames, those of bodies too.
  void trim() const;

  struct State;

 private:
  Executor();
  std::unique_ptr<State> state_;
};

}  // namespace anyrt
