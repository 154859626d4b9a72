#include "engine/session.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>

#include "base/log.h"
#include "bindings/python/common.h"
#include "bindings/python/profile.h"
#include "capi/op_library.h"
#include "engine/config.h"
#include "format/onnx/writer.h"

namespace anyrt::python {

namespace {

// The flag of the run on the main thread, which the signal handler below sets.
std::atomic<std::atomic<bool>*> interruptible{nullptr};
struct sigaction python_action;

void on_interrupt(int number, siginfo_t* info, void* context) {
  if (std::atomic<bool>* flag = interruptible.load()) *flag = true;
  if (python_action.sa_flags & SA_SIGINFO) {
    python_action.sa_sigaction(number, info, context);
  } else {
    python_action.sa_handler(number);
  }
}

// Whether this is the main thread, asked once a thread; the thread that forks is the main one of the child.
bool on_main_thread() {
  static thread_local int known = -1;
  static thread_local pid_t process = 0;
  if (known < 0) {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { known = 1; });
    (void)registered;
    process = getpid();
    known = gettid() == process ? 1 : 0;
  }
  return known == 1;
}

// While it lives on the main thread, Ctrl-C sets `flag`, and Python learns of it as usual. Where the process ignores
// the signal or dies of it, nothing changes.
class InterruptScope {
 public:
  explicit InterruptScope(std::atomic<bool>& flag) {
    outer_ = interruptible.exchange(&flag);
    if (outer_) {  // a run inside of a run, from a custom operator or a hook
      nested_ = true;
      return;
    }
    struct sigaction action = {};
    action.sa_sigaction = on_interrupt;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    struct sigaction before;
    if (sigaction(SIGINT, &action, &before) != 0) {
      interruptible = nullptr;
      return;
    }
    python_action = before;
    active_ = true;
    const bool plain = (before.sa_flags & SA_SIGINFO) == 0;
    if (plain && (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)) finish();
  }
  ~InterruptScope() {
    if (nested_) interruptible = outer_;
    if (active_) finish();
  }
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  void finish() {
    sigaction(SIGINT, &python_action, nullptr);
    interruptible = nullptr;
    active_ = false;
  }

  std::atomic<bool>* outer_ = nullptr;
  bool active_ = false, nested_ = false;
};

// Messages of this thread from a level on; 0: as the process.
class OwnLevel {
 public:
  explicit OwnLevel(int level) {
    if (level > 0) scope_.emplace(static_cast<LogLevel>(std::min(level, 5)), none_);
  }

 private:
  LogSink none_;
  std::optional<LogScope> scope_;
};

class PySession {
 public:
  explicit PySession(std::unique_ptr<Session> session, std::shared_ptr<Profiler> profiler)
      : session_(std::move(session)), profiler_(std::move(profiler)) {}

  const Session& get() const { return *session_; }
  Profiler* profiler() const { return profiler_.get(); }

