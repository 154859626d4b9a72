#include "tools/ops/used.h"

#include "devices/cpu/kernel.h"
#include "engine/session.h"
#include "format/onnx/reader.h"
#include "graph/walk.h"
#include "passes/pipeline.h"

namespace anyrt {

namespace {

void note_ops(const Graph& graph, UsedParts& parts) {
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    const Node& node = graph.node(id);
    parts.ops.insert((node.domain.empty() ? "ai.onnx" : node.domain) + "/" + node.op);
    for (const Graph* sub : node.subgraphs()) note_ops(*sub, parts);
  }
}

void note_type(const Type& type, UsedParts& parts) {
  if (type.dtype != DType::kUndefined) parts.types.insert(std::string(dtype_name(type.dtype)));
  if (type.elem) note_type(*type.elem, parts);
}

void note_kernels(const Graph& graph, Accuracy accuracy, UsedParts& parts) {
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    const Node& node = graph.node(id);
    if (const cpu::KernelRow* row = cpu::find_kernel(cpu::KernelQuery(graph, id, accuracy)))
      parts.kernels.insert(row->kernel);
    for (const ValueId out : node.outputs) {
      if (out != kNoValue) note_type(graph.value(out).type, parts);
    }
    for (const ValueId in : node.inputs) {
      if (in != kNoValue) note_type(graph.value(in).type, parts);
    }
    for (const Graph* sub : node.subgraphs()) note_kernels(*sub, accuracy, parts);
  }
}

Status note_session(const std::string& path, Accuracy accuracy, UsedParts& parts) {
  SessionOptions options;
  options.accuracy = accuracy;
  options.device = "cpu";
  options.on_stage = [&](std::string_view stage, const Graph& graph) {
    if (find_pass(stage)) parts.passes.insert(std::string(stage));
    note_ops(graph, parts);
    if (stage == "final") note_kernels(graph, accuracy, parts);
  };
  return Session::load(path, options).status();
}

}  // namespace

Expected<UsedParts> find_used_parts(const std::vector<std::string>& paths) {
  UsedParts parts;
  // What the reader and every session use.
  parts.ops.insert("ai.onnx/Identity");
  parts.passes.insert("eliminate_dead_code");
  for (const std::string& path : paths) {
    // Older forms, which an operator's file brings up to date.
    ANYRT_ASSIGN(const Model model, read_onnx_file(path));
    note_ops(model.graph, parts);
    for (const std::string& isa : cpu::dispatch_isas()) {
      cpu::force_isa(isa);
      Status status;
      for (const Accuracy accuracy : {Accuracy::kStrict, Accuracy::kDefault, Accuracy::kFast}) {
        if (status.ok()) status = note_session(path, accuracy, parts);
      }
      cpu::force_isa("");
      ANYRT_TRY(status);
    }
  }
  return parts;
}

std::string UsedParts::to_string() const {
  std::string out;
  for (const std::string& op : ops) out += op + "\n";
  const auto add = [&](const char* kind, const std::set<std::string>& names) {
    for (const std::string& name : names) out += std::string(kind) + "/" + name + "\n";
  };
  add("kernel", kernels);
  add("pass", passes);
  add("type", types);
  return out;
}

}  // namespace anyrt
