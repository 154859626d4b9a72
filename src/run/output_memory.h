#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

// Memory of large results, used again once the caller has let go of it: fresh pages cost as much as what is computed
// into them. Thread-safe.
class OutputMemory : public std::enable_shared_from_this<OutputMemory> {
 public:
  // Keeps the `most` buffers that were given back last.
  explicit OutputMemory(size_t most) : most_(most) {}

  // A tensor with whatever bytes lie there. It is its only owner's; its memory comes back when it goes.
  Expected<Tensor> make(DType dtype, const Dims& dims);
  size_t idle_bytes() const;
  void trim();

 private:
  class Lent;
  std::shared_ptr<Buffer> take(size_t bytes);
  void give_back(std::shared_ptr<Buffer> buffer);

  const size_t most_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Buffer>> idle_;
};

}  // namespace anyrt
