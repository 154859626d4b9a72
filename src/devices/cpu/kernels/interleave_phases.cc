#include <cstring>

#include "base/threads.h"
#include "devices/cpu/kernel.h"

namespace anyrt::cpu {
namespace {

Expected<std::unique_ptr<BoundStep>> bind_interleave(const BindQuery& q, const std::shared_ptr<const void>&) {
  const Dims in = q.input(0).dims, out = q.output(0).dims;
  const int64_t rows = q.i("rows"), columns = q.i("columns"), run = in[4];
  return bound_step([=](const StepArgs& args) {
    const auto* x = args.input<float>(0);
    auto* y = args.output<float>(0);
    const int64_t phase_step = out[1] * in[2] * in[3] * run;
    parallel_for(
        out[0] * out[1] * out[2], 1 + 4096 / (out[3] * run + 1),
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t oy = i % out[2], b = i / out[2] % out[1], n = i / out[2] / out[1];
            const float* from = x + n * rows * columns * phase_step + oy % rows * columns * phase_step +
                                (b * in[2] + oy / rows) * in[3] * run;
            float* to = y + i * out[3] * run;
            for (int64_t ox = 0; ox < out[3]; ++ox, to += run) {
              std::memcpy(to, from + ox % columns * phase_step + ox / columns * run,
                          static_cast<size_t>(run) * sizeof(float));
            }
          }
        },
        args.threads);
    return Status();
  });
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_interleave_phases", .op = "InterleavePhases", .domain = "anyrt", .bind = bind_interleave}};

}  // namespace

extern const KernelTable kernels_interleave_phases = {kRows};

}  // namespace anyrt::cpu
