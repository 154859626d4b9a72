#include "bindings/c/run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/cpu.h"
#include "base/log.h"
#include "capi/guard.h"

namespace anyrt::c {

namespace {

using Clock = std::chrono::steady_clock;

Expected<size_t> find(const std::vector<ValueSpec>& specs, const char* what, const char* name) {
  if (!name) return invalid_argument("the name of an {} is NULL", what);
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].name == name) return i;
  }
  std::string all;
  for (const ValueSpec& s : specs) all += (all.empty() ? "" : ", ") + s.name;
  return invalid_argument("the model has no {} '{}'; its {}s are: {}", what, name, what, all);
}

// Puts a result into the caller's tensor.
Status write_into(const Value& place, const Value& result, const std::string& name) {
  const Tensor& to = place.tensor();
  if (!result.is_tensor() || result.tensor().dtype() != to.dtype() || result.tensor().dims() != to.dims()) {
    return invalid_argument("output '{}': the result is {}, the tensor to write into is {}", name, result.type_string(),
                            to.type_string());
  }
  const Tensor& from = result.tensor();
  if (from.raw() == to.raw()) return {};
  Tensor target = to;
  if (to.dtype() == DType::kString) {
    std::copy_n(from.data<std::string>(), from.size(), target.mutable_data<std::string>());
  } else if (from.bytes() > 0) {
    std::memcpy(target.mutable_raw(), from.raw(), from.bytes());
  }
  return {};
}

Expected<RunRequest> read_request(const anyrt_session& session, const anyrt_run_options* options,
                                  const char* const* input_names, const anyrt_value* const* inputs, size_t input_count,
                                  const char* const* output_names, const anyrt_value* const* outputs,
                                  size_t output_count) {
  RunRequest r;
  r.set_control(options);
  const auto& specs = session.session->inputs();
  r.inputs.resize(specs.size());
  if (input_count > 0) ANYRT_C_NEED(inputs);
  if (!input_names && input_count > session.inputs.size())
    return invalid_argument("the model takes {} inputs, found {}", session.inputs.size(), input_count);
  std::vector<bool> given(specs.size());
  for (size_t i = 0; i < input_count; ++i) {
    size_t at = 0;
    if (input_names) {
      ANYRT_ASSIGN(at, find_input(session, input_names[i]));
    } else {
      at = session.inputs[i].position;
    }
    if (!inputs[i]) return invalid_argument("input '{}' is NULL", specs[at].name);
    if (given[at]) return invalid_argument("input '{}' is given twice", specs[at].name);
    given[at] = true;
    r.inputs[at] = inputs[i]->value;
  }
  if (!output_names && output_count > session.outputs.size())
    return invalid_argument("the model has {} outputs, {} are asked for", session.outputs.size(), output_count);
  for (size_t i = 0; i < output_count; ++i) {
    size_t at = i;
    if (output_names) {
      ANYRT_ASSIGN(at, find_output(session, output_names[i]));
    }
    r.outputs.push_back(at);
    const anyrt_value* place = outputs ? outputs[i] : nullptr;
    if (place) ANYRT_TRY(check_place(place->value, session.outputs[at].name));
    r.into.push_back(place ? place->value : Value());
  }
  return r;
}

// Hands over all values or none.
Status hand_over(std::vector<Value> values, const RunRequest& request, anyrt_value** outputs) {
  if (values.size() == 1) {
    if (request.into[0].empty()) outputs[0] = new anyrt_value(std::move(values[0]));
    return {};
  }
  std::vector<std::unique_ptr<anyrt_value>> made(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (request.into[i].empty()) made[i] = std::make_unique<anyrt_value>(std::move(values[i]));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (made[i]) outputs[i] = made[i].release();
  }
  return {};
}

void run_job(const anyrt_session& session, RunRequest& request, anyrt_run_fn callback, void* user) noexcept {
  std::vector<std::unique_ptr<anyrt_value>> made;
  std::vector<anyrt_value*> handles;
  anyrt_status* status = guarded([&]() -> Status {
    ANYRT_ASSIGN(std::vector<Value> values, request.run(*session.session));
    handles.reserve(values.size());
    for (Value& v : values) made.push_back(std::make_unique<anyrt_value>(std::move(v)));
    for (auto& m : made) handles.push_back(m.release());
    return {};
  });
  try {
    callback(user, status, handles.data(), handles.size());
  } catch (...) {
    log_error("a callback of an asynchronous run threw an exception");
  }
}

}  // namespace

