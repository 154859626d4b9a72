#include "tools/info/info.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/table.h"
#include "base/text.h"
#include "engine/session.h"
#include "format/onnx/reader.h"
#include "opdef/cost.h"
#include "opdef/inference.h"
#include "plan/plan.h"

namespace anyrt {

namespace {

struct Totals {
  std::map<std::string, int64_t> operators;
  int64_t nodes = 0;
  double parameters = 0, weight_bytes = 0, flops = 0;
  int64_t unknown_cost = 0;
  std::set<std::string> symbols;
};

void collect(const Graph& graph, const Dim::Bindings& dims, Totals& t) {
  for (size_t i = 0; i < graph.value_capacity(); ++i) {
    const ValueInfo& v = graph.value(ValueId{static_cast<uint32_t>(i)});
    if (!v.is_constant()) continue;
    t.parameters += static_cast<double>(v.constant.size());
    t.weight_bytes += static_cast<double>(v.constant.bytes());
  }
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    ++t.nodes;
    ++t.operators[(node.domain.empty() ? "" : node.domain + ".") + node.op];
    const Cost cost = node_cost(graph, id, dims);
    if (cost.flops >= 0) {
      t.flops += cost.flops;
    } else {
      ++t.unknown_cost;
    }
    for (const Graph* sub : node.subgraphs()) collect(*sub, dims, t);
  }
}

// Metadata may hold whole word lists.
std::string one_line(const std::string& text) {
  std::string out = text.substr(0, 120);
  for (char& c : out) c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  return text.size() > 120 ? out + " …" : out;
}

Json interface(const Graph& graph, const std::vector<ValueId>& ids, Totals& t) {
  Json out = Json::array();
  for (ValueId id : ids) {
    const ValueInfo& v = graph.value(id);
    Json one = Json::object();
    one.set("name", v.name).set("type", v.type.to_string()).set("has_default", v.is_constant() && graph.is_input(id));
    if (v.type.is_tensor() && v.type.shape) {
      std::vector<std::string> symbols;
      for (const Dim& d : *v.type.shape) d.collect_symbols(symbols);
      if (graph.is_input(id)) t.symbols.insert(symbols.begin(), symbols.end());
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Expected<Json> model_info(const std::string& path, const Dim::Bindings& dims, const SessionOptions& given) {
  ANYRT_ASSIGN(Model model, read_onnx_file(path));
  const ModelInfo info = model.info;
  if (Status s = upgrade_and_infer(model); !s.ok()) return std::move(s).with_context(path);
  Totals totals;
  Json out = Json::object();
  out.set("file", path)
      .set("ir_version", info.ir_version)
      .set("producer", info.producer_name + (info.producer_version.empty() ? "" : " " + info.producer_version));
  Json opsets = Json::object();
  for (const auto& [domain, version] : info.opsets) opsets.set(domain.empty() ? "ai.onnx" : domain, version);
  out.set("opsets", std::move(opsets));
  Json metadata = Json::object();
  for (const auto& [key, value] : info.metadata) metadata.set(key, value);
  out.set("metadata", std::move(metadata));
  out.set("inputs", interface(model.graph, model.graph.inputs, totals))
      .set("outputs", interface(model.graph, model.graph.outputs, totals));
  collect(model.graph, dims, totals);
  out.set("symbols", Json::array_of(std::vector<std::string>(totals.symbols.begin(), totals.symbols.end())));
  out.set("nodes", totals.nodes);
  std::vector<std::pair<std::string, int64_t>> operators(totals.operators.begin(), totals.operators.end());
  std::stable_sort(operators.begin(), operators.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Json ops = Json::object();
  for (const auto& [name, n] : operators) ops.set(name, n);
  out.set("operators", std::move(ops));
  out.set("parameters", totals.parameters)
      .set("weight_bytes", totals.weight_bytes)
      .set("flops", totals.flops)
      .set("unknown_cost_nodes", totals.unknown_cost);

  Json devices = Json::array();
  for (const DeviceDef* def : all_devices()) {
    Expected<std::vector<DeviceInfo>> present = def->probe();
    if (!present.ok() || present->empty()) continue;
    if (!given.device.empty() && given.device != def->name) continue;
    SessionOptions options = given;
    options.device = def->name;
    const Expected<std::unique_ptr<Session>> session = Session::load(path, options);
    Json one = Json::object();
    one.set("device", def->name).set("runs", session.ok());
    if (!session.ok()) {
      one.set("reason", session.status().message());
    } else {
      const Session::Usage usage = (*session)->usage(dims);
      one.set("nodes_on_device", static_cast<int64_t>(usage.nodes_on_device))
          .set("nodes", static_cast<int64_t>(usage.nodes));
      one.set("activation_bytes", static_cast<uint64_t>(usage.arena_bytes)).set("sizes_known", usage.sizes_known);
    }
    devices.push_back(std::move(one));
  }
  out.set("devices", std::move(devices));
  return out;
}

std::string info_text(const Json& info) {
  std::string out = fmt::format("{}\n  IR version {}, producer {}\n  opsets:", info["file"].as_string(),
                                info["ir_version"].as_int(), info["producer"].as_string());
  for (const auto& [domain, version] : info["opsets"].members()) out += fmt::format(" {} {}", domain, version.as_int());
  out += "\n";
  for (const auto& [key, value] : info["metadata"].members())
    out += fmt::format("  {}: {}\n", key, one_line(value.as_string()));
  for (const char* side : {"inputs", "outputs"}) {
    Table table({side, "type", ""});
    for (const Json& v : info[side].items())
      table.add({v["name"].as_string(), v["type"].as_string(), v["has_default"].as_bool() ? "has a default" : ""});
    out += "\n" + table.to_string();
  }
  if (!info["symbols"].items().empty()) {
    out += "\ndynamic dims:";
    for (const Json& s : info["symbols"].items()) out += " " + s.as_string();
    out += "\n";
  }
  Table ops({"operator", "nodes"});
  for (const auto& [name, n] : info["operators"].members()) ops.add({name, std::to_string(n.as_int())});
  out += "\n" + ops.to_string();
  out += fmt::format("\n{} nodes, {} parameters ({}), {}flops{}\n", info["nodes"].as_int(),
                     human_count(info["parameters"].as_double()), human_bytes(info["weight_bytes"].as_double()),
                     human_count(info["flops"].as_double()),
                     info["unknown_cost_nodes"].as_int()
                         ? fmt::format(" and {} nodes whose sizes are not fixed (give them with --dim)",
                                       info["unknown_cost_nodes"].as_int())
                         : "");
  Table devices({"device", "runs it", "nodes on it", "activations"});
  for (const Json& d : info["devices"].items()) {
    if (!d["runs"].as_bool()) {
      devices.add({d["device"].as_string(), "no", "", d["reason"].as_string()});
      continue;
    }
    devices.add({d["device"].as_string(), "yes",
                 fmt::format("{} of {}", d["nodes_on_device"].as_int(), d["nodes"].as_int()),
                 d["sizes_known"].as_bool() ? human_bytes(d["activation_bytes"].as_double()) : "depends on the input"});
  }
  return out + "\n" + devices.to_string();
}

}  // namespace anyrt
