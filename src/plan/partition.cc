#include <set>

#include "opdef/opdef.h"
#include "plan/plan.h"

namespace anyrt {

namespace {

// Devices with memory of their own need every size before a step starts: all dims must follow from the inputs' symbols.
bool sizes_known(const Type& type, const std::set<std::string>& symbols) {
  if (!type.is_tensor() || !type.shape || type.dtype == DType::kString || type.dtype == DType::kUndefined) return false;
  for (const Dim& d : *type.shape) {
    if (d.is_unknown()) return false;
    std::vector<std::string> used;
    d.collect_symbols(used);
    for (const std::string& s : used) {
      if (!symbols.count(s)) return false;
    }
  }
  return true;
}

bool fits_device(const Graph& graph, const Node& node, const std::set<std::string>& symbols, std::string* why) {
  if (!node.subgraphs().empty() || (node.def->flags & kHostOnly)) {
    *why = "control flow, sequences and strings run on the host";
    return false;
  }
  for (const auto& list : {node.inputs, node.outputs}) {
    for (ValueId v : list) {
      if (v != kNoValue && !sizes_known(graph.value(v).type, symbols)) {
        *why = "the size of '" + graph.value(v).name + "' (" + graph.value(v).type.to_string() +
               ") is known only when it runs";
        return false;
      }
    }
  }
  return true;
}

}  // namespace

std::vector<uint32_t> partition(const Graph& graph, const std::vector<Device*>& devices,
                                std::vector<std::string>* notes) {
  std::set<std::string> symbols;
  for (ValueId v : graph.inputs) {
    const Type& t = graph.value(v).type;
    if (!t.is_tensor() || !t.shape) continue;
    for (const Dim& d : *t.shape) {
      if (const auto s = d.symbol_name()) symbols.insert(*s);
    }
  }
  std::vector<uint32_t> assignment(graph.node_capacity(), 0);
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    for (uint32_t d = 1; d < devices.size(); ++d) {
      std::string why;
      const bool takes = (devices[d]->info().host_memory || fits_device(graph, node, symbols, &why)) &&
                         devices[d]->supports(graph, id, &why);
      if (takes) {
        assignment[index(id)] = d;
        break;
      }
      if (notes) notes->push_back(node.label() + " is not run by " + devices[d]->info().name + ": " + why);
    }
  }
  return assignment;
}

}  // namespace anyrt
