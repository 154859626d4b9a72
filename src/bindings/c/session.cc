#include <cstring>

#include "bindings/c/live.h"
#include "bindings/c/objects.h"
#include "capi/guard.h"
#include "device/device.h"

using namespace anyrt;
using namespace anyrt::c;

namespace {

constexpr size_t kMostStreamed = size_t{1} << 40;

Expected<std::unique_ptr<anyrt_session>> wrap(Expected<std::unique_ptr<Session>> session) {
  if (!session.ok()) return std::move(session).status();
  return std::make_unique<anyrt_session>(std::move(*session));
}

Expected<std::shared_ptr<std::vector<std::byte>>> read_all(anyrt_read_fn read, void* user) {
  auto bytes = std::make_shared<std::vector<std::byte>>();
  size_t used = 0;
  for (;;) {
    if (bytes->size() - used < (size_t{64} << 10)) bytes->resize(std::max(size_t{256} << 10, bytes->size() * 2));
    const size_t room = bytes->size() - used;
    const int64_t got = read(user, bytes->data() + used, room);
    if (got == 0) break;
    if (got < 0) return make_error(Code::kIoError, "reading the model failed after {} bytes", used);
    if (static_cast<uint64_t>(got) > room)
      return invalid_argument("the read callback reports {} bytes, at most {} were asked for", got, room);
    used += static_cast<size_t>(got);
    if (used > kMostStreamed) return make_error(Code::kResourceExhausted, "the model has over {} bytes", kMostStreamed);
  }
  bytes->resize(used);
  return bytes;
}

const anyrt_session::Spec* at(const std::vector<anyrt_session::Spec>& specs, size_t index) {
  return index < specs.size() ? &specs[index] : nullptr;
}

}  // namespace

anyrt_session::anyrt_session(std::unique_ptr<Session> s) : session(std::move(s)) {
  for (size_t i = 0; i < session->inputs().size(); ++i) {
    const ValueSpec& spec = session->inputs()[i];
    (spec.has_default ? initializers : inputs).push_back({spec.name.c_str(), i, anyrt_type(spec.type)});
  }
  for (size_t i = 0; i < session->outputs().size(); ++i) {
    const ValueSpec& spec = session->outputs()[i];
    outputs.push_back({spec.name.c_str(), i, anyrt_type(spec.type)});
  }
  model_version = std::to_string(session->info().model_version);
  ir_version = std::to_string(session->info().ir_version);
  live_sessions.fetch_add(1);
}

anyrt_session::~anyrt_session() {
  session.reset();
  live_sessions.fetch_sub(1);
}

anyrt_status* anyrt_session_load(const char* path, const anyrt_options* options, anyrt_session** out) noexcept {
  return guarded_into(out, [&]() -> Expected<std::unique_ptr<anyrt_session>> {
    ANYRT_C_NEED(path);
    ANYRT_ASSIGN(const SessionOptions o, session_options(options));
    return wrap(Session::load(path, o));
  });
}

anyrt_status* anyrt_session_load_bytes(const void* data, size_t size, anyrt_release_fn release, void* user,
                                       const anyrt_options* options, anyrt_session** out) noexcept {
  if (!out && release) release(user);
  return guarded_into(out, [&]() -> Expected<std::unique_ptr<anyrt_session>> {
    const std::shared_ptr<const void> owner = release_later(release, user);
    if (size > 0) ANYRT_C_NEED(data);
    ANYRT_ASSIGN(const SessionOptions o, session_options(options));
    return wrap(Session::load_bytes({static_cast<const std::byte*>(data), size}, owner, o));
  });
}

anyrt_status* anyrt_session_load_stream(anyrt_read_fn read, void* user, const anyrt_options* options,
                                        anyrt_session** out) noexcept {
  return guarded_into(out, [&]() -> Expected<std::unique_ptr<anyrt_session>> {
    ANYRT_C_NEED(read);
    ANYRT_ASSIGN(const std::shared_ptr<std::vector<std::byte>> bytes, read_all(read, user));
    ANYRT_ASSIGN(const SessionOptions o, session_options(options));
    return wrap(Session::load_bytes(*bytes, bytes, o));
  });
}

void anyrt_session_free(anyrt_session* session) noexcept {
  if (session) session->async.finish([session] { delete session; });
}

#define ANYRT_C_SPECS(what, list)                                                                         \
  size_t anyrt_session_##what##_count(const anyrt_session* s) noexcept { return s ? s->list.size() : 0; } \
  const char* anyrt_session_##what##_name(const anyrt_session* s, size_t index) noexcept {                \
    const auto* spec = s ? at(s->list, index) : nullptr;                                                  \
    return spec ? spec->name : nullptr;                                                                   \
  }                                                                                                       \
  const anyrt_type* anyrt_session_##what##_type(const anyrt_session* s, size_t index) noexcept {          \
    const auto* spec = s ? at(s->list, index) : nullptr;                                                  \
    return spec ? &spec->type : nullptr;                                                                  \
  }
ANYRT_C_SPECS(input, inputs)
ANYRT_C_SPECS(initializer, initializers)
ANYRT_C_SPECS(output, outputs)
#undef ANYRT_C_SPECS

const char* anyrt_session_info(const anyrt_session* session, const char* key) noexcept {
  if (!session || !key) return nullptr;
  const ModelInfo& info = session->session->info();
  const std::pair<std::string_view, const std::string*> rows[] = {
      {"producer_name", &info.producer_name},
      {"producer_version", &info.producer_version},
      {"domain", &info.domain},
      {"description", &info.doc},
      {"graph_name", &session->session->graph().name},
      {"model_version", &session->model_version},
      {"ir_version", &session->ir_version},
  };
  for (const auto& [name, text] : rows) {
    if (name == key) return text->c_str();
  }
  return nullptr;
}

size_t anyrt_session_metadata_count(const anyrt_session* session) noexcept {
  return session ? session->session->info().metadata.size() : 0;
}

const char* anyrt_session_metadata_key(const anyrt_session* session, size_t index) noexcept {
  if (index >= anyrt_session_metadata_count(session)) return nullptr;
  return std::next(session->session->info().metadata.begin(), static_cast<ptrdiff_t>(index))->first.c_str();
}

const char* anyrt_session_metadata_value(const anyrt_session* session, size_t index) noexcept {
  if (index >= anyrt_session_metadata_count(session)) return nullptr;
  return std::next(session->session->info().metadata.begin(), static_cast<ptrdiff_t>(index))->second.c_str();
}

anyrt_status* anyrt_session_explain(const anyrt_session* session, char** out) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(out);
    *out = nullptr;
    ANYRT_C_NEED(session);
    const std::string text = session->session->explain();
    *out = new char[text.size() + 1];
    std::memcpy(*out, text.c_str(), text.size() + 1);
    return {};
  });
}

void anyrt_text_free(char* text) noexcept { delete[] text; }

size_t anyrt_device_count(void) noexcept { return all_devices().size(); }

const char* anyrt_device_name(size_t index) noexcept {
  return index < all_devices().size() ? all_devices()[index]->name : nullptr;
}
