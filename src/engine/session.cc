#include "engine/session.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "anyrt_version.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/config.h"
#include "format/onnx/reader.h"
#include "graph/walk.h"
#include "interp/interp.h"
#include "opdef/custom_op.h"
#include "opdef/inference.h"
#include "opdef/rewrite.h"
#include "passes/pipeline.h"
#include "plan/plan.h"
#include "plan/weight_cache.h"
#include "run/executor.h"

namespace anyrt {

namespace {

// The CPU first: it is where everything runs that no other device takes.
Expected<std::vector<std::unique_ptr<Device>>> open_devices(const SessionOptions& options) {
  std::vector<std::unique_ptr<Device>> out;
  DeviceOptions d;
  d.weights_once = options.hint == Hint::kMemory;
  d.accuracy = options.accuracy;
  d.threads = options.threads;
  ANYRT_ASSIGN(std::unique_ptr<Device> cpu, open_device("cpu", d));
  out.push_back(std::move(cpu));
  if (!options.device.empty()) {
    if (options.device == "cpu") return out;
    ANYRT_ASSIGN(std::unique_ptr<Device> device, open_device(options.device, d));
    out.push_back(std::move(device));
    return out;
  }
  bool any = options.devices.empty();
  std::string missing;
  for (const std::string& name : options.devices) {
    if (name == "cpu") {
      any = true;
      break;
    }
    Expected<std::unique_ptr<Device>> device = open_device(name, d);
    if (!device.ok()) {
      missing += (missing.empty() ? "" : "; ") + device.status().message();
      log_warning("{}", device.status().message());
      continue;
    }
    any = true;
    out.push_back(std::move(*device));
  }
  if (!any) return make_error(Code::kNotFound, "none of the devices asked for is present: {}", missing);
  return out;
}

Expected<ReadOptions> read_options(const SessionOptions& options) {
  ReadOptions r;
  for (const auto& [denotation, size] : options.denoted_dims) {
    if (size < 0) return invalid_argument("dimensions '{}' are set to {}, expected at least 0", denotation, size);
    r.denoted_dims.insert_or_assign(denotation, size);
  }
  r.base_dir = options.external_dir;
  for (const auto& [name, tensor] : options.initializers) r.initializers.insert_or_assign(name, tensor);
  for (const SessionOptions::ExternalData& e : options.external_data) r.external[e.location] = {e.bytes, e.keep_alive};
  return r;
}

// Symbols of the model's own types become the sizes that were asked for.
Status fix_dims(Graph& graph, const std::vector<std::pair<std::string, int64_t>>& dims) {
  std::map<std::string, Dim, std::less<>> sizes;
  for (const auto& [symbol, size] : dims) {
    if (size < 0) return invalid_argument("dimension '{}' is set to {}, expected at least 0", symbol, size);
    sizes.insert_or_assign(symbol, Dim(size));
  }
  for_each_graph(graph, [&](Graph& g) {
    for (size_t i = 0; i < g.value_capacity(); ++i) {
      Type& type = g.value(ValueId{static_cast<uint32_t>(i)}).type;
      if (!type.shape) continue;
      for (Dim& d : *type.shape) {
        if (d.is_symbolic()) d = d.substitute(sizes);
      }
    }
  });
  return {};
}

constexpr char kUnnamed = '?';  // begins the symbols of sizes that the model gives no name

bool is_unnamed(const Dim& d) {
  std::vector<std::string> symbols;
  d.collect_symbols(symbols);
  return std::any_of(symbols.begin(), symbols.end(), [](const std::string& s) { return s.starts_with(kUnnamed); });
}

// The type as a caller sees it.
Type without_unnamed(Type type) {
  if (type.shape) {
    for (Dim& d : *type.shape) {
      if (is_unnamed(d)) d = Dim::unknown();
    }
  }
  return type;
}

// A symbol for each size of an input that has no name, so that shapes can be told equal and steps be bound before they
// run. "?" is the name that converters write for it: it says nothing about the other sizes of that name.
void name_open_dims(Graph& graph) {
  for_each_graph(graph, [](Graph& g) {
    for (size_t i = 0; i < g.value_capacity(); ++i) {
      Type& type = g.value(ValueId{static_cast<uint32_t>(i)}).type;
      type = without_unnamed(std::move(type));
    }
  });
  for (const ValueId id : graph.inputs) {
    ValueInfo& v = graph.value(id);
    if (!v.type.is_tensor() || !v.type.shape) continue;
    for (size_t k = 0; k < v.type.shape->size(); ++k) {
      Dim& d = (*v.type.shape)[k];
      if (d.is_unknown()) d = Dim::symbol(fmt::format("{}{}.{}", kUnnamed, v.name, k));
    }
  }
}

// What packed weights depend on: sessions of one key share them.
std::string weights_key(const ModelInfo& info, const SessionOptions& options) {
  if (!info.identity || !options.initializers.empty()) return "";
  std::string key = fmt::format("{:016x} {} {} {} {}", info.identity, static_cast<int>(options.accuracy),
                                options.hint == Hint::kMemory, options.optimize, options.device);
  for (const std::string& d : options.devices) key += " " + d;
  for (const std::string& p : options.disabled_passes) key += " -" + p;
  for (const auto& [symbol, size] : options.dims) key += fmt::format(" {}={}", symbol, size);
  for (const auto& [denotation, size] : options.denoted_dims) key += fmt::format(" {}:{}", denotation, size);
  return key;
}

// The weight cache of a model; null where it cannot be told apart from others, or where nothing is to be kept.
std::unique_ptr<WeightCache> open_weight_cache(const ModelInfo& info, const SessionOptions& options,
                                               const std::string& key, std::span<Device* const> devices) {
  if (!options.weight_cache) return nullptr;
  if (key.empty() || !info.custom_ops->empty() || options.cache_dir.empty()) {
    log_info("weight cache: not for {}",
             options.cache_dir.empty() ? "a process without a home and without cache_dir" : "a model that is changed");
    return nullptr;
  }
  std::error_code failure;
  const std::filesystem::path path = std::filesystem::weakly_canonical(info.file, failure);
  std::string place = failure ? info.file : path.string(), form;
  for (const Device* d : devices) form += fmt::format("{} {}\n", d->info().name, d->info().packing);
  // One file for each model and configuration: another state of the model takes its place.
  std::string name;
  for (const char c : path.stem().string()) {
    if (name.size() < 40) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  const std::string options_key = key.substr(key.find(' '));
  name += fmt::format("-{:016x}", hash_text(info.file.empty() ? key : place + "\n" + options_key, hash_text(form)));
  return std::make_unique<WeightCache>(weight_cache_folder(options.cache_dir), name,
                                       fmt::format("{}\nanyrt {}\n{}{}\n", place, ANYRT_VERSION_STRING, form, key));
}

// The session's operators and the process's.
std::shared_ptr<const OpSet> all_custom_ops(const SessionOptions& options) {
  std::shared_ptr<const OpSet> process = registered_ops();
  if (!options.custom_ops) return process;
  if (process->empty()) return options.custom_ops;
  auto all = std::make_shared<OpSet>(*process);
  all->add_all(*options.custom_ops);
  return all;
}

// Operators that no device has a kernel or a reference for run as what they consist of.
Status decompose_unsupported(Graph& graph, bool& decomposed) {
  const std::vector<NodeId> order = graph.order();
  for (NodeId id : order) {
    const Node& node = graph.node(id);
    if (!node.alive) continue;
    for (Graph* sub : node.subgraphs()) ANYRT_TRY(decompose_unsupported(*sub, decomposed));
    if (node.def->eval) continue;
    const std::string label = node.label();
    if (!node.def->decompose) return internal_error("node {} has neither a reference nor a decomposition", label);
    RewriteContext c(graph, id, node.def->since);
    Status s = node.def->decompose(c);
    if (s.ok()) s = c.finish();
    if (!s.ok()) return std::move(s).with_context("node " + label);
    decomposed = true;
  }
  return {};
}

}  // namespace

struct Session::Impl {
  SessionOptions options;
  Model model;
  std::vector<ValueSpec> inputs;  // in graph order, defaults included
  std::vector<ValueSpec> outputs;
  std::vector<std::unique_ptr<Device>> devices;
  std::unique_ptr<Plan> plan;
  std::unique_ptr<Executor> executor;
  std::vector<PipelineReport> passes;
  std::vector<DevicePass> device_passes;
  std::vector<DevicePassReport> device_reports;

