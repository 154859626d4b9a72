#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace anyrt {

// A vector that grows in chunks: references to elements stay good while it grows.
template <class T>
class StableVector {
 public:
  StableVector() = default;
  StableVector(const StableVector& other) { append(other); }
  StableVector(StableVector&& other) noexcept
      : chunks_(std::move(other.chunks_)), size_(std::exchange(other.size_, 0)) {}
  StableVector& operator=(const StableVector& other) {
    if (this != &other) *this = StableVector(other);
    return *this;
  }
  StableVector& operator=(StableVector&& other) noexcept {
    chunks_ = std::move(other.chunks_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  size_t size() const { return size_; }
  T& operator[](size_t i) { return chunks_[i / kChunk][i % kChunk]; }
  const T& operator[](size_t i) const { return chunks_[i / kChunk][i % kChunk]; }
  T& push_back(T element) {
    if (size_ % kChunk == 0) {
      chunks_.emplace_back();
      chunks_.back().reserve(kChunk);
    }
    ++size_;
    return chunks_.back().emplace_back(std::move(element));
  }

 private:
  static constexpr size_t kChunk = 32;
  void append(const StableVector& other) {
    for (size_t i = 0; i < other.size(); ++i) push_back(other[i]);
  }
  std::vector<std::vector<T>> chunks_;
  size_t size_ = 0;
};

}  // namespace anyrt
