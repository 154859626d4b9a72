#pragma once

#include "devices/cpu/passes/passes.h"
#include "passes/testing.h"

// What the tests of the CPU's passes share.
namespace anyrt::cpu {

using CpuPass = Status (*)(Graph&, const PassSetup&, DevicePassReport&);

// The graph after the pass, as the session leaves it.
inline Graph after_pass(CpuPass pass, Graph graph, const PassSetup& setup = {}, DevicePassReport* report = nullptr) {
  DevicePassReport local;
  Status status = pass(graph, setup, report ? *report : local);
  if (status.ok()) status = graph.sort();
  if (status.ok()) status = run_pass("eliminate_dead_code", graph);
  if (status.ok()) status = verify_structure(graph);
  EXPECT_TRUE(status.ok()) << status.message();
  graph.compact();
  return graph;
}

// Runs the pass: `before` must become `after`, and compute the same.
inline void expect_cpu_pass(CpuPass pass, std::string_view before, std::string_view after, double rtol = 1e-5) {
  const Graph original = testing::prepare(before);
  const Graph graph = after_pass(pass, original);
  EXPECT_EQ(testing::canonical(graph), testing::canonical(testing::prepare(after)));
  testing::expect_same_results(original, graph, rtol);
}

}  // namespace anyrt::cpu