  bool is_disabled(std::string_view pass) const {
    const auto& list = options.disabled_passes;
    return std::find(list.begin(), list.end(), pass) != list.end();
  }

  bool is_device_pass(std::string_view name) const {
    return std::any_of(device_passes.begin(), device_passes.end(), [&](const DevicePass& p) { return p.name == name; });
  }

  Status run_passes() {
    if (!options.optimize) return {};
    PipelineOptions o;
    for (const std::string& name : options.disabled_passes) {
      if (find_pass(name)) {
        o.disabled.push_back(name);
      } else if (!is_device_pass(name)) {
        std::string names;
        for (const PassRow& p : all_passes()) names += (names.empty() ? "" : ", ") + std::string(p.name);
        for (const DevicePass& p : device_passes) names += ", " + std::string(p.name);
        return invalid_argument("there is no pass '{}'; the passes are: {}", name, names);
      }
    }
    o.exact_only = options.accuracy == Accuracy::kStrict;
    o.on_change = options.on_stage;
    return anyrt::run_passes(model.graph, o, &passes.emplace_back());
  }

  // Passes of the CPU, where it runs everything.
  Status run_device_passes() {
    if (!options.optimize || devices.size() != 1) return {};
    Graph& graph = model.graph;
    for (const DevicePass& pass : device_passes) {
      if (is_disabled(pass.name) || (options.accuracy == Accuracy::kStrict && !pass.exact)) continue;
      DevicePassReport& report = device_reports.emplace_back();
      report.pass = pass.name;
      std::vector<Graph*> graphs;
      for_each_graph(graph, [&](Graph& g) { graphs.push_back(&g); });
      for (size_t i = graphs.size(); i-- > 0;) {  // inner ones first
        const size_t before = report.changes;
        Status status = pass.run(*graphs[i], report);
        if (status.ok() && report.changes > before) status = graphs[i]->sort();
        if (!status.ok()) return std::move(status).with_context(std::string("pass ") + pass.name);
      }
      if (report.changes == 0) continue;
      ANYRT_TRY(run_pass("eliminate_dead_code", graph));
      graph.compact();
      if (options.on_stage) options.on_stage(pass.name, graph);
    }
    return {};
  }