  nb::object run(const nb::object& outputs, const nb::dict& feeds, double timeout, size_t memory_cap,
                 std::atomic<bool>* terminate, bool as_values, const nb::object& on_node, int log_level,
                 const nb::object& into) {
    const std::vector<ValueSpec>& specs = session_->inputs();
    std::vector<Value> inputs(specs.size());
    std::vector<bool> present(specs.size(), false);
    std::vector<std::string> unknown;
    size_t given = 0;
    for (auto [key, object] : feeds) {
      if (!PyUnicode_Check(key.ptr())) raise_status(invalid_argument("names of inputs must be str"));
      Py_ssize_t size = 0;
      const char* text = PyUnicode_AsUTF8AndSize(key.ptr(), &size);
      if (!text) raise_python();
      const std::string_view name(text, static_cast<size_t>(size));
      size_t i = 0;
      while (i < specs.size() && specs[i].name != name) ++i;
      if (i == specs.size()) {
        unknown.emplace_back(name);
        continue;
      }
      inputs[i] = value_from_python(object, specs[i].type, Borrow::kDuringCall);
      present[i] = true;
      ++given;
    }
    std::vector<std::string> names;
    if (!outputs.is_none()) {
      for (nb::handle o : outputs) names.push_back(text_of(o));
    }
    std::atomic<bool> own_flag{false};
    RunOptions options;
    std::atomic<bool>& cancel = terminate ? *terminate : own_flag;
    options.cancel = &cancel;
    options.memory_cap = memory_cap;
    if (timeout > 0) {
      options.deadline =
          std::chrono::steady_clock::now() +
          std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(timeout));
    }
    if (!into.is_none()) {
      options.into.resize(session_->outputs().size());
      for (auto [key, array] : nb::borrow<nb::dict>(into)) {
        for (size_t i = 0; i < options.into.size(); ++i) {
          if (session_->outputs()[i].name == text_of(key))
            options.into[i] = tensor_from_array(array, Borrow::kKeepAlive);
        }
      }
    }
    std::optional<Profiler::Run> trace;
    if (profiler_) trace.emplace(*profiler_);
    std::exception_ptr hook_error;
    if (trace || !on_node.is_none()) {
      options.on_node = [&](const Graph& graph, NodeId id, const std::vector<Value>& made) {
        if (trace) trace->node(graph, id, made);
        if (on_node.is_none() || hook_error) return;
        const nb::gil_scoped_acquire gil;
        try {
          const Node& node = graph.node(id);
          nb::list values;
          for (const Value& v : made) values.append(nb::cast(OrtValue{v, v.type()}));
          on_node(nb::str(node.name.c_str()), nb::str(node.op.c_str()), values);
        } catch (...) {
          hook_error = std::current_exception();
          cancel = true;
        }
      };
    }
    std::optional<nb::python_error> early_signal;
    Expected<std::vector<Value>> result = [&] {
      std::optional<InterruptScope> scope;
      if (on_main_thread()) {
        // Short runs are over before anybody could stop them, and feel every system call.
        options.on_long_run = [&] {
          scope.emplace(cancel);
          const nb::gil_scoped_acquire gil;  // the signal may have come before
          if (PyErr_CheckSignals() == 0) return;
          early_signal.emplace();
          cancel = true;
        };
      }
      const OwnLevel level(log_level);
      const nb::gil_scoped_release unlocked;
      return unknown.empty() && names.empty() && given == specs.size()
                 ? session_->run(inputs, options)
                 : session_->run(by_name(inputs, present, unknown), names, options);
    }();
    if (trace) trace->finish();
    if (hook_error) {
      if (terminate) *terminate = false;  // it was the hook that set it
      std::rethrow_exception(hook_error);
    }
    if (early_signal || PyErr_CheckSignals() != 0) {
      if (terminate) *terminate = false;  // it was the signal that set it
      if (early_signal) throw nb::python_error(std::move(*early_signal));
      raise_python();
    }
    std::vector<Value> values = take(std::move(result));
    nb::list out;
    for (Value& v : values) {
      if (as_values) {
        Type type = v.type();
        out.append(nb::cast(OrtValue{std::move(v), std::move(type)}));
      } else {
        out.append(value_to_python(std::move(v)));
      }
    }
    return out;
  }

 private:
  // For Session::run by name, whose errors name what is unknown and missing.
  std::vector<std::pair<std::string, Value>> by_name(const std::vector<Value>& inputs, const std::vector<bool>& present,
                                                     const std::vector<std::string>& unknown) const {
    std::vector<std::pair<std::string, Value>> all;
    for (const std::string& name : unknown) all.emplace_back(name, Value());
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (present[i]) all.emplace_back(session_->inputs()[i].name, inputs[i]);
    }
    return all;
  }

  std::unique_ptr<Session> session_;
  std::shared_ptr<Profiler> profiler_;
};

nb::list specs(const std::vector<ValueSpec>& all, bool with_default) {
  nb::list out;
  for (const ValueSpec& s : all) {
    if (s.has_default != with_default) continue;
    nb::object shape = nb::none();
    const Type* t = &s.type;
    while (!t->is_tensor() && t->elem) t = t->elem.get();
    if (t->shape) {
      nb::list dims;
      for (const Dim& d : *t->shape) {
        if (d.is_const()) {
          dims.append(d.value());
        } else if (d.is_unknown()) {
          dims.append(nb::none());
        } else {
          dims.append(nb::str(d.to_string().c_str()));
        }
      }
      shape = dims;
    }
    out.append(nb::make_tuple(nb::str(s.name.c_str()), nb::str(onnx_type_name(s.type).c_str()), shape));
  }
  return out;
}

