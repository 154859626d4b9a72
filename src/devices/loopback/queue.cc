#include "devices/loopback/queue.h"

namespace anyrt::loopback {

Queue::Queue() : thread_([this] { loop(); }) {}

Queue::~Queue() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

uint64_t Queue::submit(std::function<Status()> work) {
  uint64_t fence = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    work_.push_back(std::move(work));
    fence = ++submitted_;
  }
  changed_.notify_all();
  return fence;
}

Status Queue::wait(uint64_t fence) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return done_ >= fence; });
  return std::exchange(error_, Status());
}

void Queue::loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || !work_.empty(); });
    if (work_.empty()) return;
    std::function<Status()> next = std::move(work_.front());
    work_.pop_front();
    const bool skip = !error_.ok();
    lock.unlock();
    Status s = skip ? Status() : next();
    lock.lock();
    if (!s.ok() && error_.ok()) error_ = std::move(s);
    ++done_;
    changed_.notify_all();
  }
}

}  // namespace anyrt::loopback
