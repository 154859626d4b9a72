#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "base/cpu.h"
#include "tensor/tensor.h"

namespace anyrt {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

size_t default_limit() {
  constexpr uint64_t kLeast = uint64_t{1} << 30, kMost = uint64_t{1} << 40;
  struct sysinfo info = {};
  const uint64_t swap = sysinfo(&info) == 0 ? uint64_t{info.totalswap} * info.mem_unit : 0;
  return static_cast<size_t>(std::clamp(memory_info().total + swap, kLeast, kMost));
}

std::atomic<size_t>& limit() {
  static std::atomic<size_t> value{default_limit()};
  return value;
}

// No destructor runs for it: one would keep a shared library loaded until the thread ends. Scopes put back what was
// there before, so nothing is left in it.
std::shared_ptr<MemoryMeter>& current_meter() {
  using Pointer = std::shared_ptr<MemoryMeter>;
  static constinit thread_local bool made = false;
  alignas(Pointer) static constinit thread_local std::byte slot[sizeof(Pointer)] = {};
  if (made) return *std::launder(reinterpret_cast<Pointer*>(slot));
  made = true;
  return *new (slot) Pointer;
}

// Counts in the meter of the thread that makes it.
class CountedBuffer : public Buffer {
 public:
  CountedBuffer() = default;
  ~CountedBuffer() override { leave_meter(); }
  void leave_meter() override {
    if (meter_) meter_->remove(size_);
    meter_.reset();
  }

 private:
  std::shared_ptr<MemoryMeter> meter_ = current_meter();
};

class OwnedBuffer final : public CountedBuffer {
 public:
  OwnedBuffer(void* data, size_t bytes) {
    data_ = static_cast<std::byte*>(data);
    size_ = bytes;
  }
  ~OwnedBuffer() override { std::free(data_); }
};

class StringBuffer final : public CountedBuffer {
 public:
  StringBuffer(void* data, size_t count) : strings_(static_cast<std::string*>(data)), count_(count) {
    std::uninitialized_default_construct_n(strings_, count_);
    data_ = static_cast<std::byte*>(data);
    size_ = count * sizeof(std::string);
  }
  ~StringBuffer() override {
    std::destroy_n(strings_, count_);
    std::free(data_);
  }

 private:
  std::string* strings_;
  size_t count_;
};

class BorrowedBuffer final : public Buffer {
 public:
  BorrowedBuffer(void* data, size_t bytes, std::shared_ptr<const void> keep_alive, bool writable)
      : keep_alive_(std::move(keep_alive)) {
    data_ = static_cast<std::byte*>(data);
    size_ = bytes;
    writable_ = writable;
  }

 private:
  std::shared_ptr<const void> keep_alive_;
};

class DeferredBuffer final : public Buffer {
 public:
  DeferredBuffer(std::shared_ptr<Buffer> source, size_t offset, size_t bytes)
      : source_(std::move(source)), offset_(offset) {
    data_ = source_->data() + offset;
    size_ = bytes;
    writable_ = false;
    deferred_ = true;
  }
  ~DeferredBuffer() override {
    if (copy_) ::munmap(copy_, size_);
  }
  std::byte* aligned() const override {
    std::call_once(once_, [this] {
      // Not from the heap, which keeps what is freed: most of these copies live as long as it takes to pack them.
      void* to = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      // Without memory for a copy they are read where they lie, which processors of today do, only slower.
      if (to == MAP_FAILED) return;
#if defined(MADV_HUGEPAGE)
      if (size_ >= kHugePage) ::madvise(to, size_, MADV_HUGEPAGE);
#endif
      copy_ = static_cast<std::byte*>(to);
      std::memcpy(copy_, data_, size_);
      source_->release(offset_, size_);
    });
    return copy_ ? copy_ : data_;
  }
  std::shared_ptr<Buffer> uncopied() const override { return align_when_read(source_, offset_, size_); }

 private:
  std::shared_ptr<Buffer> source_;
  size_t offset_;
  mutable std::once_flag once_;
  mutable std::byte* copy_ = nullptr;
};

Expected<void*> allocate_bytes(size_t bytes) {
  const size_t most = limit().load(std::memory_order_relaxed);
  if (bytes > most) {
    return make_error(Code::kResourceExhausted, "a buffer of {} bytes is over the limit of {} bytes", bytes, most);
  }
  // The kernel grants more than there is and ends the process when it is used: large requests ask first.
  constexpr size_t kLarge = size_t{64} << 20;
  if (bytes >= kLarge) {
    if (const uint64_t available = memory_info().available; available > 0 && bytes > available)
      return make_error(Code::kResourceExhausted, "out of memory: a buffer of {} bytes, {} are available", bytes,
                        available);
  }
  MemoryMeter* const meter = current_meter().get();
  if (meter) {
    Status room = meter->add(bytes);
    if (!room.ok()) {
      meter->remove(bytes);
      return room;
    }
  }
  // Whole cache lines, at least one, so that kernels may read a full vector at the end and empty buffers have an
  // address.
  const size_t rounded = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  const bool large = rounded >= kHugePage;
  void* data = nullptr;  // not aligned_alloc, which wants sizes that are multiples of the alignment
  if (posix_memalign(&data, large ? kHugePage : kAlignment, rounded) != 0) data = nullptr;
  if (data == nullptr && meter) meter->remove(bytes);
  if (data == nullptr) return make_error(Code::kResourceExhausted, "out of memory for a buffer of {} bytes", bytes);
#if defined(MADV_HUGEPAGE)
  // Reading weights from memory waits for address translation as much as for the bytes. Whole pages only, so that no
  // more memory is used; a kernel without them does without.
  if (large) madvise(data, rounded / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return data;
}

}  // namespace

Status MemoryMeter::add(size_t bytes) {
  const size_t now = used += bytes;
  if (cap == 0 || now <= cap) return {};
  return make_error(Code::kResourceExhausted, "the run needs {} bytes at this point, the memory cap is {}", now, cap);
}

MeterScope::MeterScope(std::shared_ptr<MemoryMeter> meter) : outer_(std::exchange(current_meter(), std::move(meter))) {}
MeterScope::~MeterScope() { current_meter() = std::move(outer_); }

size_t buffer_limit() { return limit().load(std::memory_order_relaxed); }
void set_buffer_limit(size_t bytes) { limit().store(bytes, std::memory_order_relaxed); }

Expected<std::shared_ptr<Buffer>> allocate_buffer(size_t bytes) {
  ANYRT_ASSIGN(void* data, allocate_bytes(bytes));
  return std::shared_ptr<Buffer>(std::make_shared<OwnedBuffer>(data, bytes));
}

Expected<std::shared_ptr<Buffer>> allocate_strings(size_t count) {
  if (count > std::numeric_limits<size_t>::max() / sizeof(std::string)) {
    return make_error(Code::kResourceExhausted, "a buffer of {} strings is over the limit", count);
  }
  ANYRT_ASSIGN(void* data, allocate_bytes(count * sizeof(std::string)));
  return std::shared_ptr<Buffer>(std::make_shared<StringBuffer>(data, count));
}

std::shared_ptr<Buffer> borrow_buffer(void* data, size_t bytes, std::shared_ptr<const void> keep_alive, bool writable) {
  return std::make_shared<BorrowedBuffer>(data, bytes, std::move(keep_alive), writable);
}

std::shared_ptr<Buffer> align_when_read(std::shared_ptr<Buffer> source, size_t offset, size_t bytes) {
  return std::make_shared<DeferredBuffer>(std::move(source), offset, bytes);
}

}  // namespace anyrt
