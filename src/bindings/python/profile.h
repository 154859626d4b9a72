#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.h"
#include "graph/graph.h"
#include "tensor/value.h"

namespace anyrt::python {

// Events of the runs of one session, written as a Chrome trace with the fields that onnxruntime's profile has.
class Profiler {
 public:
  explicit Profiler(std::string prefix);
  int64_t start_ns() const { return start_ns_; }  // of the system clock
  // An event of the session as a whole, from `begin` to now.
  void session_event(const char* name, std::chrono::steady_clock::time_point begin);
  // Writes <prefix>_<date and time>.json and gives its name.
  Expected<std::string> finish();

  // The nodes of one run.
  class Run {
   public:
    explicit Run(Profiler& profiler);
    void node(const Graph& graph, NodeId id, const std::vector<Value>& outputs);
    void finish();

   private:
    Profiler& profiler_;
    std::chrono::steady_clock::time_point begin_, last_;
    std::map<const Graph*, std::chrono::steady_clock::time_point> ends_;  // of the last node of each graph
    std::vector<Json> events_;
  };

 private:
  Json event(const char* category, std::string name, std::chrono::steady_clock::time_point begin,
             std::chrono::steady_clock::time_point end) const;
  void add(std::vector<Json> events);

  const std::string prefix_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  int64_t start_ns_ = 0;
  std::mutex mutex_;
  std::vector<Json> events_;
  bool full_ = false;
};

}  // namespace anyrt::python