// {"path": …} or {"write": function of bytes}, with "external_file" and "external_threshold" where weights go beside.
Status save_model(const Model& model, const nb::dict& spec) {
  WriteOptions w;
  w.overwrite = true;
  if (spec.contains("external_file")) {
    w.external = WriteOptions::External::kAlways;
    w.external_file = text_of(spec["external_file"]);
    if (spec.contains("external_threshold")) w.external_threshold = nb::cast<size_t>(spec["external_threshold"]);
  }
  if (spec.contains("path")) return write_onnx_file(model, text_of(spec["path"]), w);
  ANYRT_ASSIGN(const std::string bytes, write_onnx_bytes(model, w));
  spec["write"](nb::bytes(bytes.data(), bytes.size()));
  return {};
}

SessionOptions options_from(const nb::dict& d) {
  SessionOptions o;
  check(read_environment(o));
  for (auto [key, value] : d) {
    const std::string name = text_of(key);
    if (name == "config") {
      for (auto [k, v] : nb::cast<nb::dict>(value)) check(set_option(o, text_of(k), text_of(v)));
    } else if (name == "seed") {
      o.seed = nb::cast<uint64_t>(value);
    } else if (name == "optimize") {
      o.optimize = nb::cast<bool>(value);
    } else if (name == "disabled_passes") {
      o.disabled_passes = nb::cast<std::vector<std::string>>(value);
    } else if (name == "devices") {
      o.devices = nb::cast<std::vector<std::string>>(value);
    } else if (name == "initializers") {
      for (nb::handle pair : nb::borrow<nb::list>(value)) {
        Value v = value_from_python(pair[1], Type(), Borrow::kKeepAlive);
        if (!v.is_tensor()) raise_status(invalid_argument("initializer '{}' must be a tensor", text_of(pair[0])));
        o.initializers.emplace_back(text_of(pair[0]), std::move(v.tensor()));
      }
    } else if (name == "external_data") {
      for (nb::handle pair : nb::borrow<nb::list>(value)) {
        nb::object bytes = pair[1];
        o.external_data.push_back({text_of(pair[0]),
                                   {reinterpret_cast<const std::byte*>(PyBytes_AsString(bytes.ptr())),
                                    static_cast<size_t>(PyBytes_Size(bytes.ptr()))},
                                   hold(bytes)});
      }
    } else if (name == "op_libraries") {
      auto ops = std::make_shared<OpSet>();
      for (nb::handle path : nb::borrow<nb::list>(value)) ops->add_all(take(load_op_library(text_of(path))));
      o.custom_ops = std::move(ops);
    } else if (name == "external_dir") {
      o.external_dir = text_of(value);
    } else if (name == "profile" || name == "save" || name == "on_stage" || name == "log_severity") {
      continue;  // make_session
    } else if (name == "denoted_dims") {
      o.denoted_dims = nb::cast<std::vector<std::pair<std::string, int64_t>>>(value);
    } else if (name == "dims") {
      o.dims = nb::cast<std::vector<std::pair<std::string, int64_t>>>(value);
    } else {
      raise_status(invalid_argument("there is no option '{}'", name));
    }
  }
  return o;
}

void make_session(PySession* self, nb::handle source, const nb::dict& option_dict) {
  SessionOptions options = options_from(option_dict);
  const OwnLevel level(option_dict.contains("log_severity") ? nb::cast<int>(option_dict["log_severity"]) : 0);
  const auto begin = std::chrono::steady_clock::now();
  std::shared_ptr<Profiler> profiler;
  if (option_dict.contains("profile")) profiler = std::make_shared<Profiler>(text_of(option_dict["profile"]));
  std::exception_ptr hook_error;
  if (option_dict.contains("on_stage")) {
    options.on_stage = [&, hook = nb::handle(option_dict["on_stage"])](std::string_view stage, const Graph& graph) {
      if (hook_error) return;
      const nb::gil_scoped_acquire gil;
      try {
        hook(nb::str(stage.data(), stage.size()), graph.node_count());
      } catch (...) {
        hook_error = std::current_exception();
      }
    };
  }
  if (option_dict.contains("save")) {
    options.on_optimized = [&, spec = nb::handle(option_dict["save"])](const Model& model) -> Status {
      const nb::gil_scoped_acquire gil;
      try {
        return save_model(model, nb::borrow<nb::dict>(spec));
      } catch (...) {
        hook_error = std::current_exception();
        return Status(Code::kCancelled, "the model was not saved");
      }
    };
  }
  Expected<std::unique_ptr<Session>> session = Status();
  if (PyBytes_Check(source.ptr())) {
    const auto keep = hold(source);
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(PyBytes_AsString(source.ptr())),
                                           static_cast<size_t>(PyBytes_Size(source.ptr())));
    const nb::gil_scoped_release unlocked;
    session = Session::load_bytes(bytes, keep, options);
  } else {
    const std::string path = text_of(source);
    const nb::gil_scoped_release unlocked;
    session = Session::load(path, options);
  }
  if (hook_error) std::rethrow_exception(hook_error);
  if (profiler) profiler->session_event("session_initialization", begin);
  new (self) PySession(take(std::move(session)), std::move(profiler));
}

}  // namespace

