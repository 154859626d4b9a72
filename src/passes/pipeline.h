#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "passes/pass.h"

namespace anyrt {

// The passes in the order in which they run.
std::span<const PassRow> all_passes();
const PassRow* find_pass(std::string_view name);

struct PipelineOptions {
  std::vector<std::string> disabled;  // names of passes to leave out
  std::vector<std::string> enabled;   // names of passes that are off by default
  bool exact_only = false;            // leave out those that may change the last bits of results
  PassOptions pass;
#ifdef NDEBUG
  bool verify = false;  // the structure of the graph after each pass
#else
  bool verify = true;
#endif
  int max_rounds = 8;
  // Called with the name of each pass that has changed something, and the main graph as it is then.
  std::function<void(std::string_view pass, const Graph&)> on_change;
};

struct PassStats {
  const PassRow* pass = nullptr;
  size_t runs = 0;
  size_t changes = 0;
  double seconds = 0;
};

struct PipelineReport {
  std::vector<PassStats> passes;  // those that ran, in order
  int rounds = 0;
  size_t changes = 0;
  std::string to_string() const;  // a table
};

// Runs the passes in rounds, on the graph and its subgraphs, until none changes anything; a pass that found nothing
// rests until another one has changed the graph. The nodes must have been normalised and inferred. Ends with a compact
// graph: ids change.
Status run_passes(Graph& graph, const PipelineOptions& options = {}, PipelineReport* report = nullptr);

// One pass by name, once, on the graph and its subgraphs.
Status run_pass(std::string_view name, Graph& graph, const PassOptions& options = {}, size_t* changes = nullptr);

}  // namespace anyrt
