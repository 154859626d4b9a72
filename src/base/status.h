#pragma once

#include <fmt/core.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace anyrt {

// What kind of failure a Status carries. The numbers are part of the C ABI.
enum class Code : int {
  kOk = 0,
  kInvalidArgument = 1,    // the caller's inputs or options are wrong
  kInvalidModel = 2,       // the bytes or the graph are broken
  kNotFound = 3,           // file, name or operator is missing
  kNotImplemented = 4,     // well-formed, but anyrt cannot do it
  kOutOfRange = 5,         // an index or a value lies outside of its range
  kResourceExhausted = 6,  // memory cap or a size limit is hit
  kCancelled = 7,
  kDeadlineExceeded = 8,
  kIoError = 9,
  kInternal = 10,
};

std::string_view code_name(Code code);

// The result of an operation that may fail: a code and a message for people. Empty (one null pointer) when ok.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  bool ok() const { return rep_ == nullptr; }
  explicit operator bool() const { return ok(); }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  const std::string& message() const;
  std::string to_string() const;

  // Puts `prefix` and ": " before the message; used on the way up to add file and node.
  Status with_context(std::string_view prefix) &&;

 private:
  struct Rep {
    Code code;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

inline Status ok_status() { return {}; }

template <class... A>
Status make_error(Code code, fmt::format_string<A...> format, A&&... args) {
  return Status(code, fmt::vformat(format, fmt::make_format_args(args...)));
}
template <class... A>
Status invalid_argument(fmt::format_string<A...> format, A&&... args) {
  return Status(Code::kInvalidArgument, fmt::vformat(format, fmt::make_format_args(args...)));
}
template <class... A>
Status invalid_model(fmt::format_string<A...> format, A&&... args) {
  return Status(Code::kInvalidModel, fmt::vformat(format, fmt::make_format_args(args...)));
}
template <class... A>
Status not_implemented(fmt::format_string<A...> format, A&&... args) {
  return Status(Code::kNotImplemented, fmt::vformat(format, fmt::make_format_args(args...)));
}
template <class... A>
Status internal_error(fmt::format_string<A...> format, A&&... args) {
  return Status(Code::kInternal, fmt::vformat(format, fmt::make_format_args(args...)));
}

// A value or the Status that says why there is none.
template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : rep_(std::in_place_index<0>, std::move(value)) {}         // NOLINT: implicit by design
  Expected(Status status) : rep_(std::in_place_index<1>, std::move(status)) {}  // NOLINT: implicit by design

  bool ok() const { return rep_.index() == 0; }
  explicit operator bool() const { return ok(); }
  Status status() const& { return ok() ? Status() : std::get<1>(rep_); }
  Status status() && { return ok() ? Status() : std::move(std::get<1>(rep_)); }

  T& value() & { return std::get<0>(rep_); }
  const T& value() const& { return std::get<0>(rep_); }
  T&& value() && { return std::get<0>(std::move(rep_)); }
  T& operator*() & { return std::get<0>(rep_); }
  const T& operator*() const& { return std::get<0>(rep_); }
  T&& operator*() && { return std::get<0>(std::move(rep_)); }
  T* operator->() { return &std::get<0>(rep_); }
  const T* operator->() const { return &std::get<0>(rep_); }

 private:
  std::variant<T, Status> rep_;
};

#define ANYRT_CONCAT_INNER(a, b) a##b
#define ANYRT_CONCAT(a, b) ANYRT_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr` (a Status) is an error.
#define ANYRT_TRY(expr)                                                                    \
  do {                                                                                     \
    if (::anyrt::Status anyrt_status_ = (expr); !anyrt_status_.ok()) return anyrt_status_; \
  } while (false)

// ANYRT_ASSIGN(auto x, f()): declares or sets `x` from an Expected, or returns its Status.
#define ANYRT_ASSIGN(lhs, expr) ANYRT_ASSIGN_INNER(ANYRT_CONCAT(anyrt_expected_, __LINE__), lhs, expr)
#define ANYRT_ASSIGN_INNER(tmp, lhs, expr)       \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()

}  // namespace anyrt
