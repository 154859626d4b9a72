#pragma once

// What stands behind the handles of anyrt.h that run models.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anyrt/anyrt.h"
#include "bindings/c/async.h"
#include "capi/handles.h"
#include "engine/session.h"
#include "opdef/custom_op.h"
#include "tensor/value.h"

struct anyrt_options {
  anyrt::SessionOptions options;
  anyrt::OpSet ops;
};

struct anyrt_run_options {
  // Shared with the runs, so that the handle may go before them.
  struct State {
    std::atomic<bool> cancel{false};
    std::atomic<double> timeout{0};  // seconds, 0 = none
    std::atomic<size_t> memory_cap{0};
  };
  std::shared_ptr<State> state = std::make_shared<State>();
};

struct anyrt_session {
  struct Spec {
    const char* name;
    size_t position;  // among the session's inputs or outputs
    anyrt_type type;
  };

  explicit anyrt_session(std::unique_ptr<anyrt::Session> s);
  ~anyrt_session();

  std::unique_ptr<anyrt::Session> session;
  std::vector<Spec> inputs, initializers, outputs;
  std::string model_version, ir_version;
  anyrt::c::AsyncRuns async;
};

struct anyrt_binding {
  const anyrt_session* session;
  std::vector<std::pair<size_t, anyrt::Value>> inputs;   // by position among the session's inputs
  std::vector<std::pair<size_t, anyrt::Value>> outputs;  // an empty value: a new one with each run
  std::vector<std::pair<size_t, anyrt::Value>> results;
};

namespace anyrt::c {

// What the environment says where there are no options.
Expected<SessionOptions> session_options(const anyrt_options* options);

}  // namespace anyrt::c
