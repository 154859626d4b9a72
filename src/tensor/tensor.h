#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/dtype.h"

namespace anyrt {

using Dims = std::vector<int64_t>;

// How the elements lie in memory. `plain` is dense row-major; blocked layouts (NCHWc) carry the axis and the block.
struct Layout {
  enum class Kind : uint8_t { kPlain, kBlocked, kChannelsLast } kind = Kind::kPlain;
  uint8_t axis = 0;
  uint8_t block = 0;
  bool operator==(const Layout&) const = default;
};

// Bytes behind tensors: owned, borrowed from the caller, or a part of a mapped file. Freed when the last tensor goes.
class Buffer {
 public:
  virtual ~Buffer() = default;
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  bool writable() const { return writable_; }
  // From now on somebody else counts these bytes.
  virtual void leave_meter() {}
  // Tells one state of the file behind the bytes from another; 0 when there is none.
  virtual uint64_t identity() const { return 0; }
  // Whether the bytes lie at an address that is not aligned for their type. `aligned` then copies them, once, for the
  // first who asks; any thread.
  bool deferred() const { return deferred_; }
  virtual std::byte* aligned() const { return data_; }
  // The same bytes before that copy; null where there is none.
  virtual std::shared_ptr<Buffer> uncopied() const { return nullptr; }
  // Gives back the memory of these bytes where they can be read again from a file; false when they cannot.
  virtual bool release(size_t /*offset*/, size_t /*bytes*/) const { return false; }

 protected:
  Buffer() = default;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  bool writable_ = true;
  bool deferred_ = false;
};

// Bytes that one run may hold, and holds now. Buffers that a thread makes inside of a MeterScope count until they are
// freed.
struct MemoryMeter {
  explicit MemoryMeter(size_t limit) : cap(limit) {}
  std::atomic<size_t> used{0};
  const size_t cap;
  Status add(size_t bytes);  // ResourceExhausted beyond the cap; the bytes are counted nevertheless
  void remove(size_t bytes) { used -= bytes; }
};
class MeterScope {
 public:
  explicit MeterScope(std::shared_ptr<MemoryMeter> meter);  // null: nothing is counted
  ~MeterScope();
  MeterScope(const MeterScope&) = delete;
  MeterScope& operator=(const MeterScope&) = delete;

 private:
  std::shared_ptr<MemoryMeter> outer_;
};

// Owned, 64-byte aligned, not initialised. ResourceExhausted when the size is absurd or memory is short.
Expected<std::shared_ptr<Buffer>> allocate_buffer(size_t bytes);
// `count` empty strings, destroyed with the buffer.
Expected<std::shared_ptr<Buffer>> allocate_strings(size_t count);
// The most bytes one buffer may have; by default what memory and swap hold, at most 1 TiB.
size_t buffer_limit();
void set_buffer_limit(size_t bytes);
// Somebody else's memory; `keep_alive` (may be null) is held as long as the buffer lives.
std::shared_ptr<Buffer> borrow_buffer(void* data, size_t bytes, std::shared_ptr<const void> keep_alive, bool writable);

// A part of `source` at any address, read-only: a copy is made when it is first read as numbers, and not at all where
// it never is.
std::shared_ptr<Buffer> align_when_read(std::shared_ptr<Buffer> source, size_t offset, size_t bytes);

// Number of elements; InvalidArgument for a negative dim or a product beyond int64.
Expected<int64_t> checked_element_count(std::span<const int64_t> dims);

// A dense tensor in host memory. Copies share the bytes; who has just made a tensor may write to it, nobody else.
class Tensor {
 public:
  Tensor() = default;
  // Not initialised (strings: empty). Errors for negative dims and sizes beyond the limit.
  static Expected<Tensor> make(DType dtype, Dims dims);
  static Expected<Tensor> zeros(DType dtype, Dims dims);
  // A view of `buffer` from byte `offset` on; fails when it does not fit or is misaligned for the type.
  static Expected<Tensor> view(DType dtype, Dims dims, std::shared_ptr<Buffer> buffer, size_t offset = 0);
  template <class T>
  static Tensor scalar(T value);
  template <class T>
  static Tensor vector(std::span<const T> values);  // 1-D
  static Tensor string_scalar(std::string value);
  static Tensor int64s(const std::vector<int64_t>& values) { return vector<int64_t>(std::span<const int64_t>(values)); }

