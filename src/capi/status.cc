#include <string_view>

#include "anyrt_version.h"
#include "base/log.h"
#include "capi/guard.h"
#include "capi/handles.h"

namespace anyrt::c {
namespace {

anyrt_status no_memory{Code::kResourceExhausted, "out of memory", {}};

anyrt_status* make_status(Code code, std::string_view message) noexcept {
  try {
    auto s = std::make_unique<anyrt_status>(anyrt_status{code, nullptr, std::string(message)});
    s->text = s->owned.c_str();
    return s.release();
  } catch (...) {
    return out_of_memory();
  }
}

}  // namespace

anyrt_status* out_of_memory() noexcept { return &no_memory; }

anyrt_status* to_c(const Status& status) noexcept {
  return status.ok() ? nullptr : make_status(status.code(), status.message());
}

std::shared_ptr<const void> release_later(anyrt_release_fn release, void* user) {
  if (!release) return nullptr;
  // The pointer is only a token: `user` itself may be NULL. Where there is no memory for it, the deleter is called.
  return {static_cast<const void*>(&no_memory), [release, user](const void*) { release(user); }};
}

}  // namespace anyrt::c

using namespace anyrt::c;

uint32_t anyrt_api_version(void) noexcept { return ANYRT_API_VERSION; }
const char* anyrt_version(void) noexcept { return ANYRT_VERSION_STRING; }

anyrt_code anyrt_status_code(const anyrt_status* status) noexcept {
  return status ? static_cast<anyrt_code>(status->code) : ANYRT_OK;
}

const char* anyrt_status_message(const anyrt_status* status) noexcept { return status ? status->text : ""; }

const char* anyrt_code_name(anyrt_code code) noexcept {
  return anyrt::code_name(static_cast<anyrt::Code>(raw_int(code))).data();
}

anyrt_status* anyrt_status_create(anyrt_code code, const char* message) noexcept {
  const int number = raw_int(code);
  if (number == ANYRT_OK) return nullptr;
  const bool known = number >= ANYRT_INVALID_ARGUMENT && number <= ANYRT_INTERNAL;
  return make_status(known ? static_cast<anyrt::Code>(number) : anyrt::Code::kInternal, message ? message : "");
}

void anyrt_status_free(anyrt_status* status) noexcept {
  if (status != out_of_memory()) delete status;
}

anyrt_status* anyrt_set_log_callback(anyrt_log_fn callback, void* user) noexcept {
  return guarded([&]() -> anyrt::Status {
    if (!callback) {
      anyrt::set_log_sink({});
      return {};
    }
    anyrt::set_log_sink([callback, user](anyrt::LogLevel level, std::string_view message) {
      callback(user, static_cast<anyrt_log_level>(level), std::string(message).c_str());
    });
    return {};
  });
}

anyrt_status* anyrt_set_log_level(anyrt_log_level level) noexcept {
  return guarded([&]() -> anyrt::Status {
    const int number = raw_int(level);
    if (number < ANYRT_LOG_DEBUG || number > ANYRT_LOG_OFF)
      return anyrt::invalid_argument("the log level is {}, expected 1 (debug) to 5 (off)", number);
    anyrt::set_log_level(static_cast<anyrt::LogLevel>(number));
    return {};
  });
}
