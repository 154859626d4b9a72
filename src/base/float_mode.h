#pragma once

#include <cstdint>

#if !defined(__SSE2__) && !defined(__aarch64__)
#include <cfenv>
#endif

namespace anyrt {

// While it lives, this thread computes in the mode that kernels are written for: rounding to nearest, subnormals kept,
// no traps. The caller's mode and exception flags come back afterwards.
class FloatModeScope {
 public:
#if defined(__SSE2__)
  FloatModeScope() : before_(__builtin_ia32_stmxcsr()) {
    if (before_ != kDefault) __builtin_ia32_ldmxcsr(kDefault);
  }
  ~FloatModeScope() {
    if (__builtin_ia32_stmxcsr() != before_) __builtin_ia32_ldmxcsr(before_);
  }
#elif defined(__aarch64__)
  // All of FPCR, and so also what <cfenv> leaves alone: flushing of halves and their alternative format.
  FloatModeScope() {
    asm volatile("mrs %0, fpcr" : "=r"(mode_));
    asm volatile("mrs %0, fpsr" : "=r"(flags_));
    if (mode_ != 0) asm volatile("msr fpcr, %0" : : "r"(uint64_t{0}));
  }
  ~FloatModeScope() {
    if (mode_ != 0) asm volatile("msr fpcr, %0" : : "r"(mode_));
    asm volatile("msr fpsr, %0" : : "r"(flags_));
  }
#else
  FloatModeScope() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FloatModeScope() { std::fesetenv(&before_); }
#endif
  FloatModeScope(const FloatModeScope&) = delete;
  FloatModeScope& operator=(const FloatModeScope&) = delete;

 private:
#if defined(__SSE2__)
  static constexpr unsigned kDefault = 0x1f80;
  unsigned before_;
#elif defined(__aarch64__)
  uint64_t mode_, flags_;
#else
  std::fenv_t before_;
#endif
};

}  // namespace anyrt
