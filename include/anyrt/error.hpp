#ifndef ANYRT_ERROR_HPP_
#define ANYRT_ERROR_HPP_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <new>
#include <utility>

#include "anyrt/anyrt.h"

// The inline namespace keeps these classes apart from those that a static libanyrt holds.
namespace anyrt {
inline namespace api1 {

using Code = anyrt_code;
using DType = anyrt_dtype;
using Kind = anyrt_kind;
using LogLevel = anyrt_log_level;

// What every function here throws.
class Error : public std::exception {
 public:
  Error(Code code, const char* message) : code_(code), text_(copy(message)) {}
  Error(const Error& other) : code_(other.code_), text_(copy(other.text_)) {}
  Error& operator=(const Error& other) {
    Error fresh(other);
    std::swap(text_, fresh.text_);
    code_ = other.code_;
    return *this;
  }
  ~Error() override { delete[] text_; }
  Code code() const noexcept { return code_; }
  const char* code_name() const noexcept { return anyrt_code_name(code_); }
  const char* what() const noexcept override { return text_ ? text_ : code_name(); }

 private:
  static char* copy(const char* text) noexcept {
    const std::size_t size = std::strlen(text ? text : "") + 1;
    char* out = new (std::nothrow) char[size];
    if (out) std::memcpy(out, text ? text : "", size);
    return out;
  }
  Code code_;
  char* text_;  // null where there was no memory for it
};

// Throws what a function of the C interface reports.
inline void check(anyrt_status* status) {
  if (!status) return;
  const Error error(anyrt_status_code(status), anyrt_status_message(status));
  anyrt_status_free(status);
  throw error;
}

// A text as a parameter: what "..." is, or anything with c_str().
class Text {
 public:
  Text(const char* text) : text_(text) {}  // NOLINT: implicit by design
  template <class S, class = decltype(std::declval<const S&>().c_str())>
  Text(const S& text) : text_(text.c_str()) {}  // NOLINT
  const char* c_str() const noexcept { return text_; }

 private:
  const char* text_;
};

// Elements that lie side by side and belong to somebody else. Converts to containers:
// std::vector<float> v = tensor.data<float>();
template <class T>
class View {
 public:
  View(T* data, std::size_t size) : data_(data), size_(size) {}
  T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* begin() const noexcept { return data_; }
  T* end() const noexcept { return data_ + size_; }
  T& operator[](std::size_t i) const noexcept { return data_[i]; }
  template <class C, class = decltype(C(std::declval<T*>(), std::declval<T*>()))>
  operator C() const {  // NOLINT
    return C(begin(), end());
  }

 private:
  T* data_;
  std::size_t size_;
};

// Dimensions as a parameter: {2, 3}, or anything with data() and size() that holds int64_t.
class Dims {
 public:
  Dims(std::initializer_list<std::int64_t> dims) {  // NOLINT: implicit by design
    data_ = dims.begin();
    size_ = dims.size();
  }
  template <class C, class = decltype(static_cast<const std::int64_t*>(std::declval<const C&>().data()))>
  Dims(const C& dims) : data_(dims.data()), size_(dims.size()) {}  // NOLINT
  const std::int64_t* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  const std::int64_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Owns a handle of the C interface.
template <class T, void (*Free)(T*) noexcept>
class Handle {
 public:
  explicit Handle(T* raw = nullptr) noexcept : raw_(raw) {}
  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Handle() { Free(raw_); }
  T* get() const noexcept { return raw_; }
  T* release() noexcept { return std::exchange(raw_, nullptr); }

 private:
  T* raw_;
};

// The version of the library that runs, such as "0.1.0".
inline const char* version() noexcept { return anyrt_version(); }
// Where the process's messages go; a null pointer: to standard error.
inline void set_log_callback(anyrt_log_fn callback, void* user = nullptr) {
  check(anyrt_set_log_callback(callback, user));
}
// Loads a library of custom operators for all sessions that are made from now on.
inline void register_op_library(Text path) { check(anyrt_register_op_library(path.c_str())); }
inline void set_log_level(LogLevel level) { check(anyrt_set_log_level(level)); }

}  // namespace api1
}  // namespace anyrt

#endif  // ANYRT_ERROR_HPP_