void bind_session(nb::module_& m) {
  // (name, allowed values, meaning) of every setting; engine/config.h.
  m.def("config_keys", [] {
    nb::list out;
    for (const ConfigKey& k : config_keys())
      out.append(nb::make_tuple(nb::str(k.name), nb::str(k.values), nb::str(k.doc)));
    return out;
  });
  m.def("check_op_library", [](nb::handle path) { take(load_op_library(text_of(path))); });
  m.def("check_config", [](nb::handle key, nb::handle value) {
    const std::string name = text_of(key), text = text_of(value);
    SessionOptions o;
    check(set_option(o, name, text));
    return nb::str(take(get_option(o, name)).c_str());
  });
  m.def("default_config", [](nb::handle key) {
    SessionOptions o;
    check(read_environment(o));
    return nb::str(take(get_option(o, text_of(key))).c_str());
  });
  nb::class_<std::atomic<bool>>(m, "Flag")
      .def("__init__", [](std::atomic<bool>* self) { new (self) std::atomic<bool>(false); })
      .def("set", [](std::atomic<bool>& self, bool on) { self = on; })
      .def("get", [](const std::atomic<bool>& self) { return self.load(); });
  nb::class_<PySession>(m, "Session")
      .def("__init__",
           [](PySession* self, nb::handle source, const nb::dict& options) { make_session(self, source, options); })
      .def_prop_ro("profiling_start_ns", [](const PySession& s) { return s.profiler() ? s.profiler()->start_ns() : 0; })
      .def("end_profiling",
           [](const PySession& s) {
             if (!s.profiler()) raise_status(make_error(Code::kNotFound, "profiling was not enabled for this session"));
             return nb::str(take(s.profiler()->finish()).c_str());
           })
      // The plain case of run, which is called most.
      .def(
          "call",
          [](PySession& self, const nb::object& outputs, const nb::dict& feeds) {
            return self.run(outputs, feeds, 0, 0, nullptr, false, nb::none(), 0, nb::none());
          },
          nb::arg().none(), nb::arg())
      .def("run", &PySession::run, nb::arg("outputs").none(), nb::arg("feeds"), nb::arg("timeout") = 0.0,
           nb::arg("memory_cap") = size_t{0}, nb::arg("terminate").none() = nb::none(), nb::arg("as_values") = false,
           nb::arg("on_node").none() = nb::none(), nb::arg("log_level") = 0, nb::arg("into").none() = nb::none())
      .def("trim", [](const PySession& s) { s.get().trim(); })
      .def_prop_ro("inputs", [](const PySession& s) { return specs(s.get().inputs(), false); })
      .def_prop_ro("initializers", [](const PySession& s) { return specs(s.get().inputs(), true); })
      .def_prop_ro("outputs", [](const PySession& s) { return specs(s.get().outputs(), false); })
      .def("explain", [](const PySession& s) { return s.get().explain(); })
      .def_prop_ro("info", [](const PySession& s) {
        const ModelInfo& i = s.get().info();
        nb::dict out;
        out["producer_name"] = nb::str(i.producer_name.c_str());
        out["domain"] = nb::str(i.domain.c_str());
        out["description"] = nb::str(i.doc.c_str());
        out["version"] = i.model_version;
        out["graph_name"] = nb::str(s.get().graph().name.c_str());
        out["graph_description"] = nb::str(s.get().graph().doc.c_str());
        nb::dict meta;
        for (const auto& [k, v] : i.metadata) meta[nb::str(k.c_str())] = nb::str(v.c_str());
        out["metadata"] = meta;
        return out;
      });
}

}  // namespace anyrt::python
