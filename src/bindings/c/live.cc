#include "bindings/c/live.h"

#include "base/process.h"

namespace anyrt::c {

std::atomic<int> live_sessions{0};

namespace {

// Runs when the library is unloaded, and when the process ends. In the second case other threads may still be running
// models: then everything stays as it is.
__attribute__((destructor)) void unload() {
  if (live_sessions.load() == 0) unload_process_objects();
}

}  // namespace
}  // namespace anyrt::c