  bool defined() const { return dtype_ != DType::kUndefined; }
  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  int64_t dim(int i) const { return dims_[static_cast<size_t>(i)]; }
  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t size() const { return size_; }  // number of elements
  size_t bytes() const { return static_cast<size_t>(size_) * element_size(dtype_); }
  const Layout& layout() const { return layout_; }

  // The caller vouches that T is the type of the tensor's dtype (checked by assertion).
  template <class T>
  const T* data() const {
    return static_cast<const T*>(raw_checked(dtype_of_or_string<T>()));
  }
  template <class T>
  T* mutable_data() {
    return static_cast<T*>(raw_checked(dtype_of_or_string<T>()));
  }
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<size_t>(size_)};
  }
  template <class T>
  std::span<T> mutable_span() {
    return {mutable_data<T>(), static_cast<size_t>(size_)};
  }
  const std::byte* raw() const { return deferred_ ? read_aligned() : data_; }
  std::byte* mutable_raw() { return deferred_ ? read_aligned() : data_; }
  // The bytes wherever they lie, aligned or not: reading them makes no copy.
  const std::byte* unaligned_raw() const { return data_; }
  // The same without the copy that reading it may have made: for who hardly ever reads it.
  Tensor uncopied() const;
  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }
  size_t buffer_offset() const { return buffer_ ? static_cast<size_t>(data_ - buffer_->data()) : 0; }
  // True when no other tensor shares the bytes and they may be written: in-place kernels ask this.
  bool unique() const { return buffer_ && buffer_.use_count() == 1 && buffer_->writable(); }

  // The same bytes under other dims; the element count must agree.
  Expected<Tensor> reshaped(Dims dims) const;
  // A deep copy.
  Expected<Tensor> clone() const;
  void set_layout(Layout layout) { layout_ = layout; }
  // Gives up the bytes, keeps type and dims: for weights that live on in another form. Bytes of a mapped file stay
  // readable, others are gone: raw() is null then.
  void drop_bytes();
  bool has_bytes() const { return data_ != nullptr; }

  std::string type_string() const;  // "float32[2,3]"

 private:
  template <class T>
  static constexpr DType dtype_of_or_string() {
    if constexpr (std::is_same_v<T, std::string>) {
      return DType::kString;
    } else {
      return dtype_of<T>;
    }
  }
  void* raw_checked(DType want) const;
  std::byte* read_aligned() const;

  DType dtype_ = DType::kUndefined;
  Layout layout_;
  Dims dims_;
  int64_t size_ = 0;
  std::shared_ptr<Buffer> buffer_;
  std::byte* data_ = nullptr;  // in Buffer::data, also where Buffer::aligned is read
  bool deferred_ = false;      // as the buffer's
};

// Converts every element to `to` with the semantics of ONNX Cast (float to int truncates, NaN and overflow wrap as x86
// does, strings parse and print). `saturate` and `round` matter for float8 only.
Expected<Tensor> cast_tensor(const Tensor& x, DType to, bool saturate = true, F8Round round = F8Round::kNearest);

// Integer contents of an int32/int64 (or any integer) tensor as int64, for axes, shapes and indices.
Expected<std::vector<int64_t>> to_int64s(const Tensor& x);
Expected<std::vector<double>> to_doubles(const Tensor& x);  // any real numeric type
std::vector<std::string> to_strings(const Tensor& x);       // string tensors only

// Bitwise equality of dtype, dims and elements (strings by content).
bool identical(const Tensor& a, const Tensor& b);

}  // namespace anyrt

#include "tensor/tensor_inline.h"
