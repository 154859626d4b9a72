#include "engine/session.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "bindings/python/common.h"
#include "engine/config.h"

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

// While it lives, Ctrl-C sets `flag`, and Python learns of it as usual. On other threads, and where the process ignores
// the signal or dies of it, nothing changes.
class InterruptScope {
 public:
  explicit InterruptScope(std::atomic<bool>& flag) {
    if (gettid() != getpid()) return;
    struct sigaction action = {};
    action.sa_sigaction = on_interrupt;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (sigaction(SIGINT, nullptr, &python_action) != 0) return;
    const bool plain = (python_action.sa_flags & SA_SIGINFO) == 0;
    if (plain && (python_action.sa_handler == SIG_DFL || python_action.sa_handler == SIG_IGN)) return;
    interruptible = &flag;
    active_ = sigaction(SIGINT, &action, nullptr) == 0;
  }
  ~InterruptScope() {
    if (active_) sigaction(SIGINT, &python_action, nullptr);
    if (active_) interruptible = nullptr;
  }
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  bool active_ = false;
};

class PySession {
 public:
  explicit PySession(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  const Session& get() const { return *session_; }

  nb::object run(const nb::object& outputs, const nb::dict& feeds, double timeout, size_t memory_cap,
                 std::atomic<bool>* terminate, bool as_values) {
    std::vector<std::pair<std::string, Value>> inputs;
    inputs.reserve(PyDict_GET_SIZE(feeds.ptr()));
    for (auto [key, object] : feeds) {
      if (!PyUnicode_Check(key.ptr())) raise_status(invalid_argument("names of inputs must be str"));
      std::string name = text_of(key);
      const Type* want = nullptr;
      for (const ValueSpec& s : session_->inputs()) {
        if (s.name == name) want = &s.type;
      }
      Value value = value_from_python(object, want ? *want : Type(), Borrow::kDuringCall);
      inputs.emplace_back(std::move(name), std::move(value));
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
    Expected<std::vector<Value>> result = Status();
    {
      const InterruptScope scope(cancel);
      const nb::gil_scoped_release unlocked;
      result = session_->run(inputs, names, options);
    }
    if (PyErr_CheckSignals() != 0) {
      if (terminate) *terminate = false;  // it was the signal that set it
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
  std::unique_ptr<Session> session_;
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
    } else if (name == "dims") {
      o.dims = nb::cast<std::vector<std::pair<std::string, int64_t>>>(value);
    } else {
      raise_status(invalid_argument("there is no option '{}'", name));
    }
  }
  return o;
}

std::unique_ptr<Session> make_session(nb::handle source, const nb::dict& option_dict) {
  const SessionOptions options = options_from(option_dict);
  Expected<std::unique_ptr<Session>> session = Status();
  if (PyBytes_Check(source.ptr())) {
    const auto keep = hold(source);
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(source.ptr())),
                                           static_cast<size_t>(PyBytes_GET_SIZE(source.ptr())));
    const nb::gil_scoped_release unlocked;
    session = Session::load_bytes(bytes, keep, options);
  } else {
    const std::string path = text_of(source);
    const nb::gil_scoped_release unlocked;
    session = Session::load(path, options);
  }
  return take(std::move(session));
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
      .def("__init__", [](PySession* self, nb::handle source,
                          const nb::dict& options) { new (self) PySession(make_session(source, options)); })
      .def("run", &PySession::run, nb::arg("outputs").none(), nb::arg("feeds"), nb::arg("timeout") = 0.0,
           nb::arg("memory_cap") = size_t{0}, nb::arg("terminate").none() = nb::none(), nb::arg("as_values") = false)
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
        nb::dict meta;
        for (const auto& [k, v] : i.metadata) meta[nb::str(k.c_str())] = nb::str(v.c_str());
        out["metadata"] = meta;
        return out;
      });
}

}  // namespace anyrt::python
