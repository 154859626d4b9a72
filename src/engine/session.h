#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "device/device.h"
#include "graph/graph.h"
#include "tensor/value.h"

namespace anyrt {

// What a session spends most freely. latency: all threads on one run. throughput: one thread a run, for callers that
// run at the same time (unless `threads` is set). memory: no weights in a form that takes more memory than they do, and
// activations are given back after each run.
enum class Hint : uint8_t { kLatency, kThroughput, kMemory };

// engine/config.h sets the options that people know by name.
struct SessionOptions {
  // Preference list of devices ("cpu", "loopback", "loopback:1"): nodes go to the first that takes them, the rest to
  // the CPU. A device that is not there gives a warning; when none of the list is there, an error.
  std::vector<std::string> devices;
  // One device that must be there.
  std::string device;
  int threads = 0;  // limit for one run; 0 = what the process may use
  Hint hint = Hint::kLatency;
  Accuracy accuracy = Accuracy::kDefault;
  bool deterministic = false;  // the same bits for every run and number of threads: accuracy strict, fixed random seeds
  uint64_t seed = 0;           // of random operators without a seed of their own
  std::string cache_dir;       // for files that outlive the process; "" = the user's cache folder
  bool weight_cache = false;   // packed weights are kept there, for other processes
  size_t memory_cap = 0;       // bytes of one run's activations; 0 = none
  bool optimize = true;        // graph passes on or off
  std::vector<std::string> disabled_passes;
  bool use_interpreter = false;  // run with the oracle instead of the plan
  // Symbols fixed when the session is made ("batch" -> 1), as free_dimension_override.
  std::vector<std::pair<std::string, int64_t>> dims;
  // The same for open dimensions of a denotation ("DATA_BATCH" -> 1).
  std::vector<std::pair<std::string, int64_t>> denoted_dims;
  // Initializers by name that take the place of the model's, of the same type and shape.
  std::vector<std::pair<std::string, Tensor>> initializers;
  // External data by location instead of by file; and the folder of files where it is not the model's.
  struct ExternalData {
    std::string location;
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> keep_alive;
  };
  std::vector<ExternalData> external_data;
  std::string external_dir;
  // Called with the model after the passes that hold for every device: to save it.
  std::function<Status(const Model&)> on_optimized;
  // Operators of this session's own, before the process's (opdef/custom_op.h); may be null.
  std::shared_ptr<const OpSet> custom_ops;
  // Called after each pass and stage with its name (dump --after, explain).
  std::function<void(std::string_view, const Graph&)> on_stage;
};

struct RunOptions {
  const std::atomic<bool>* cancel = nullptr;  // set it from another thread to stop the run
  std::optional<std::chrono::steady_clock::time_point> deadline;
  size_t memory_cap = 0;  // overrides the session's when not 0
  // Called once, on the thread of the run, when it has gone on for a millisecond or more.
  std::function<void()> on_long_run;
  // Called with every node and its outputs, in execution order.
  std::function<void(const Graph&, NodeId, const std::vector<Value>&)> on_node;
  // By output of the model: a tensor whose memory takes the result where type and shape fit and nothing else uses it;
  // the result shares it then. An undefined one, or an empty list: none.
  std::vector<Tensor> into;
};

// What the model says of one input or output.
struct ValueSpec {
  std::string name;
  Type type;
  std::string doc;
  bool has_default = false;  // an initializer that the caller may override
};

// A model ready to run. Thread-safe: any number of `run` calls at a time.
class Session {
 public:
  static Expected<std::unique_ptr<Session>> load(const std::string& path, const SessionOptions& options = {});
  static Expected<std::unique_ptr<Session>> load_bytes(std::span<const std::byte> bytes,
                                                       std::shared_ptr<const void> keep_alive = nullptr,
                                                       const SessionOptions& options = {});
  static Expected<std::unique_ptr<Session>> from_model(Model model, const SessionOptions& options = {});
  ~Session();

  const std::vector<ValueSpec>& inputs() const;  // required ones first, in the model's order
  const std::vector<ValueSpec>& outputs() const;
  const ModelInfo& info() const;
  // As it runs, after the passes. Weights that kernels have packed hold no bytes any more; stage "final" of on_stage
  // still has them.
  const Graph& graph() const;

  // Inputs and outputs by position; an empty value for an input with a default.
  Expected<std::vector<Value>> run(std::vector<Value> inputs, const RunOptions& options = {}) const;
  // Inputs by name; surplus, missing and ill-typed ones are errors that name what was expected. Outputs in the order of
  // `outputs` (all when empty).
  Expected<std::vector<Value>> run(const std::vector<std::pair<std::string, Value>>& inputs,
                                   const std::vector<std::string>& outputs, const RunOptions& options = {}) const;

  // How much of the model the devices beside the CPU run, and the memory that one run's activations take.
  struct Usage {
    size_t nodes = 0, nodes_on_device = 0;
    size_t arena_bytes = 0;
    bool sizes_known = true;  // false: more is allocated as the run goes
  };
  Usage usage(const Dim::Bindings& dims) const;

  // Gives back the memory of activations that later runs would use again.
  void trim() const;

  // A table of what runs where and how: devices, kernels, fusions, memory.
  std::string explain() const;

 private:
  Session();
  static Expected<std::unique_ptr<Session>> make(Model model, const SessionOptions& options,
                                                 const std::string& weights_key);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Checks a value against what the model declares: kind, element type, rank and fixed dims. `symbols` collects the sizes
// that symbolic dims take, -1 for one that two inputs disagree on.
Status check_input(const ValueSpec& spec, const Value& value, Dim::Bindings* symbols = nullptr);

}  // namespace anyrt
