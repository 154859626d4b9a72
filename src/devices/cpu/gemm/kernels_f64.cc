#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/gemm/kernels_f64.cc"
#include <hwy/foreach_target.h>

#include "devices/cpu/gemm/driver-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

GemmKernels make_kernels() { return kernels<double, double>(); }

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {
HWY_EXPORT(make_kernels);
}

GemmKernels gemm_kernels_f64() { return HWY_DYNAMIC_DISPATCH(make_kernels)(); }

}  // namespace anyrt::cpu
#endif
