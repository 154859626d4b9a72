#include <algorithm>

#include "bindings/c/run.h"
#include "capi/guard.h"

using namespace anyrt;
using namespace anyrt::c;

namespace {

void bind(std::vector<std::pair<size_t, Value>>& list, size_t position, Value value) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& row) { return row.first == position; });
  if (it != list.end()) {
    it->second = std::move(value);
  } else {
    list.emplace_back(position, std::move(value));
  }
}

}  // namespace

anyrt_status* anyrt_binding_create(const anyrt_session* session, anyrt_binding** out) noexcept {
  return guarded_into(out, [&]() -> Expected<std::unique_ptr<anyrt_binding>> {
    ANYRT_C_NEED(session);
    auto binding = std::make_unique<anyrt_binding>();
    binding->session = session;
    return binding;
  });
}

void anyrt_binding_free(anyrt_binding* binding) noexcept { delete binding; }

anyrt_status* anyrt_binding_set_input(anyrt_binding* binding, const char* name, const anyrt_value* value) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(binding);
    ANYRT_C_NEED(value);
    ANYRT_ASSIGN(const size_t at, find_input(*binding->session, name));
    ANYRT_TRY(check_input(binding->session->session->inputs()[at], value->value));
    bind(binding->inputs, at, value->value);
    return {};
  });
}

anyrt_status* anyrt_binding_set_output(anyrt_binding* binding, const char* name, const anyrt_value* value) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(binding);
    ANYRT_ASSIGN(const size_t at, find_output(*binding->session, name));
    if (value) ANYRT_TRY(check_place(value->value, name));
    bind(binding->outputs, at, value ? value->value : Value());
    return {};
  });
}

void anyrt_binding_clear(anyrt_binding* binding) noexcept {
  if (!binding) return;
  binding->inputs.clear();
  binding->outputs.clear();
  binding->results.clear();
}

anyrt_status* anyrt_binding_run(anyrt_binding* binding, const anyrt_run_options* options) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(binding);
    binding->results.clear();
    const anyrt_session& session = *binding->session;
    RunRequest r;
    r.set_control(options);
    r.inputs.resize(session.session->inputs().size());
    for (const auto& [at, value] : binding->inputs) r.inputs[at] = value;
    for (const auto& [at, value] : binding->outputs) {
      r.outputs.push_back(at);
      r.into.push_back(value);
    }
    if (binding->outputs.empty()) {
      for (size_t i = 0; i < session.outputs.size(); ++i) r.outputs.push_back(i);
      r.into.resize(session.outputs.size());
    }
    ANYRT_ASSIGN(std::vector<Value> values, r.run(*session.session));
    for (size_t i = 0; i < values.size(); ++i) binding->results.emplace_back(r.outputs[i], std::move(values[i]));
    return {};
  });
}

anyrt_status* anyrt_binding_get_output(const anyrt_binding* binding, const char* name, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Expected<std::unique_ptr<anyrt_value>> {
    ANYRT_C_NEED(binding);
    ANYRT_ASSIGN(const size_t at, find_output(*binding->session, name));
    for (const auto& [position, value] : binding->results) {
      if (position == at) return std::make_unique<anyrt_value>(value);
    }
    return make_error(Code::kNotFound, "there is no result for output '{}': it is not bound, or nothing was run", name);
  });
}
