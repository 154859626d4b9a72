#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "bindings/c/objects.h"

namespace anyrt::c {

// One run, as asked for. Values are held, so that the caller's handles may go.
struct RunRequest {
  std::vector<Value> inputs;                          // by position among the session's inputs
  std::vector<size_t> outputs;                        // positions of those wanted
  std::vector<Value> into;                            // per wanted output: a tensor to write into, or an empty value
  std::shared_ptr<anyrt_run_options::State> control;  // may be null
  std::chrono::steady_clock::time_point deadline;
  bool timed = false;

  void set_control(const anyrt_run_options* options);
  // The results in the order of `outputs`; where there was a place to write into, that very tensor. Gives up `inputs`.
  Expected<std::vector<Value>> run(const Session& session);
};

// Positions by name; errors list the names there are.
Expected<size_t> find_input(const anyrt_session& session, const char* name);
Expected<size_t> find_output(const anyrt_session& session, const char* name);
// Whether a value can be the place for an output.
Status check_place(const Value& value, const char* name);

}  // namespace anyrt::c
