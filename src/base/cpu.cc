#include "base/cpu.h"

#include <sched.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/process.h"
#include "base/text.h"

namespace anyrt {
namespace {

#if defined(__x86_64__)
constexpr const char* kFeatures[] = {"sse4_2",   "avx",      "f16c",        "fma",      "avx2",        "avx_vnni",
                                     "avx512f",  "avx512bw", "avx512dq",    "avx512vl", "avx512_vnni", "avx512_bf16",
                                     "amx_tile", "amx_int8", "avx512_fp16", "amx_bf16", "amx_fp16"};
#elif defined(__aarch64__)
// Bits of AT_HWCAP, from 64 on of AT_HWCAP2.
constexpr std::pair<const char*, int> kFeatures[] = {{"asimd", 1},      {"asimdhp", 10},   {"asimddp", 20},
                                                     {"i8mm", 64 + 13}, {"bf16", 64 + 14}, {"sve", 22},
                                                     {"sve2", 64 + 1},  {"sme", 64 + 23}};
#elif defined(__riscv)
constexpr std::pair<const char*, int> kFeatures[] = {{"rvv", 'v' - 'a'}};
#endif

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

// The value behind "key<blanks>:" or "key:" in the lines of /proc files.
std::string field(const std::string& text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key)
      return std::string(trim(line.substr(colon + 1)));
  }
  return {};
}

uint64_t leading_number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

uint64_t kibibytes(const std::string& text, std::string_view key) { return leading_number(field(text, key)) * 1024; }

std::vector<int> affinity() {
  // A mask of the kernel's largest size, so that machines of more than 1024 processors work.
  constexpr int kMost = 8192;
  cpu_set_t* set = CPU_ALLOC(kMost);
  const size_t size = CPU_ALLOC_SIZE(kMost);
  std::vector<int> cpus;
  if (set != nullptr && sched_getaffinity(0, size, set) == 0) {
    for (int i = 0; i < kMost; ++i) {
      if (CPU_ISSET_S(static_cast<size_t>(i), size, set)) cpus.push_back(i);
    }
  }
  CPU_FREE(set);
  return cpus;
}

int count_cores(const std::vector<int>& cpus) {
  std::set<int> cores;
  for (const int cpu : cpus) {
    const std::string text =
        read_text("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    const auto siblings = detail::parse_cpu_list(text);
    cores.insert(siblings.empty() ? cpu : siblings.front());
  }
  return static_cast<int>(cores.size());
}

void read_caches(CpuInfo& info, int cpu) {
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(i);
    const auto bytes = parse_bytes(read_text(folder + "/size"));
    if (!bytes) break;
    const std::string level(trim(read_text(folder + "/level"))), type(trim(read_text(folder + "/type")));
    if (type == "Instruction") continue;
    if (level == "1") info.l1_data = static_cast<size_t>(*bytes);
    if (level == "2") info.l2 = static_cast<size_t>(*bytes);
    if (level == "3") info.l3 = static_cast<size_t>(*bytes);
    if (const uint64_t line = leading_number(read_text(folder + "/coherency_line_size")); line != 0) {
      info.line = static_cast<size_t>(line);
    }
  }
}

// Folders of this process's control group, innermost first: version 2, then the version 1 hierarchy of `controller`.
std::vector<std::string> group_folders(std::string_view controller) {
  std::vector<std::string> folders;
  const std::string groups = read_text("/proc/self/cgroup");
  for (const std::string_view line : split(groups, '\n')) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto controllers = split(parts[1], ',');
    const bool unified = parts[0] == "0" && parts[1].empty();
    if (!unified && std::find(controllers.begin(), controllers.end(), controller) == controllers.end()) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + std::string(controller);
    std::string path(parts[2]);
    for (; path.size() > 1; path.resize(path.rfind('/'))) folders.push_back(root + path);
    folders.push_back(root);
  }
  return folders;
}

double read_quota() {
  double quota = 0;
  for (const std::string& folder : group_folders("cpu")) {
    double here = detail::parse_cpu_max(read_text(folder + "/cpu.max"));
    if (here == 0) {
      const std::string limit = read_text(folder + "/cpu.cfs_quota_us");
      if (!limit.empty()) here = detail::parse_cpu_max(limit + " " + read_text(folder + "/cpu.cfs_period_us"));
    }
    if (here > 0) quota = quota > 0 ? std::min(quota, here) : here;
  }
  return quota;
}

