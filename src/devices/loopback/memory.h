#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "base/status.h"
#include "device/device.h"
#include "tensor/tensor.h"

namespace anyrt::loopback {

// Memory that the host cannot touch: handles are numbers, not addresses, and only the device's thread asks for the
// bytes.
class MemoryTable {
 public:
  Expected<DeviceMemory> alloc(size_t bytes);
  void free(DeviceMemory memory);
  // The bytes [offset, offset + bytes) of an allocation; an error when they are not all inside.
  Expected<std::byte*> at(const DeviceMemory& memory, size_t offset, size_t bytes);
  size_t allocated() const;

 private:
  mutable std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Buffer>> blocks_;
  uint64_t next_ = 1;
  size_t allocated_ = 0;
};

}  // namespace anyrt::loopback
