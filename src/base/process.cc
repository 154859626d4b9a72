#include "base/process.h"

#include <mutex>

namespace anyrt {
namespace {

std::mutex list_mutex;
detail::ProcessNode* newest = nullptr;

}  // namespace

void detail::register_process_node(ProcessNode* node) {
  const std::lock_guard lock(list_mutex);
  node->next = newest;
  newest = node;
}

void unload_process_objects() {
  for (;;) {
    detail::ProcessNode* node;
    {
      const std::lock_guard lock(list_mutex);
      node = newest;
      if (!node) return;
      newest = node->next;
    }
    node->destroy(node);
  }
}

}  // namespace anyrt