  Status run_prepared(const std::vector<Value>& inputs_in, const RunOptions& run, std::vector<Value>& out) const {
    if (!options.use_interpreter) {
      CallOptions call;
      call.cancel = run.cancel;
      call.deadline = run.deadline;
      call.memory_cap = run.memory_cap ? run.memory_cap : options.memory_cap;
      call.threads = options.threads;
      call.seed = options.seed;
      call.same_seed = options.deterministic;
      call.on_node = run.on_node;
      call.on_long_run = run.on_long_run;
      if (!run.into.empty()) {
        call.into = run.into;
        call.into.resize(outputs.size());
      }
      Expected<std::vector<Value>> result = executor->run(inputs_in, call);
      if (options.hint == Hint::kMemory) executor->trim();
      ANYRT_ASSIGN(out, std::move(result));
      return {};
    }
    InterpOptions io;
    io.on_node = run.on_node;
    io.check_cancelled = [&run]() -> Status {
      if (run.cancel && run.cancel->load(std::memory_order_relaxed))
        return Status(Code::kCancelled, "the run was cancelled");
      if (run.deadline && std::chrono::steady_clock::now() > *run.deadline)
        return Status(Code::kDeadlineExceeded, "the time limit of the run has passed");
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

Expected<std::unique_ptr<Session>> Session::load(const std::string& path, const SessionOptions& asked) {
  ANYRT_ASSIGN(const SessionOptions options, resolve_options(asked));
  ANYRT_ASSIGN(const ReadOptions read, read_options(options));
  ANYRT_ASSIGN(Model model, read_onnx_file(path, read));
  const std::string key = weights_key(model.info, options);
  Expected<std::unique_ptr<Session>> s = make(std::move(model), options, key);
  if (!s.ok()) return std::move(s).status().with_context(path);
  return s;
}

Expected<std::unique_ptr<Session>> Session::load_bytes(std::span<const std::byte> bytes,
                                                       std::shared_ptr<const void> keep_alive,
                                                       const SessionOptions& asked) {
  ANYRT_ASSIGN(const SessionOptions options, resolve_options(asked));
  ANYRT_ASSIGN(const ReadOptions read, read_options(options));
  ANYRT_ASSIGN(Model model, read_onnx_bytes(bytes, std::move(keep_alive), read));
  const std::string key = weights_key(model.info, options);
  return make(std::move(model), options, key);
}

Expected<std::unique_ptr<Session>> Session::from_model(Model model, const SessionOptions& asked) {
  ANYRT_ASSIGN(const SessionOptions options, resolve_options(asked));
  return make(std::move(model), options, "");
}

Expected<std::unique_ptr<Session>> Session::make(Model model, const SessionOptions& options,
                                                 const std::string& weights_key) {
  std::unique_ptr<Session> session(new Session());
  Impl& impl = *session->impl_;
  impl.options = options;
  impl.options.initializers.clear();
  impl.options.external_data.clear();
  impl.options.on_optimized = nullptr;
  impl.model = std::move(model);
  Graph& graph = impl.model.graph;
  impl.model.info.custom_ops = all_custom_ops(options);
  if (!options.dims.empty()) ANYRT_TRY(fix_dims(graph, options.dims));
  name_open_dims(graph);
  ANYRT_TRY(upgrade_and_infer(impl.model));
  const auto spec = [&](ValueId id, bool has_default) {
    const ValueInfo& v = graph.value(id);
    return ValueSpec{v.name, without_unnamed(v.type), v.doc, has_default};
  };
  for (ValueId id : graph.inputs) impl.inputs.push_back(spec(id, graph.value(id).is_constant()));
  for (ValueId id : graph.outputs) impl.outputs.push_back(spec(id, false));
  if (options.use_interpreter) return session;
  if (options.on_stage) options.on_stage("import", graph);
  ANYRT_ASSIGN(impl.devices, open_devices(options));
  impl.device_passes = impl.devices[0]->passes();
  ANYRT_TRY(impl.run_passes());
  bool decomposed = false;
  // A decomposition may use operators that are decomposed in their turn.
  for (bool more = true; more; decomposed = decomposed || more) {
    more = false;
    ANYRT_TRY(decompose_unsupported(graph, more));
  }
  if (decomposed && options.on_stage) options.on_stage("decompose", graph);
  if (decomposed) ANYRT_TRY(impl.run_passes());
  if (options.on_optimized) ANYRT_TRY(options.on_optimized(impl.model));
  ANYRT_TRY(impl.run_device_passes());
  if (options.on_stage) options.on_stage("final", graph);
  std::vector<Device*> devices;
  for (const auto& d : impl.devices) devices.push_back(d.get());
  ANYRT_ASSIGN(impl.plan, build_plan(graph, devices));
  std::string key = weights_key;
  // Constants may be folded by custom operators. A set lives as long as the sessions that share the key, so its address
  // names it.
  if (const auto& ops = impl.model.info.custom_ops; !key.empty() && !ops->empty())
    key += fmt::format(" {}", static_cast<const void*>(ops.get()));
  const std::unique_ptr<WeightCache> cache = open_weight_cache(impl.model.info, options, key, devices);
  ANYRT_TRY(prepare_plan(*impl.plan, graph, key, options.threads, cache.get()));
  if (cache) impl.plan->notes.push_back(cache->summary());
  ANYRT_ASSIGN(impl.executor, Executor::create(*impl.plan));
  impl.options.on_stage = nullptr;
  return session;
}

Expected<std::vector<Value>> Session::run(std::vector<Value> inputs, const RunOptions& options) const {
  if (inputs.size() > impl_->inputs.size())
    return invalid_argument("the model takes {} inputs, found {}", impl_->inputs.size(), inputs.size());
  inputs.resize(impl_->inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) ANYRT_TRY(check_input(impl_->inputs[i], inputs[i]));
  std::vector<Value> out;
  ANYRT_TRY(impl_->run_prepared(inputs, options, out));
  return out;
}

Expected<std::vector<Value>> Session::run(const std::vector<std::pair<std::string, Value>>& inputs,
                                          const std::vector<std::string>& outputs, const RunOptions& options) const {
  const auto names = [](const std::vector<ValueSpec>& specs) {
    std::string all;
    for (const ValueSpec& s : specs) all += (all.empty() ? "" : ", ") + s.name;
    return all;
  };
  std::vector<Value> by_position(impl_->inputs.size());
  std::vector<bool> given(impl_->inputs.size(), false);
  for (const auto& [name, value] : inputs) {
    const auto it = std::find_if(impl_->inputs.begin(), impl_->inputs.end(),
                                 [&n = name](const ValueSpec& s) { return s.name == n; });
    if (it == impl_->inputs.end())
      return invalid_argument("the model has no input '{}'; its inputs are: {}", name, names(impl_->inputs));
    const size_t i = static_cast<size_t>(it - impl_->inputs.begin());
    if (given[i]) return invalid_argument("input '{}' is given twice", name);
    given[i] = true;
    by_position[i] = value;
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const ValueSpec& spec = impl_->inputs[i];
    if (!given[i] && !spec.has_default && !spec.type.is_optional()) {
      return invalid_argument("input '{}' ({}) is missing; the model's inputs are: {}", spec.name,
                              spec.type.to_string(), names(impl_->inputs));
    }
  }
  std::vector<size_t> wanted;
  for (const std::string& name : outputs) {
    const auto it =
        std::find_if(impl_->outputs.begin(), impl_->outputs.end(), [&](const ValueSpec& s) { return s.name == name; });
    if (it == impl_->outputs.end())
      return invalid_argument("the model has no output '{}'; its outputs are: {}", name, names(impl_->outputs));
    wanted.push_back(static_cast<size_t>(it - impl_->outputs.begin()));
  }
  ANYRT_ASSIGN(std::vector<Value> all, run(std::move(by_position), options));
  if (outputs.empty()) return all;
  std::vector<Value> chosen;
  for (size_t i : wanted) chosen.push_back(all[i]);
  return chosen;
}

Session::Usage Session::usage(const Dim::Bindings& dims) const {
  Usage u;
  if (!impl_->plan) return u;
  const Plan& plan = *impl_->plan;
  const PlanMemory memory = place_plan(plan, dims);
  for (const PlanStep& step : plan.steps) {
    u.nodes += step.compiled.nodes.size();
    if (step.device != 0 || plan.devices.size() == 1) u.nodes_on_device += step.compiled.nodes.size();
  }
  for (size_t bytes : memory.arena) u.arena_bytes += bytes;
  for (size_t s = 0; s < plan.slots.size(); ++s) {
    const Type& t = plan.type(static_cast<uint32_t>(s));
    if (plan.slots[s].kind == SlotKind::kArena && t.is_tensor() && memory.bytes[s] == SIZE_MAX) u.sizes_known = false;
  }
  return u;
}

void Session::trim() const {
  if (impl_->executor) impl_->executor->trim();
}

std::string Session::explain() const {
  if (!impl_->plan) return "run by the reference interpreter\n";
  std::string out;
  for (const PipelineReport& report : impl_->passes) {
    for (const PassStats& stats : report.passes) {
      if (stats.changes > 0) out += fmt::format("pass {}: {} changes\n", stats.pass->name, stats.changes);
    }
  }
  for (const DevicePassReport& report : impl_->device_reports) {
    if (report.changes > 0) out += fmt::format("pass {}: {} changes\n", report.pass, report.changes);
    for (const std::string& note : report.notes) out += fmt::format("{}: {}\n", report.pass, note);
  }
  for (const std::string& note : impl_->plan->notes) out += note + "\n";
  return out + print_plan(*impl_->plan);
}

}  // namespace anyrt