uint64_t read_memory_limit() {
  uint64_t limit = 0;
  for (const std::string& folder : group_folders("memory")) {
    for (const char* name : {"/memory.max", "/memory.limit_in_bytes"}) {
      const uint64_t here = leading_number(read_text(folder + name));
      if (here > 0) limit = limit > 0 ? std::min(limit, here) : here;
    }
  }
  return limit;
}

std::vector<std::string> read_features([[maybe_unused]] const std::string& cpuinfo) {
  std::vector<std::string> features;
#if defined(__x86_64__)
  const std::string flags = field(cpuinfo, "flags");
  const auto known = split(flags, ' ');
  for (const char* feature : kFeatures) {
    if (std::find(known.begin(), known.end(), feature) != known.end()) features.emplace_back(feature);
  }
#elif defined(__aarch64__) || defined(__riscv)
  // Of the processor that the program sees: under emulation /proc/cpuinfo tells of another one.
  const uint64_t words[] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
  for (const auto& [feature, bit] : kFeatures) {
    if (words[bit / 64] >> (bit % 64) & 1) features.emplace_back(feature);
  }
#endif
  return features;
}

CpuInfo read_cpu_info() {
  CpuInfo info;
  const std::string text = read_text("/proc/cpuinfo");
  info.model = field(text, "model name");
  info.features = read_features(text);
  info.logical = std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  const auto cpus = affinity();
  info.usable = cpus.empty() ? info.logical : static_cast<int>(cpus.size());
  info.physical = cpus.empty() ? info.logical : count_cores(cpus);
  info.quota = read_quota();
  read_caches(info, cpus.empty() ? 0 : cpus.front());
  return info;
}

}  // namespace

bool CpuInfo::has(const std::string& feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

std::string CpuInfo::feature_string() const { return join(features, " "); }

const CpuInfo& cpu_info() {
  static constinit ProcessObject<CpuInfo> info;
  return info.get(read_cpu_info);
}

int default_thread_count() {
  static const int count = [] {
    constexpr int kMost = 1024;
    if (const char* text = std::getenv("ANYRT_THREADS"); text != nullptr) {
      const auto wanted = static_cast<int>(std::min<uint64_t>(leading_number(text), kMost));
      if (wanted > 0) return wanted;
    }
    const CpuInfo& info = cpu_info();
    int cores = info.physical;
    if (info.quota > 0) cores = std::min(cores, static_cast<int>(std::ceil(info.quota)));
    return std::clamp(cores, 1, kMost);
  }();
  return count;
}

MemoryInfo memory_info() {
  MemoryInfo info;
  const std::string machine = read_text("/proc/meminfo");
  info.total = kibibytes(machine, "MemTotal");
  info.available = kibibytes(machine, "MemAvailable");
  if (const uint64_t limit = read_memory_limit(); limit > 0 && limit < info.total) {
    info.total = limit;
    info.available = std::min(info.available, limit);
  }
  const std::string self = read_text("/proc/self/status");
  info.resident = kibibytes(self, "VmRSS");
  info.peak = kibibytes(self, "VmHWM");
  return info;
}

std::vector<int> detail::parse_cpu_list(const std::string& text) {
  std::vector<int> cpus;
  for (const std::string_view part : split(trim(text), ',')) {
    int first = 0;
    const char* end = part.data() + part.size();
    auto result = std::from_chars(part.data(), end, first);
    if (result.ec != std::errc()) break;
    int last = first;
    if (result.ptr != end && *result.ptr == '-') result = std::from_chars(result.ptr + 1, end, last);
    constexpr int kMost = 1 << 16;
    if (result.ec != std::errc() || first < 0 || last > kMost) break;
    for (int i = first; i <= last; ++i) cpus.push_back(i);
  }
  return cpus;
}

double detail::parse_cpu_max(const std::string& text) {
  std::istringstream stream(text);
  double limit = 0, period = 0;
  if (!(stream >> limit >> period) || limit <= 0 || period <= 0) return 0;
  return limit / period;
}

}  // namespace anyrt