void RunRequest::set_control(const anyrt_run_options* options) {
  if (!options) return;
  control = options->state;
  const double seconds = control->timeout;
  timed = seconds > 0;
  if (timed)
    deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Expected<std::vector<Value>> RunRequest::run(const Session& session) {
  RunOptions o;
  if (control) {
    o.cancel = &control->cancel;
    o.memory_cap = control->memory_cap;
    if (timed) o.deadline = deadline;
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (into[i].empty()) continue;
    o.into.resize(session.outputs().size());
    o.into[outputs[i]] = into[i].tensor();
  }
  ANYRT_ASSIGN(std::vector<Value> all, session.run(std::move(inputs), o));
  std::vector<Value> chosen;
  chosen.reserve(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool again =
        std::find(outputs.begin() + static_cast<std::ptrdiff_t>(i) + 1, outputs.end(), outputs[i]) != outputs.end();
    if (!into[i].empty()) {
      ANYRT_TRY(write_into(into[i], all[outputs[i]], session.outputs()[outputs[i]].name));
      chosen.push_back(into[i]);
    } else if (again) {
      chosen.push_back(all[outputs[i]]);
    } else {
      chosen.push_back(std::move(all[outputs[i]]));
    }
  }
  return chosen;
}

Expected<size_t> find_input(const anyrt_session& session, const char* name) {
  return find(session.session->inputs(), "input", name);
}

Expected<size_t> find_output(const anyrt_session& session, const char* name) {
  return find(session.session->outputs(), "output", name);
}

Status check_place(const Value& value, const char* name) {
  if (value.is_tensor()) return {};
  return invalid_argument("output '{}': only a tensor can be written into, found {}", name, value.type_string());
}

}  // namespace anyrt::c

using namespace anyrt;
using namespace anyrt::c;

anyrt_status* anyrt_run_options_create(anyrt_run_options** out) noexcept {
  return guarded_into(
      out, []() -> Expected<std::unique_ptr<anyrt_run_options>> { return std::make_unique<anyrt_run_options>(); });
}

void anyrt_run_options_free(anyrt_run_options* options) noexcept { delete options; }

void anyrt_run_options_cancel(anyrt_run_options* options) noexcept {
  if (options) options->state->cancel = true;
}

void anyrt_run_options_reset(anyrt_run_options* options) noexcept {
  if (options) options->state->cancel = false;
}

anyrt_status* anyrt_run_options_set_timeout(anyrt_run_options* options, double seconds) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(options);
    if (std::isnan(seconds)) return invalid_argument("the time limit is not a number");
    options->state->timeout = seconds > 0 && seconds < 1e8 ? seconds : 0;
    return {};
  });
}

anyrt_status* anyrt_run_options_set_memory_cap(anyrt_run_options* options, size_t bytes) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(options);
    options->state->memory_cap = bytes;
    return {};
  });
}

anyrt_status* anyrt_session_run(const anyrt_session* session, const anyrt_run_options* options,
                                const char* const* input_names, const anyrt_value* const* inputs, size_t input_count,
                                const char* const* output_names, anyrt_value** outputs, size_t output_count) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(session);
    if (output_count > 0) ANYRT_C_NEED(outputs);
    ANYRT_ASSIGN(RunRequest request, read_request(*session, options, input_names, inputs, input_count, output_names,
                                                  outputs, output_count));
    ANYRT_ASSIGN(std::vector<Value> values, request.run(*session->session));
    return hand_over(std::move(values), request, outputs);
  });
}

anyrt_status* anyrt_session_run_async(anyrt_session* session, const anyrt_run_options* options,
                                      const char* const* input_names, const anyrt_value* const* inputs,
                                      size_t input_count, const char* const* output_names,
                                      const anyrt_value* const* outputs, size_t output_count, anyrt_run_fn callback,
                                      void* user) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(session);
    ANYRT_C_NEED(callback);
    ANYRT_ASSIGN(RunRequest request, read_request(*session, options, input_names, inputs, input_count, output_names,
                                                  outputs, output_count));
    session->async.post(
        [session, callback, user, r = std::move(request)]() mutable { run_job(*session, r, callback, user); },
        default_thread_count());
    return {};
  });
}
