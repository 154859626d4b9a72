#include "engine/session.h"

#include <algorithm>

#include "format/onnx/reader.h"
#include "interp/interp.h"
#include "opdef/inference.h"

namespace anyrt {

struct Session::Impl {
  SessionOptions options;
  Model model;
  std::vector<ValueSpec> inputs;   // in graph order, defaults included
  std::vector<ValueSpec> outputs;

  Status run_prepared(const std::vector<Value>& inputs_in, const RunOptions& run, std::vector<Value>& out) const {
    InterpOptions io;
    io.on_node = run.on_node;
    io.check_cancelled = [&run]() -> Status {
      if (run.cancel && run.cancel->load(std::memory_order_relaxed)) return Status(Code::kCancelled, "the run was cancelled");
      if (run.deadline && std::chrono::steady_clock::now() > *run.deadline) return Status(Code::kDeadlineExceeded, "the time limit of the run has passed");
      return {};
    };
    ANYRT_ASSIGN(out, interpret(model.graph, inputs_in, io));
    return {};
  }
};

Session::Session() : impl_(std::make_unique<Impl>()) {}
Session::~Session() = default;

const std::vector<ValueSpec>& Session::inputs() const { return impl_->inputs; }
const std::vector<ValueSpec>& Session::outputs() const { return impl_->outputs; }
const ModelInfo& Session::info() const { return impl_->model.info; }
const Graph& Session::graph() const { return impl_->model.graph; }

Expected<std::unique_ptr<Session>> Session::load(const std::string& path, const SessionOptions& options) {
  ANYRT_ASSIGN(Model model, read_onnx_file(path));
  Expected<std::unique_ptr<Session>> s = from_model(std::move(model), options);
  if (!s.ok()) return std::move(s).status().with_context(path);
  return s;
}

Expected<std::unique_ptr<Session>> Session::load_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive,
                                                       const SessionOptions& options) {
  ANYRT_ASSIGN(Model model, read_onnx_bytes(bytes, std::move(keep_alive)));
  return from_model(std::move(model), options);
}

Expected<std::unique_ptr<Session>> Session::from_model(Model model, const SessionOptions& options) {
  std::unique_ptr<Session> session(new Session());
  Impl& impl = *session->impl_;
  impl.options = options;
  impl.model = std::move(model);
  Graph& graph = impl.model.graph;
  ANYRT_TRY(upgrade_and_infer(impl.model));
  const auto spec = [&](ValueId id) {
    const ValueInfo& v = graph.value(id);
    return ValueSpec{v.name, v.type, v.doc, v.is_constant()};
  };
  for (ValueId id : graph.inputs) impl.inputs.push_back(spec(id));
  for (ValueId id : graph.outputs) impl.outputs.push_back({graph.value(id).name, graph.value(id).type, graph.value(id).doc, false});
  return session;
}

Expected<std::vector<Value>> Session::run(const std::vector<Value>& inputs, const RunOptions& options) const {
  std::vector<Value> all = inputs;
  if (all.size() > impl_->inputs.size()) {
    return invalid_argument("the model takes {} inputs, found {}", impl_->inputs.size(), inputs.size());
  }
  all.resize(impl_->inputs.size());
  Dim::Bindings symbols;
  for (size_t i = 0; i < all.size(); ++i) ANYRT_TRY(check_input(impl_->inputs[i], all[i], symbols));
  std::vector<Value> out;
  ANYRT_TRY(impl_->run_prepared(all, options, out));
  return out;
}

Expected<std::vector<Value>> Session::run(const std::vector<std::pair<std::string, Value>>& inputs, const std::vector<std::string>& outputs,
                                          const RunOptions& options) const {
  const auto names = [](const std::vector<ValueSpec>& specs) {
    std::string all;
    for (const ValueSpec& s : specs) all += (all.empty() ? "" : ", ") + s.name;
    return all;
  };
  std::vector<Value> by_position(impl_->inputs.size());
  std::vector<bool> given(impl_->inputs.size(), false);
  for (const auto& [name, value] : inputs) {
    const auto it = std::find_if(impl_->inputs.begin(), impl_->inputs.end(), [&n = name](const ValueSpec& s) { return s.name == n; });
    if (it == impl_->inputs.end()) return invalid_argument("the model has no input '{}'; its inputs are: {}", name, names(impl_->inputs));
    const size_t i = static_cast<size_t>(it - impl_->inputs.begin());
    if (given[i]) return invalid_argument("input '{}' is given twice", name);
    given[i] = true;
    by_position[i] = value;
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const ValueSpec& spec = impl_->inputs[i];
    if (!given[i] && !spec.has_default && !spec.type.is_optional()) {
      return invalid_argument("input '{}' ({}) is missing; the model's inputs are: {}", spec.name, spec.type.to_string(), names(impl_->inputs));
    }
  }
  std::vector<size_t> wanted;
  for (const std::string& name : outputs) {
    const auto it = std::find_if(impl_->outputs.begin(), impl_->outputs.end(), [&](const ValueSpec& s) { return s.name == name; });
    if (it == impl_->outputs.end()) return invalid_argument("the model has no output '{}'; its outputs are: {}", name, names(impl_->outputs));
    wanted.push_back(static_cast<size_t>(it - impl_->outputs.begin()));
  }
  ANYRT_ASSIGN(std::vector<Value> all, run(by_position, options));
  if (outputs.empty()) return all;
  std::vector<Value> chosen;
  for (size_t i : wanted) chosen.push_back(all[i]);
  return chosen;
}

std::string Session::explain() const { return "interpreter\n"; }

}  // namespace anyrt
