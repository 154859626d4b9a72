#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

// Where packing gets the memory of packed weights from. A step asks for its blocks in the same order each time.
class PackedStore {
 public:
  using Fill = std::function<Status(std::byte*)>;

  virtual ~PackedStore() = default;
  // Bytes that were kept from another session, or fresh memory that `fill` has written: every byte of it.
  virtual Expected<std::shared_ptr<Buffer>> take(size_t bytes, const Fill& fill) = 0;
};

// From the store; fresh memory where it is null.
inline Expected<std::shared_ptr<Buffer>> take_packed(PackedStore* store, size_t bytes, const PackedStore::Fill& fill) {
  if (store) return store->take(bytes, fill);
  ANYRT_ASSIGN(std::shared_ptr<Buffer> buffer, allocate_buffer(bytes));
  ANYRT_TRY(fill(buffer->data()));
  return buffer;
}

}  // namespace anyrt
