#include <algorithm>

#include "base/threads.h"
#include "devices/cpu/kernels/conv_common.h"

namespace anyrt::cpu {

Expected<ConvPlan> plan_conv(const BindQuery& q, const Dims& x, const Dims& z) {
  ConvPlan p;
  ANYRT_ASSIGN(p.g, conv_geometry(q, x, q.input(1).dims));
  if (p.g.axes.empty()) return not_implemented("no spatial axes");
  if (p.g.axes.size() == 1) p.g.axes.insert(p.g.axes.begin(), WindowAxis());
  p.in_size = p.g.in_size();
  p.out_size = p.g.out_size();
  p.taps = kernel_size(p.g.axes);
  p.in_group = p.g.channels / p.g.group;
  p.out_group = p.g.out_channels / p.g.group;
  p.epilogue.has_bias = q.has_input(2);
  p.epilogue.bias_row = 1;
  if (q.has_input(2) && q.input(2).count() != p.g.out_channels) return invalid_argument("the bias has another length");
  if (q.node().op == "FusedConv") {
    ANYRT_ASSIGN(p.epilogue.activation, read_activation(q));
    ANYRT_ASSIGN(p.rescale, read_rescale(q));
    p.epilogue.has_z = q.has_input(3);
    p.epilogue.add_after = q.i("add_after") != 0;
    if (q.has_input(3) && z != p.g.out_dims) return invalid_argument("Z has another shape");
  }
  if (q.output(0).count() == 0 || p.in_group * p.taps == 0) return not_implemented("an empty convolution");
  return p;
}

namespace {

bool is_pointwise(const WindowAxes& axes) {
  return std::all_of(axes.begin(), axes.end(), [](const WindowAxis& w) {
    return w.kernel == 1 && w.stride == 1 && w.pad_begin == 0 && w.pad_end == 0;
  });
}

// Every output channel is a product of its weights and the input as it lies.
ConvBound bind_pointwise(ConvPlan plan) {
  GemmProblem m;
  m.m = plan.out_group;
  m.n = plan.out_size;
  m.k = plan.in_group;
  m.a_row = m.k;
  m.b_row = plan.in_size;
  m.c_row = plan.out_size;
  // Groups have biases of their own: the stack is told where they begin.
  for (int64_t i = 0; i < plan.g.batch * plan.g.group; ++i) {
    m.a_at.push_back(i % plan.g.group * plan.out_group * m.k);
    m.b_at.push_back(i * plan.in_group * plan.in_size);
    m.c_at.push_back(i * plan.out_group * plan.out_size);
    plan.epilogue.bias_at.push_back(i % plan.g.group * plan.out_group);
  }
  Gemm gemm(std::move(m));
  const size_t scratch = gemm.scratch_bytes();
  return bound_step(
      [plan = std::move(plan), gemm = std::move(gemm)](const StepArgs& args) {
        const EpilogueRun<float> run{&plan.epilogue, plan.bias(args), plan.residual(args), args.output<float>(0)};
        gemm.run(args.in[1], args.in[0], args.out[0], plan.epilogue.needed() ? epilogue_finish(run) : GemmFinish(),
                 args.scratch, args.threads);
        return Status();
      },
      scratch);
}

ConvBound bind_plain(ConvPlan plan, const std::shared_ptr<const void>& state) {
  if (plan.in_group == 1 && plan.out_group == 1 && plan.g.axes.size() == 2) return bind_depthwise(std::move(plan));
  if (is_pointwise(plan.g.axes)) return bind_pointwise(std::move(plan));
  if (state && winograd_pays(plan.g))
    return bind_winograd(std::move(plan), std::static_pointer_cast<const WinogradWeights>(state));
  if (narrow_pays(plan)) return bind_narrow(std::move(plan));
  return bind_unfolded(std::move(plan));
}

ConvBound bind_conv(const BindQuery& q, const std::shared_ptr<const void>& state) {
  ANYRT_ASSIGN(ConvPlan plan, plan_conv(q, q.input(0).dims, q.input(3).dims));
  const FusedRescale rescale = plan.rescale;
  const int64_t count = q.output(0).count();
  ConvBound bound = bind_plain(std::move(plan), state);
  if (!bound.ok() || rescale.idle()) return bound;
  const size_t scratch = (*bound)->scratch_bytes;
  return bound_step(
      [rescale, count, inner = std::shared_ptr<const BoundStep>(std::move(*bound))](const StepArgs& args) -> Status {
        ANYRT_TRY(inner->run(args));
        float* y = args.output<float>(0);
        parallel_for(
            count, 16384, [&](int64_t begin, int64_t end) { rescale_range(rescale, y + begin, end - begin); },
            args.threads);
        return {};
      },
      scratch);
}

Expected<std::shared_ptr<const void>> prepare_conv(const KernelQuery& q) {
  const Tensor* w = q.input_constant(1);
  const SymShape* x = q.input_shape(0);
  if (!w || !x || w->rank() != 4 || q.accuracy() == Accuracy::kStrict || q.weights_once())
    return std::shared_ptr<const void>();
  // Where only the batch is open the decision can be made now.
  Dims dims;
  for (size_t i = 0; i < x->size(); ++i) {
    if (i > 0 && !(*x)[i].is_const()) return std::shared_ptr<const void>();
    dims.push_back(i == 0 ? 1 : (*x)[i].value());
  }
  const Expected<ConvGeometry> g = conv_geometry(q, dims, w->dims());
  if (!g.ok() || !winograd_pays(*g)) return std::shared_ptr<const void>();
  return winograd_weights(*w, q.store());
}

// Blocked channels are for kernels of their own.
bool is_plain(const KernelQuery& q) { return q.i("block") == 0; }

constexpr KernelRow kRows[] = {
    {.kernel = "f32_conv", .op = "Conv", .prepare = prepare_conv, .bind = bind_conv},
    {.kernel = "f32_fused_conv",
     .op = "FusedConv",
     .domain = "anyrt",
     .accepts = is_plain,
     .prepare = prepare_conv,
     .bind = bind_conv},
};

}  // namespace

extern const KernelTable kernels_conv = {kRows};

}  // namespace anyrt::cpu
