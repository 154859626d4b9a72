#pragma once

#include <cstring>
#include <exception>
#include <memory>
#include <new>

#include "anyrt/anyrt.h"
#include "base/status.h"

namespace anyrt::c {

// Nothing is allocated for it, and freeing it does nothing.
anyrt_status* out_of_memory() noexcept;
anyrt_status* to_c(const Status& status) noexcept;

// The number that was passed for an enumeration. C hands over any int; one beyond the values is not to be read as an
// enum.
template <class E>
int raw_int(const E& e) noexcept {
  static_assert(sizeof(E) == sizeof(int));
  int n = 0;
  std::memcpy(&n, &e, sizeof n);
  return n;
}

// Runs what a function of the interface does and makes of its Status, and of whatever it throws, what the caller gets.
template <class F>
anyrt_status* guarded(F&& call) noexcept {
  try {
    return to_c(call());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::exception& e) {
    return anyrt_status_create(ANYRT_INTERNAL, e.what());
  } catch (...) {
    return anyrt_status_create(ANYRT_INTERNAL, "an exception that is no std::exception");
  }
}

// The same for functions that hand over an object: `call` gives Expected<std::unique_ptr<T>>.
template <class T, class F>
anyrt_status* guarded_into(T** out, F&& call) noexcept {
  return guarded([&]() -> Status {
    if (!out) return invalid_argument("out must not be NULL");
    *out = nullptr;
    ANYRT_ASSIGN(std::unique_ptr<T> object, call());
    *out = object.release();
    return {};
  });
}

// Calls `release` when the last copy of what it returns goes; a null pointer where there is nothing to call.
std::shared_ptr<const void> release_later(anyrt_release_fn release, void* user);

// Returns InvalidArgument from a function where the caller gave NULL.
#define ANYRT_C_NEED(pointer)                                                          \
  do {                                                                                 \
    if (!(pointer)) return ::anyrt::invalid_argument("{} must not be NULL", #pointer); \
  } while (false)

}  // namespace anyrt::c
