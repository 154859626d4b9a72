#include "run/output_memory.h"

namespace anyrt {

namespace {
constexpr size_t kLarge = 1 << 20;  // bytes of a result that is worth it
}

class OutputMemory::Lent final : public Buffer {
 public:
  Lent(std::shared_ptr<Buffer> memory, std::weak_ptr<OutputMemory> owner)
      : memory_(std::move(memory)), owner_(std::move(owner)) {
    data_ = memory_->data();
    size_ = memory_->size();
  }
  ~Lent() override {
    if (const auto owner = owner_.lock()) owner->give_back(std::move(memory_));
  }
  void leave_meter() override { memory_->leave_meter(); }

 private:
  std::shared_ptr<Buffer> memory_;
  std::weak_ptr<OutputMemory> owner_;
};

Expected<Tensor> OutputMemory::make(DType dtype, const Dims& dims) {
  double bytes = static_cast<double>(element_size(dtype));
  for (const int64_t d : dims) bytes *= static_cast<double>(d);
  if (dtype == DType::kString || bytes < static_cast<double>(kLarge)) return Tensor::make(dtype, dims);
  std::shared_ptr<Buffer> memory = take(static_cast<size_t>(bytes));
  if (!memory) {
    ANYRT_ASSIGN(const Tensor fresh, Tensor::make(dtype, dims));
    memory = fresh.buffer();
  }
  return Tensor::view(dtype, dims, std::make_shared<Lent>(std::move(memory), weak_from_this()));
}

std::shared_ptr<Buffer> OutputMemory::take(size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    if ((*it)->size() != bytes) continue;
    std::shared_ptr<Buffer> found = std::move(*it);
    idle_.erase(it);
    return found;
  }
  return nullptr;
}

void OutputMemory::give_back(std::shared_ptr<Buffer> buffer) {
  buffer->leave_meter();
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(buffer));
  if (idle_.size() > most_) idle_.erase(idle_.begin());
}

size_t OutputMemory::idle_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t total = 0;
  for (const auto& buffer : idle_) total += buffer->size();
  return total;
}

void OutputMemory::trim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.clear();
}

}  // namespace anyrt
