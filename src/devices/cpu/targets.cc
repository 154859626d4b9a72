#include <hwy/base.h>
#include <hwy/targets.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

// What kernels need of Highway's library. That measures the resolution of the timer when it is loaded, which takes
// milliseconds of each process; its headers are all that is needed beside this. The build renames the namespace, so
// that a program may have both.

namespace hwy {
namespace {

#if HWY_ARCH_X86

bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

template <class... T>
bool all(T... present) {
  return (static_cast<bool>(present) && ...);
}

// Those whose instructions the processor has and whose registers the system saves.
int64_t detect() {
  int64_t found = HWY_EMU128 | HWY_SCALAR | HWY_STATIC_TARGET;
  __builtin_cpu_init();
  if (!all(__builtin_cpu_supports("ssse3"))) return found;
  found |= HWY_SSSE3;
  if (!all(__builtin_cpu_supports("sse4.1"), __builtin_cpu_supports("sse4.2"), __builtin_cpu_supports("pclmul"),
           __builtin_cpu_supports("aes")))
    return found;
  found |= HWY_SSE4;
  if (!all(__builtin_cpu_supports("avx"), __builtin_cpu_supports("avx2"), __builtin_cpu_supports("bmi"),
           __builtin_cpu_supports("bmi2"), __builtin_cpu_supports("fma"), has_f16c()))
    return found;
  found |= HWY_AVX2;
  if (!all(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512vl"), __builtin_cpu_supports("avx512dq"),
           __builtin_cpu_supports("avx512bw")))
    return found;
  return found | HWY_AVX3;
}

#elif HWY_ARCH_ARM_A64

// Every machine has NEON. Highway takes it only with AES, which no kernel uses and a Raspberry Pi does not have.
int64_t detect() { return HWY_NEON | HWY_SCALAR; }

#else

int64_t detect() { return HWY_STATIC_TARGET | HWY_EMU128 | HWY_SCALAR; }

#endif

}  // namespace

int64_t SupportedTargets() {
  static const int64_t targets = detect();
  return targets;
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

// Called by checks inside the headers, which builds with sanitizers have more of.
HWY_NORETURN void Abort(const char* file, int line, const char* format, ...) {
  std::fprintf(stderr, "%s:%d: ", file, line);
  va_list values;
  va_start(values, format);
  std::vfprintf(stderr, format, values);
  va_end(values);
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace hwy
