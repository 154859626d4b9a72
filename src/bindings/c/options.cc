#include <charconv>

#include "base/text.h"
#include "bindings/c/objects.h"
#include "capi/guard.h"
#include "capi/op_library.h"
#include "engine/config.h"

using namespace anyrt;
using namespace anyrt::c;

namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view part : split(text, ',')) {
    if (const std::string_view word = trim(part); !word.empty()) out.emplace_back(word);
  }
  return out;
}

Status set_dims(SessionOptions& o, std::string_view text) {
  o.dims.clear();
  for (const std::string& word : words(text)) {
    const size_t at = word.find('=');
    const std::string_view symbol = trim(std::string_view(word).substr(0, std::min(at, word.size())));
    const std::string_view size = at == std::string::npos ? "" : trim(std::string_view(word).substr(at + 1));
    int64_t value = -1;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), value);
    if (symbol.empty() || error != std::errc() || end != size.data() + size.size() || value < 0)
      return invalid_argument("option dims has '{}', expected SYMBOL=SIZE", word);
    o.dims.emplace_back(symbol, value);
  }
  return {};
}

// Options that only programs have, beside those of engine/config.h.
struct Row {
  const char* name;
  Status (*set)(anyrt_options& options, std::string_view value);
};
constexpr Row kRows[] = {
    {"device",
     [](anyrt_options& o, std::string_view v) {
       o.options.device = v;
       return Status();
     }},
    {"devices",
     [](anyrt_options& o, std::string_view v) {
       o.options.devices = words(v);
       return Status();
     }},
    {"optimize",
     [](anyrt_options& o, std::string_view v) {
       if (v != "0" && v != "1") return invalid_argument("option optimize is '{}', expected 0 or 1", v);
       o.options.optimize = v == "1";
       return Status();
     }},
    {"disabled_passes",
     [](anyrt_options& o, std::string_view v) {
       o.options.disabled_passes = words(v);
       return Status();
     }},
    {"dims", [](anyrt_options& o, std::string_view v) { return set_dims(o.options, v); }},
    {"op_library",
     [](anyrt_options& o, std::string_view v) -> Status {
       ANYRT_ASSIGN(const OpSet ops, load_op_library(std::string(v)));
       o.ops.add_all(ops);
       return {};
     }},
};

Status set(anyrt_options& options, std::string_view key, std::string_view value) {
  std::string names;
  for (const Row& row : kRows) {
    if (key == row.name) return row.set(options, value);
    names += std::string(row.name) + ", ";
  }
  for (const ConfigKey& k : config_keys()) {
    if (key == k.name) return set_option(options.options, key, value);
    names += std::string(k.name) + ", ";
  }
  names.resize(names.size() - 2);
  return invalid_argument("there is no option '{}'; the options are: {}", key, names);
}

}  // namespace

Expected<SessionOptions> anyrt::c::session_options(const anyrt_options* options) {
  SessionOptions o;
  if (!options) {
    ANYRT_TRY(read_environment(o));
    return o;
  }
  o = options->options;
  if (!options->ops.empty()) o.custom_ops = std::make_shared<const OpSet>(options->ops);
  return o;
}

anyrt_status* anyrt_options_create(anyrt_options** out) noexcept {
  return guarded_into(out, []() -> Expected<std::unique_ptr<anyrt_options>> {
    auto options = std::make_unique<anyrt_options>();
    ANYRT_TRY(read_environment(options->options));
    return options;
  });
}

void anyrt_options_free(anyrt_options* options) noexcept { delete options; }

anyrt_status* anyrt_options_set(anyrt_options* options, const char* key, const char* value) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(options);
    ANYRT_C_NEED(key);
    ANYRT_C_NEED(value);
    return set(*options, key, trim(value));
  });
}

anyrt_status* anyrt_register_op_library(const char* path) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(path);
    ANYRT_ASSIGN(const OpSet ops, load_op_library(path));
    register_ops(ops);
    return {};
  });
}
