#pragma once

#include <atomic>

namespace anyrt::c {

// Sessions that exist: while there are any, the library's threads and tables stay even where static objects go.
extern std::atomic<int> live_sessions;

}  // namespace anyrt::c
