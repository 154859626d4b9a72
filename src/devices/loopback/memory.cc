#include "devices/loopback/memory.h"

#include <algorithm>
#include <cstring>

namespace anyrt::loopback {

Expected<DeviceMemory> MemoryTable::alloc(size_t bytes) {
  ANYRT_ASSIGN(std::shared_ptr<Buffer> block, allocate_buffer(std::max<size_t>(bytes, 1)));
  // Fresh memory holds noise on real devices: a read before a write shows up as NaN.
  std::memset(block->data(), 0xff, block->size());
  const std::lock_guard<std::mutex> lock(mutex_);
  const DeviceMemory memory{next_++ << 32, bytes};
  blocks_.emplace(memory.handle, std::move(block));
  allocated_ += bytes;
  return memory;
}

void MemoryTable::free(DeviceMemory memory) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (blocks_.erase(memory.handle)) allocated_ -= memory.bytes;
}

Expected<std::byte*> MemoryTable::at(const DeviceMemory& memory, size_t offset, size_t bytes) {
  static std::byte nothing{};
  if (bytes == 0) return &nothing;  // an arena of empty tensors is never allocated
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = blocks_.find(memory.handle);
  if (it == blocks_.end()) return internal_error("loopback: no allocation has handle {}", memory.handle);
  if (offset > memory.bytes || bytes > memory.bytes - offset) {
    return internal_error("loopback: {} bytes at {} reach beyond an allocation of {}", bytes, offset, memory.bytes);
  }
  return it->second->data() + offset;
}

size_t MemoryTable::allocated() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return allocated_;
}

}  // namespace anyrt::loopback
