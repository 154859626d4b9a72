#include "opdef/inference.h"

#include <set>
#include <unordered_set>
#include <utility>

#include "opdef/custom_op.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/schema.h"

namespace anyrt {

namespace {

constexpr int kMaxDepth = 64;

class Driver {
 public:
  explicit Driver(const ModelInfo* info) : info_(info) {}

  Status process(Graph& graph) {
    if (++depth_ > kMaxDepth) return invalid_model("subgraphs are nested deeper than {}", kMaxDepth);
    const bool upgrade = info_ != nullptr && done_.insert(&graph).second;
    // A copy: upgrades add and remove nodes while we walk.
    const std::vector<NodeId> order = graph.order();
    for (NodeId id : order) {
      const std::string label = graph.node(id).label();
      Status s = upgrade ? upgrade_node(graph, id) : Status();
      if (s.ok() && graph.node(id).alive) s = infer_one(graph, id);
      if (s.ok()) continue;
      s = std::move(s).with_context("node " + label);
      if (!errors) return s;
      errors->push_back(s.message());
    }
    --depth_;
    return {};
  }

  Status infer_one(Graph& graph, NodeId id) {
    if (!graph.node(id).def && errors) return {};
    bind_captures(graph, id);
    const Node& node = graph.node(id);
    ANYRT_TRY(verify_types(*node.def, node.inputs.size(), [&](size_t i) {
      return node.inputs[i] == kNoValue ? Type() : graph.value(node.inputs[i]).type;
    }));
    for (ValueId out : node.outputs) {
      if (out != kNoValue) graph.value(out).known_elements.reset();
    }
    std::unordered_set<Graph*> visited;
    InferContext c(graph, id);
    c.infer_graph = [&](Graph& sub) {
      visited.insert(&sub);
      return process(sub);
    };
    if (node.def->infer) ANYRT_TRY(node.def->infer(c));
    for (Graph* sub : graph.node(id).subgraphs()) {
      if (!visited.count(sub)) ANYRT_TRY(process(*sub));
    }
    return {};
  }

  size_t upgraded = 0;
  std::vector<std::string>* errors = nullptr;  // collect instead of stopping

 private:
  // Inner values take the types of the outer values they stand for; outer constants become constants of the subgraph.
  void bind_captures(Graph& graph, NodeId id) {
    if (graph.node(id).captures.empty()) return;
    for (Graph* sub : graph.node(id).subgraphs()) {
      for (const Capture& c : sub->captures) {
        const ValueInfo& outer = graph.value(graph.node(id).captures[c.slot]);
        ValueInfo& inner = sub->value(c.inner);
        inner.type = outer.type;
        inner.known_elements = outer.known_elements;
      }
    }
    for (uint32_t k = static_cast<uint32_t>(graph.node(id).captures.size()); k-- > 0;) {
      const ValueId outer_id = graph.node(id).captures[k];
      const ValueInfo& outer = graph.value(outer_id);
      if (!outer.is_constant() || graph.is_input(outer_id)) continue;
      for (Graph* sub : graph.node(id).subgraphs()) {
        for (size_t j = sub->captures.size(); j-- > 0;) {
          if (sub->captures[j].slot != k) continue;
          sub->value(sub->captures[j].inner).constant = outer.constant;
          sub->captures.erase(sub->captures.begin() + static_cast<std::ptrdiff_t>(j));
        }
      }
      graph.remove_capture(id, k);
    }
  }

  Status upgrade_node(Graph& graph, NodeId id) {
    // An upgrade may turn the node into another operator, whose own upgrade is not due: the result is in newest form.
    Node& node = graph.node(id);
    if (!node.def && errors) return {};  // listed already
    ANYRT_TRY(resolve_op(node, info_->custom_ops.get()));
    const OpDef* def = node.def;
    const auto it = info_->opsets.find(node.domain);
    int version = it != info_->opsets.end() ? static_cast<int>(std::min<int64_t>(it->second, 1 << 20)) : def->since;
    if (const int own = std::exchange(node.opset, 0); own != 0) version = own;
    if (version < def->first) {
      return invalid_model("opset {} of domain '{}' does not have the operator yet (it came with {})", version,
                           node.domain.empty() ? "ai.onnx" : node.domain, def->first);
    }
    if (version < def->since || (def->flags & kDeprecated)) {
      if (!def->upgrade)
        return not_implemented("the form of opset {} cannot be read (known from {} on)", version, def->since);
      ++upgraded;
      bind_captures(graph, id);
      RewriteContext c(graph, id, version);
      ANYRT_TRY(def->upgrade(c));
      ANYRT_TRY(c.finish());
      if (!graph.node(id).alive) return {};
      if ((def->flags & kDeprecated) && graph.node(id).def == def)
        return internal_error("the upgrade left the deprecated operator in place");
    }
    return normalize_node(graph, id);
  }

  const ModelInfo* info_;
  std::unordered_set<const Graph*> done_;
  int depth_ = 0;
};

void collect_unknown(Graph& graph, const OpSet& custom, std::set<std::string>& unknown, int depth) {
  for (NodeId id : graph.order()) {
    Node& node = graph.node(id);
    if (Status s = resolve_op(node, &custom); !s.ok()) unknown.insert(s.message());
    if (depth < kMaxDepth) {
      for (Graph* sub : node.subgraphs()) collect_unknown(*sub, custom, unknown, depth + 1);
    }
  }
}

}  // namespace

Status infer_types(Graph& graph) { return Driver(nullptr).process(graph); }

Status infer_node(Graph& graph, NodeId id) { return Driver(nullptr).infer_one(graph, id); }

Status upgrade_and_infer(Model& model, UpgradeReport* report) {
  if (!model.info.custom_ops) model.info.custom_ops = registered_ops();
  std::set<std::string> unknown;
  collect_unknown(model.graph, *model.info.custom_ops, unknown, 0);
  if (report && report->collect_errors) {
    report->errors.assign(unknown.begin(), unknown.end());
  } else if (!unknown.empty()) {
    std::string all;
    for (const std::string& u : unknown) all += (all.empty() ? "" : "; ") + u;
    return Status(Code::kNotImplemented, all);
  }
  for (const auto& [domain, version] : model.info.opsets) {
    if (domain.empty() && version > newest_opset("")) {
      return not_implemented("opset {} of ai.onnx is newer than {}, the newest known", version, newest_opset(""));
    }
  }
  Driver driver(&model.info);
  if (report && report->collect_errors) driver.errors = &report->errors;
  ANYRT_TRY(driver.process(model.graph));
  if (report) report->upgraded = driver.upgraded;
  return {};
}

}  // namespace anyrt
