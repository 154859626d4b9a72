#include "bindings/python/profile.h"

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>

#include "base/log.h"

namespace anyrt::python {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostEvents = 1000000;

// [{"float": [1, 3]}, …]
Json shapes(const std::vector<const Tensor*>& tensors) {
  Json out = Json::array();
  for (const Tensor* t : tensors) out.push_back(Json::object().set(dtype_name(t->dtype()), Json::array_of(t->dims())));
  return out;
}

}  // namespace

Profiler::Profiler(std::string prefix) : prefix_(std::move(prefix)) {
  start_ns_ =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Json Profiler::event(const char* category, std::string name, Clock::time_point begin, Clock::time_point end) const {
  const auto us = [](Clock::duration d) {
    return static_cast<int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  };
  Json e = Json::object();
  e.set("cat", category)
      .set("pid", static_cast<int64_t>(getpid()))
      .set("tid", static_cast<int64_t>(gettid()))
      .set("dur", us(end - begin))
      .set("ts", us(begin - start_))
      .set("ph", "X")
      .set("name", std::move(name));
  return e;
}

void Profiler::session_event(const char* name, Clock::time_point begin) {
  Json e = event("Session", name, begin, Clock::now());
  e.set("args", Json::object());
  std::vector<Json> one;
  one.push_back(std::move(e));
  add(std::move(one));
}

void Profiler::add(std::vector<Json> events) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Json& e : events) {
    if (events_.size() < kMostEvents) {
      events_.push_back(std::move(e));
    } else if (!full_) {
      full_ = true;
      log_warning("the profile holds {} events; later ones are dropped", kMostEvents);
    }
  }
}

Expected<std::string> Profiler::finish() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char when[32];
  std::strftime(when, sizeof when, "%Y-%m-%d_%H-%M-%S", &local);
  const std::string path = prefix_ + "_" + when + ".json";
  const std::lock_guard<std::mutex> lock(mutex_);
  std::ofstream file(path, std::ios::binary);
  file << "[\n";
  for (size_t i = 0; i < events_.size(); ++i) file << events_[i].dump() << (i + 1 < events_.size() ? ",\n" : "\n");
  file << "]\n";
  file.close();
  if (!file) return make_error(Code::kIoError, "the profile '{}' cannot be written", path);
  events_.clear();
  return path;
}

Profiler::Run::Run(Profiler& profiler) : profiler_(profiler), begin_(Clock::now()), last_(begin_) {}

void Profiler::Run::node(const Graph& graph, NodeId id, const std::vector<Value>& outputs) {
  const Clock::time_point now = Clock::now();
  const Node& node = graph.node(id);
  // A node that holds graphs began when the one before it ended, not when its last inner node did.
  const auto before = ends_.find(&graph);
  const Clock::time_point begin =
      node.subgraphs().empty() || before == ends_.end() ? (node.subgraphs().empty() ? last_ : begin_) : before->second;
  int64_t output_bytes = 0, parameter_bytes = 0;
  std::vector<const Tensor*> made, weights;
  for (const Value& v : outputs) {
    if (!v.is_tensor()) continue;
    made.push_back(&v.tensor());
    output_bytes += static_cast<int64_t>(v.tensor().bytes());
  }
  for (ValueId v : node.inputs) {
    if (v != kNoValue && graph.value(v).is_constant())
      parameter_bytes += static_cast<int64_t>(graph.value(v).constant.bytes());
  }
  const std::string name = node.name.empty() ? node.label() : node.name;
  Json e = profiler_.event("Node", name + "_kernel_time", begin, now);
  Json args = Json::object();
  args.set("op_name", node.op)
      .set("node_name", name)
      .set("node_index", std::to_string(index(id)))
      .set("provider", "CPUExecutionProvider")
      .set("output_size", std::to_string(output_bytes))
      .set("parameter_size", std::to_string(parameter_bytes))
      .set("output_type_shape", shapes(made));
  e.set("args", std::move(args));
  events_.push_back(std::move(e));
  last_ = Clock::now();
  ends_[&graph] = last_;
}

void Profiler::Run::finish() {
  profiler_.add(std::move(events_));
  profiler_.session_event("model_run", begin_);
}

}  // namespace anyrt::python
