#include <map>
#include <mutex>
#include <vector>

#include "base/hash.h"
#include "base/threads.h"
#include "plan/plan.h"
#include "plan/weight_cache.h"

namespace anyrt {

namespace {

using State = std::shared_ptr<const void>;

// What live plans have prepared, by key.
struct Prepared {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<const void>> live;
};
Prepared& prepared() {
  static Prepared all;
  return all;
}

// A step's part of the weight cache. Its blocks are named by what they are made from: the kernel, the order in which
// they are asked for, and the weights, of which a few bytes are looked at - those beside the header of the tensor,
// whose page is read anyway, and the last ones.
class StepStore final : public PackedStore {
 public:
  StepStore(WeightCache& cache, const CompiledStep& step, const Graph& graph, int64_t job)
      : cache_(cache), name_(hash_text(step.kernel, static_cast<uint64_t>(job))) {
    for (ValueId id : step.inputs) {
      if (id == kNoValue) continue;
      const Tensor& t = graph.value(id).constant;
      name_ = hash_combine(name_, t.defined() ? static_cast<uint64_t>(t.dtype()) : 0);
      if (!t.has_bytes() || t.dtype() == DType::kString) continue;
      constexpr size_t kSample = 64;
      const size_t some = std::min(kSample, t.bytes());
      name_ = hash_bytes(t.dims().data(), t.dims().size() * sizeof(int64_t), name_);
      name_ = hash_bytes(t.unaligned_raw(), some, name_);
      name_ = hash_bytes(t.unaligned_raw() + t.bytes() - some, some, name_);
    }
  }

  Expected<std::shared_ptr<Buffer>> take(size_t bytes, const Fill& fill) override {
    name_ = hash_combine(name_, bytes);
    return cache_.take(name_, bytes, fill);
  }

 private:
  WeightCache& cache_;
  uint64_t name_;
};

Expected<State> prepared_once(const CompiledStep& step, const Graph& graph, const std::string& key, WeightCache* cache,
                              int64_t job) {
  Prepared& all = prepared();
  if (!key.empty()) {
    const std::lock_guard<std::mutex> lock(all.mutex);
    const auto it = all.live.find(key);
    if (it != all.live.end()) {
      if (State state = it->second.lock()) return state;
    }
  }
  std::optional<StepStore> store;
  if (cache) store.emplace(*cache, step, graph, job);
  ANYRT_ASSIGN(State state, step.prepare(graph, store ? &*store : nullptr));
  if (key.empty() || !state) return state;
  const std::lock_guard<std::mutex> lock(all.mutex);
  std::erase_if(all.live, [](const auto& entry) { return entry.second.expired(); });
  all.live.emplace(key, state);
  return state;
}

// The weights of one graph and how many readers of their bytes are left.
class Weights {
 public:
  Weights(const Plan& plan, Graph& graph) : plan_(plan), graph_(graph), readers_(plan.slots.size(), 0) {
    for (const PlanStep& step : plan.steps) {
      for (const auto* list : {&step.inputs, &step.captures}) {
        for (uint32_t s : *list) {
          if (s != kNoSlot) ++readers_[s];
        }
      }
    }
    for (uint32_t s : plan.outputs) ++readers_[s];
    // Other devices copy theirs later.
    for (uint32_t d : plan.device_constants) {
      for (uint32_t s : plan.constants) {
        if (plan.slots[s].value == plan.slots[d].value) ++readers_[s];
      }
    }
  }

  void done(const PlanStep& step) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < step.inputs.size() && i < 32; ++i) {
      if (!(step.compiled.packed >> i & 1)) continue;
      const uint32_t s = step.inputs[i];
      if (plan_.slots[s].kind == SlotKind::kConstant && --readers_[s] == 0) {
        graph_.value(plan_.slots[s].value).constant.drop_bytes();
      }
    }
  }

 private:
  const Plan& plan_;
  Graph& graph_;
  std::vector<uint32_t> readers_;
  std::mutex mutex_;
};

// The weights of a step that are copied when they are first read, but for those that it has packed.
std::vector<const Tensor*> deferred_weights(const CompiledStep& step, const Graph& graph) {
  std::vector<const Tensor*> found;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (step.inputs[i] == kNoValue || (step.state && i < 32 && (step.packed >> i & 1))) continue;
    const Tensor& t = graph.value(step.inputs[i]).constant;
    if (t.buffer() && t.buffer()->deferred()) found.push_back(&t);
  }
  return found;
}

// Where a step reads them as they are, they are copied now, not in the first run.
void read_weights(const CompiledStep& step, const Graph& graph) {
  for (const Tensor* t : deferred_weights(step, graph)) (void)t->raw();
}

struct Job {
  PlanStep* step;
  Graph* graph;
  Weights* weights;
};

void collect(Plan& plan, Graph& graph, std::vector<Job>& jobs, std::vector<std::unique_ptr<Weights>>& weights) {
  weights.push_back(std::make_unique<Weights>(plan, graph));
  Weights* own = weights.back().get();
  for (PlanStep& step : plan.steps) {
    if (step.compiled.prepare || !deferred_weights(step.compiled, graph).empty()) jobs.push_back({&step, &graph, own});
    if (step.bodies.empty()) continue;
    const std::vector<Graph*> inner = graph.node(step.compiled.nodes[0]).subgraphs();
    for (size_t b = 0; b < step.bodies.size() && b < inner.size(); ++b) {
      collect(*step.bodies[b].plan, *inner[b], jobs, weights);
    }
  }
}

}  // namespace

Status prepare_plan(Plan& plan, Graph& graph, const std::string& key, int threads, WeightCache* cache) {
  std::vector<Job> jobs;
  std::vector<std::unique_ptr<Weights>> weights;
  collect(plan, graph, jobs, weights);
  ANYRT_TRY(parallel_for(
      static_cast<int64_t>(jobs.size()), 1,
      [&](int64_t begin, int64_t end) -> Status {
        for (int64_t i = begin; i < end; ++i) {
          const Job& job = jobs[static_cast<size_t>(i)];
          CompiledStep& step = job.step->compiled;
          if (!step.prepare) {
            read_weights(step, *job.graph);
            continue;
          }
          const std::string own = key.empty() ? key : fmt::format("{}/{}/{}", key, i, step.kernel);
          Expected<State> state = prepared_once(step, *job.graph, own, cache, i);
          if (!state.ok()) {
            return std::move(state).status().with_context("node " + job.graph->node(step.nodes[0]).label());
          }
          step.state = std::move(*state);
          step.prepare = nullptr;
          if (!step.state) step.packed = 0;
          read_weights(step, *job.graph);
          job.weights->done(*job.step);
        }
        return {};
      },
      threads));
  if (cache) cache->save();
  return {};
}

}  // namespace anyrt
