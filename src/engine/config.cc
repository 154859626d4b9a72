#include "engine/config.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "base/text.h"

namespace anyrt {

namespace {

constexpr std::array<std::pair<const char*, Hint>, 3> kHints = {
    {{"latency", Hint::kLatency}, {"throughput", Hint::kThroughput}, {"memory", Hint::kMemory}}};
constexpr std::array<std::pair<const char*, Accuracy>, 3> kAccuracies = {
    {{"strict", Accuracy::kStrict}, {"default", Accuracy::kDefault}, {"fast", Accuracy::kFast}}};
constexpr std::array<std::pair<const char*, bool>, 8> kBooleans = {{{"0", false},
                                                                    {"1", true},
                                                                    {"false", false},
                                                                    {"true", true},
                                                                    {"off", false},
                                                                    {"on", true},
                                                                    {"no", false},
                                                                    {"yes", true}}};

// False where the word is not of the table; the caller's message says what is.
template <class T, size_t N>
bool pick(const std::array<std::pair<const char*, T>, N>& words, std::string_view text, T& out) {
  const std::string word = to_lower(text);
  for (const auto& [name, value] : words) {
    if (word != name) continue;
    out = value;
    return true;
  }
  return false;
}

template <class T, size_t N>
std::string name_of(const std::array<std::pair<const char*, T>, N>& words, T value) {
  for (const auto& [name, v] : words) {
    if (v == value) return name;
  }
  return "";
}

constexpr const char* kHintWords = "latency, throughput or memory";
constexpr const char* kThreadWords = "a number from 0 to 1024, 0 = what the process may use";
constexpr const char* kAccuracyWords = "strict, default or fast";
constexpr const char* kBooleanWords = "0 or 1";
constexpr const char* kBytesWords = "bytes with an optional suffix K, M, G or T, 0 = no cap";
constexpr const char* kFolderWords = "a folder, or empty for the user's cache folder";
constexpr const char* kLevelWords = "debug, info, warning, error or off";

Status bad(const char* key, std::string_view value, const char* allowed) {
  return invalid_argument("option {} is '{}', expected {}", key, value, allowed);
}

// $XDG_CACHE_HOME/anyrt, else ~/.cache/anyrt; empty where the environment names no home.
std::string default_cache_dir() {
  if (const char* base = std::getenv("XDG_CACHE_HOME"); base != nullptr && base[0] == '/')
    return (std::filesystem::path(base) / "anyrt").string();
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != '\0')
    return (std::filesystem::path(home) / ".cache" / "anyrt").string();
  return "";
}

constexpr ConfigKey kKeys[] = {
    {"hint", kHintWords, "what to spend: threads on one run, threads on many runs, or as little memory as possible",
     [](SessionOptions& o, std::string_view v) {
       return pick(kHints, v, o.hint) ? Status() : bad("hint", v, kHintWords);
     },
     [](const SessionOptions& o) { return name_of(kHints, o.hint); }},
    {"threads", kThreadWords, "threads that one run may use",
     [](SessionOptions& o, std::string_view v) {
       int n = -1;
       const auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), n);
       if (error != std::errc() || end != v.data() + v.size() || n < 0 || n > 1024)
         return bad("threads", v, kThreadWords);
       o.threads = n;
       return Status();
     },
     [](const SessionOptions& o) { return std::to_string(o.threads); }},
    {"accuracy", kAccuracyWords, "how exact kernels and passes are",
     [](SessionOptions& o, std::string_view v) {
       return pick(kAccuracies, v, o.accuracy) ? Status() : bad("accuracy", v, kAccuracyWords);
     },
     [](const SessionOptions& o) { return name_of(kAccuracies, o.accuracy); }},
    {"deterministic", kBooleanWords, "the same bits for every run and number of threads; implies accuracy strict",
     [](SessionOptions& o, std::string_view v) {
       return pick(kBooleans, v, o.deterministic) ? Status() : bad("deterministic", v, kBooleanWords);
     },
     [](const SessionOptions& o) { return std::string(o.deterministic ? "1" : "0"); }},
    {"memory_cap", kBytesWords, "most bytes of one run's activations; a run that needs more is an error",
     [](SessionOptions& o, std::string_view v) {
       const auto bytes = parse_bytes(v);
       if (!bytes) return bad("memory_cap", v, kBytesWords);
       o.memory_cap = static_cast<size_t>(*bytes);
       return Status();
     },
     [](const SessionOptions& o) { return std::to_string(o.memory_cap); }},
    {"cache_dir", kFolderWords, "where files that outlive the process may be kept",
     [](SessionOptions& o, std::string_view v) {
       if (v.find('\0') != std::string_view::npos) return bad("cache_dir", v, kFolderWords);
       o.cache_dir = v;
       return Status();
     },
     [](const SessionOptions& o) { return o.cache_dir.empty() ? default_cache_dir() : o.cache_dir; }},
    {"weight_cache", kBooleanWords, "keep packed weights in cache_dir and map them in later sessions",
     [](SessionOptions& o, std::string_view v) {
       return pick(kBooleans, v, o.weight_cache) ? Status() : bad("weight_cache", v, kBooleanWords);
     },
     [](const SessionOptions& o) { return std::string(o.weight_cache ? "1" : "0"); }},
    {"log_level", kLevelWords, "messages of the process from this severity on",
     [](SessionOptions&, std::string_view v) {
       const auto level = parse_log_level(to_lower(v));
       if (!level) return bad("log_level", v, kLevelWords);
       set_log_level(*level);
       return Status();
     },
     [](const SessionOptions&) { return std::string(log_level_name(log_level())); }},
};

Expected<const ConfigKey*> find_key(std::string_view key) {
  std::string names;
  for (const ConfigKey& k : kKeys) {
    if (key == k.name) return &k;
    names += (names.empty() ? "" : ", ") + std::string(k.name);
  }
  return invalid_argument("there is no option '{}'; the options are: {}", key, names);
}

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

Status set_option(SessionOptions& options, std::string_view key, std::string_view value) {
  ANYRT_ASSIGN(const ConfigKey* row, find_key(key));
  return row->set(options, value);
}

Expected<std::string> get_option(const SessionOptions& options, std::string_view key) {
  ANYRT_ASSIGN(const ConfigKey* row, find_key(key));
  return row->get(options);
}

Status read_environment(SessionOptions& options) {
  for (const ConfigKey& k : kKeys) {
    std::string variable = "ANYRT_";
    for (const char* c = k.name; *c; ++c) variable += static_cast<char>(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || value[0] == '\0') continue;
    Status s = k.set(options, value);
    if (!s.ok()) return std::move(s).with_context("environment variable " + variable);
  }
  return {};
}

Expected<SessionOptions> resolve_options(SessionOptions options) {
  if (options.deterministic) {
    if (options.accuracy == Accuracy::kFast)
      return invalid_argument("option deterministic needs accuracy strict, found fast");
    options.accuracy = Accuracy::kStrict;
  }
  // Callers that run at the same time fill the processor better than threads that wait for each other.
  if (options.hint == Hint::kThroughput && options.threads == 0) options.threads = 1;
  if (options.cache_dir.empty()) options.cache_dir = default_cache_dir();
  return options;
}

}  // namespace anyrt
