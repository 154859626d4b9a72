#include "tools/bench/profile.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "base/table.h"
#include "devices/cpu/roofline.h"
#include "opdef/cost.h"

namespace anyrt {

namespace {

using Clock = std::chrono::steady_clock;
using Key = std::pair<const Graph*, NodeId>;
using Times = std::map<Key, std::vector<double>>;

double nanoseconds(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double, std::nano>(b - a).count();
}

double median(std::vector<double> v) {
  if (v.empty()) return 0;
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

// Bytes of the weights that the node reads; they are counted by node_cost among its inputs.
double constant_bytes(const Graph& graph, const Node& node) {
  double total = 0;
  for (ValueId id : node.inputs) {
    if (id != kNoValue && graph.value(id).is_constant() && !graph.is_input(id))
      total += static_cast<double>(graph.value(id).constant.bytes());
  }
  return total;
}

double all_weights(const Graph& graph) {
  double total = 0;
  for (size_t i = 0; i < graph.value_capacity(); ++i) {
    const ValueInfo& v = graph.value(ValueId{static_cast<uint32_t>(i)});
    if (v.is_constant()) total += static_cast<double>(v.constant.bytes());
  }
  for (NodeId id : graph.order()) {
    for (const Graph* sub : graph.node(id).subgraphs()) total += all_weights(*sub);
  }
  return total;
}

void describe(const Graph& graph, const Dim::Bindings& dims, const Times& times, const cpu::Roofline& roofline,
              Json& nodes) {
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    for (const Graph* sub : node.subgraphs()) describe(*sub, dims, times, roofline, nodes);
    Json one = Json::object();
    one.set("op", (node.domain.empty() ? "" : node.domain + ".") + node.op).set("name", node.label());
    const auto found = times.find({&graph, id});
    one.set("ns", found == times.end() ? Json() : Json(median(found->second)));
    const Cost cost = node_cost(graph, id, dims);
    const bool view = node.def && (node.def->flags & kView);
    const double weights = constant_bytes(graph, node);
    one.set("flops", cost.flops < 0 ? Json() : Json(cost.flops));
    one.set("bytes", cost.bytes < 0 ? Json() : Json(view ? 0.0 : std::max(0.0, cost.bytes - weights)));
    one.set("weight_bytes", view ? 0.0 : weights);
    const bool known = cost.flops >= 0 && cost.bytes >= 0 && !view;
    one.set("bound_ns", known ? Json(1e9 * roofline.bound(cost.flops, cost.bytes)) : Json());
    nodes.push_back(std::move(one));
  }
}

}  // namespace

Expected<Json> profile_session(const Session& session, const std::vector<Value>& inputs, int64_t runs, int threads) {
  Dim::Bindings dims;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].empty()) ANYRT_TRY(check_input(session.inputs()[i], inputs[i], &dims));
  }
  ANYRT_TRY(session.run(inputs).status());
  Times times;
  std::vector<double> totals;
  for (int64_t k = 0; k < runs; ++k) {
    // Observing keeps values alive, so the total comes from runs without it.
    const auto start = Clock::now();
    ANYRT_TRY(session.run(inputs).status());
    auto last = Clock::now();
    totals.push_back(nanoseconds(start, last));
    std::map<Key, double> spent;  // bodies run a node many times in one run
    RunOptions options;
    options.on_node = [&](const Graph& graph, NodeId id, const std::vector<Value>&) {
      spent[{&graph, id}] += nanoseconds(last, Clock::now());
      last = Clock::now();
    };
    last = Clock::now();
    ANYRT_TRY(session.run(inputs, options).status());
    for (const auto& [key, ns] : spent) times[key].push_back(ns);
  }
  Json nodes = Json::array();
  const cpu::Roofline roofline = cpu::measure_roofline(threads);
  describe(session.graph(), dims, times, roofline, nodes);
  Json out = Json::object();
  out.set("runs", runs).set("total_ns", median(totals)).set("weight_bytes", all_weights(session.graph()));
  out.set("roofline_flops", roofline.flops_per_second).set("roofline_bytes", roofline.bytes_per_second);
  out.set("nodes", std::move(nodes));
  return out;
}

std::string profile_text(const Json& profile, size_t slowest) {
  struct Sum {
    int64_t nodes = 0;
    double ns = 0, flops = 0, bound = 0;
  };
  std::map<std::string, Sum> sums;
  double observed = 0, bound = 0;
  std::vector<const Json*> nodes;
  for (const Json& n : profile["nodes"].items()) {
    Sum& s = sums[n["op"].as_string()];
    ++s.nodes;
    s.ns += n["ns"].as_double();
    s.flops += n["flops"].as_double();
    s.bound += n["bound_ns"].as_double();
    observed += n["ns"].as_double();
    bound += n["bound_ns"].as_double();
    nodes.push_back(&n);
  }
  std::vector<std::pair<std::string, Sum>> order(sums.begin(), sums.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second.ns > b.second.ns; });
  const auto rate = [](double flops, double ns) { return ns > 0 ? fmt::format("{:.1f}", flops / ns) : std::string(); };
  const auto share = [&](double ns) { return fmt::format("{:.1f} %", observed > 0 ? 100 * ns / observed : 0); };
  const auto reached = [](double limit, double ns) {
    return ns > 0 && limit > 0 ? fmt::format("{:.0f} %", 100 * limit / ns) : std::string();
  };
  Table by_op({"operator", "nodes", "us", "share", "Gflop/s", "of roofline"});
  for (const auto& [op, s] : order)
    by_op.add({op, std::to_string(s.nodes), fmt::format("{:.1f}", s.ns / 1e3), share(s.ns), rate(s.flops, s.ns),
               reached(s.bound, s.ns)});
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const Json* a, const Json* b) { return (*a)["ns"].as_double() > (*b)["ns"].as_double(); });
  Table by_node({"node", "us", "share", "Gflop/s", "of roofline"});
  for (size_t k = 0; k < std::min(slowest, nodes.size()); ++k) {
    const Json& n = *nodes[k];
    const double ns = n["ns"].as_double();
    by_node.add({n["name"].as_string(), fmt::format("{:.1f}", ns / 1e3), share(ns), rate(n["flops"].as_double(), ns),
                 reached(n["bound_ns"].as_double(), ns)});
  }
  return by_op.to_string() + "\n" + by_node.to_string() +
         fmt::format(
             "\none run: {:.1f} us; nodes, observed one by one: {:.1f} us\n"
             "roofline, measured: {:.0f} Gflop/s, {:.0f} GB/s of the cache; the run reaches {:.0f} % of it (beyond 100 "
             "%: "
             "fewer operations than counted, as in Winograd's convolution)\n",
             profile["total_ns"].as_double() / 1e3, observed / 1e3, profile["roofline_flops"].as_double() / 1e9,
             profile["roofline_bytes"].as_double() / 1e9,
             observed > 0 ? 100 * bound / profile["total_ns"].as_double() : 0);
}

}  // namespace anyrt
