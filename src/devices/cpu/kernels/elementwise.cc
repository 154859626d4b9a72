#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// y[i] = f(a[i * step_a], b[i * step_b]) with steps 0 or 1. `y` may be `a`.
template <class F>
HWY_INLINE void binary(const float* a, const float* b, float* y, int64_t n, int64_t step_a, int64_t step_b, F f) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V fixed_a = hn::Set(d, *a), fixed_b = hn::Set(d, *b);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(f(step_a ? hn::LoadU(d, a + i) : fixed_a, step_b ? hn::LoadU(d, b + i) : fixed_b), d, y + i);
  }
  if (i == n) return;
  HWY_ALIGN float rest_a[hn::MaxLanes(D())] = {}, rest_b[hn::MaxLanes(D())] = {};
  const size_t rest = static_cast<size_t>(n - i);
  for (size_t k = 0; k < rest; ++k) {
    rest_a[k] = a[(i + static_cast<int64_t>(k)) * step_a];
    rest_b[k] = b[(i + static_cast<int64_t>(k)) * step_b];
  }
  hn::Store(f(hn::Load(d, rest_a), hn::Load(d, rest_b)), d, rest_a);
  std::memcpy(y + i, rest_a, rest * sizeof(float));
}

void add(const float* a, const float* b, float* y, int64_t n, int64_t sa, int64_t sb) {
  binary(a, b, y, n, sa, sb, [](V u, V v) HWY_ATTR { return hn::Add(u, v); });
}
void sub(const float* a, const float* b, float* y, int64_t n, int64_t sa, int64_t sb) {
  binary(a, b, y, n, sa, sb, [](V u, V v) HWY_ATTR { return hn::Sub(u, v); });
}
void mul(const float* a, const float* b, float* y, int64_t n, int64_t sa, int64_t sb) {
  binary(a, b, y, n, sa, sb, [](V u, V v) HWY_ATTR { return hn::Mul(u, v); });
}
void div(const float* a, const float* b, float* y, int64_t n, int64_t sa, int64_t sb) {
  binary(a, b, y, n, sa, sb, [](V u, V v) HWY_ATTR { return hn::Div(u, v); });
}

// NaN passes: the comparison with 0 is false for it.
void relu(const float* x, float* y, int64_t n) {
  const D d;
  const float zero = 0;
  binary(x, &zero, y, n, 1, 0, [d](V u, V v) HWY_ATTR { return hn::IfThenElse(hn::Lt(u, v), hn::Zero(d), u); });
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(add);
HWY_EXPORT(sub);
HWY_EXPORT(mul);
HWY_EXPORT(div);
HWY_EXPORT(relu);

constexpr int64_t kGrain = 1 << 15;

using BinaryFn = void (*)(const float*, const float*, float*, int64_t, int64_t, int64_t);

Status run_binary(EvalContext& c, BinaryFn f) {
  const Tensor &a = c.input(0), &b = c.input(1);
  ANYRT_ASSIGN(const Dims dims, broadcast_dims(a.dims(), b.dims()));
  const float *pa = a.data<float>(), *pb = b.data<float>();
  // Held before the output is made, which may take a's bytes.
  const Dims a_dims = a.dims(), b_dims = b.dims();
  const Tensor keep_a = a, keep_b = b;
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, dims));
  float* py = y->mutable_data<float>();
  if (a_dims == b_dims) {
    c.parallel_for(y->size(), kGrain,
                   [&](int64_t begin, int64_t end) { f(pa + begin, pb + begin, py + begin, end - begin, 1, 1); });
    return {};
  }
  for_each_broadcast_run(dims, a_dims, b_dims,
                         [&](int64_t o, int64_t ia, int64_t ib, int64_t n, int64_t step_a, int64_t step_b) {
                           f(pa + ia, pb + ib, py + o, n, step_a, step_b);
                         });
  return {};
}

Status run_add(EvalContext& c, const void*) { return run_binary(c, HWY_DYNAMIC_DISPATCH(add)); }
Status run_sub(EvalContext& c, const void*) { return run_binary(c, HWY_DYNAMIC_DISPATCH(sub)); }
Status run_mul(EvalContext& c, const void*) { return run_binary(c, HWY_DYNAMIC_DISPATCH(mul)); }
Status run_div(EvalContext& c, const void*) { return run_binary(c, HWY_DYNAMIC_DISPATCH(div)); }

Expected<std::unique_ptr<BoundStep>> bind_relu(const BindQuery& q, const std::shared_ptr<const void>&) {
  return bound_step([n = q.output(0).count(), f = HWY_DYNAMIC_DISPATCH(relu)](const StepArgs& args) {
    const float* x = args.input<float>(0);
    float* y = args.output<float>(0);
    parallel_for(
        n, kGrain, [&](int64_t begin, int64_t end) { f(x + begin, y + begin, end - begin); }, args.threads);
    return Status();
  });
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_add", .op = "Add", .in_place = 1, .run = run_add},
    {.kernel = "f32_sub", .op = "Sub", .in_place = 1, .run = run_sub},
    {.kernel = "f32_mul", .op = "Mul", .in_place = 1, .run = run_mul},
    {.kernel = "f32_div", .op = "Div", .in_place = 1, .run = run_div},
    {.kernel = "f32_relu", .op = "Relu", .in_place = 1, .bind = bind_relu},
};

}  // namespace

extern const KernelTable kernels_elementwise = {kRows};

}  // namespace anyrt::cpu
#endif
