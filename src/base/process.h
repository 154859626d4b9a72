#pragma once

#include <atomic>

namespace anyrt {

namespace detail {
struct ProcessNode {
  void (*destroy)(ProcessNode*) = nullptr;
  ProcessNode* next = nullptr;
};
void register_process_node(ProcessNode* node);
}  // namespace detail

// A static object that outlives static destruction, since threads may use it until the process ends; it is freed where
// the library that holds it is unloaded (unload_process_objects). Declare it constinit.
template <class T>
class ProcessObject : detail::ProcessNode {
 public:
  constexpr ProcessObject() = default;
  ProcessObject(const ProcessObject&) = delete;
  ProcessObject& operator=(const ProcessObject&) = delete;

  T& get() {
    return get([] { return T(); });
  }
  // `make` is called when there is no object yet, by several threads where they come at once.
  template <class Make>
  T& get(Make&& make) {
    if (T* p = object_.load(std::memory_order_acquire)) return *p;
    T* fresh = new T(make());
    T* expected = nullptr;
    if (!object_.compare_exchange_strong(expected, fresh)) {
      delete fresh;
      return *expected;
    }
    destroy = [](ProcessNode* node) { delete static_cast<ProcessObject*>(node)->object_.exchange(nullptr); };
    detail::register_process_node(this);
    return *fresh;
  }

 private:
  std::atomic<T*> object_{nullptr};
};

// Frees all process objects, the last made first. Called when the library goes, with no call into it under way; what is
// used later is made anew.
void unload_process_objects();

}  // namespace anyrt
