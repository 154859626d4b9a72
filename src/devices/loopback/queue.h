#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/status.h"

namespace anyrt::loopback {

// The device's own thread: work is done in order, asynchronously to the host.
class Queue {
 public:
  Queue();
  ~Queue();
  // Returns the fence value that is signalled after `work`.
  uint64_t submit(std::function<Status()> work);
  // Blocks until `fence` is signalled. Reports, once, the first error since the last wait; work after an error is
  // skipped until it has been reported.
  Status wait(uint64_t fence);

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<Status()>> work_;
  uint64_t submitted_ = 0, done_ = 0;
  Status error_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace anyrt::loopback
