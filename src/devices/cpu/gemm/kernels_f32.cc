#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/gemm/kernels_f32.cc"
#include <hwy/foreach_target.h>

#include "devices/cpu/gemm/driver-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

GemmKernels make_f32() { return kernels<float, float>(); }
#if ANYRT_FLOAT16_KERNELS
GemmKernels make_f16() { return kernels<float, F16>(); }
GemmKernels make_bf16() { return kernels<float, Bf16>(); }
#endif

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {
HWY_EXPORT(make_f32);
#if ANYRT_FLOAT16_KERNELS
HWY_EXPORT(make_f16);
HWY_EXPORT(make_bf16);
#endif
}  // namespace

GemmKernels gemm_kernels_f32() { return HWY_DYNAMIC_DISPATCH(make_f32)(); }
#if ANYRT_FLOAT16_KERNELS
GemmKernels gemm_kernels_f16() { return HWY_DYNAMIC_DISPATCH(make_f16)(); }
GemmKernels gemm_kernels_bf16() { return HWY_DYNAMIC_DISPATCH(make_bf16)(); }
#endif

}  // namespace anyrt::cpu
#endif
