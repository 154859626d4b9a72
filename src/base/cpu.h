#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace anyrt {

struct CpuInfo {
  std::string model;  // "AMD EPYC 7B13"
  std::vector<std::string>
      features;      // instruction sets that matter for kernels: "avx2", "avx512f", "amx_int8", "asimd" …
  int logical = 1;   // processors of the machine
  int usable = 1;    // of those, in this process's affinity mask
  int physical = 1;  // cores behind the usable processors
  double quota = 0;  // processors the control group grants, 0 = no limit
  size_t l1_data = 0, l2 = 0, l3 = 0, line = 64;  // bytes; 0 = not known

  bool has(const std::string& feature) const;
  std::string feature_string() const;  // separated by blanks
};

// Read once, on the first call.
const CpuInfo& cpu_info();

// Threads that compute at once by default: usable cores, at most the quota rounded up; ANYRT_THREADS overrides it.
int default_thread_count();

struct MemoryInfo {
  uint64_t total = 0;      // of the machine, or what the control group grants when that is less
  uint64_t available = 0;  // as the kernel estimates it
  uint64_t resident = 0;   // of this process now
  uint64_t peak = 0;       // of this process since its start
};
MemoryInfo memory_info();

namespace detail {
// "0-3,8" as a list of numbers; what is malformed ends the list.
std::vector<int> parse_cpu_list(const std::string& text);
// The quota in the text of cpu.max ("150000 100000"); 0 for "max" or nonsense.
double parse_cpu_max(const std::string& text);
}  // namespace detail

}  // namespace anyrt
