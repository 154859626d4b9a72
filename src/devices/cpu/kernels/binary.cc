#include <cmath>

#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/broadcast_common.h"
#include "devices/cpu/kernels/map_common.h"

// f32 functions of two tensors that broadcast.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;
using Loops = BroadcastLoops<2>;

constexpr int64_t kGrain = 1 << 15;

Bound map_step(const BindQuery& q, Map op) {
  if (q.num_inputs() != 2) return not_implemented("{} operands", q.num_inputs());
  const Dims* dims[] = {&q.input(0).dims, &q.input(1).dims};
  return bound_step([loops = Loops(q.output(0).dims, dims), f = map_function(op),
                     grain = std::max<int64_t>(1, kGrain / map_cost(op))](const StepArgs& args) {
    const float *a = args.input<float>(0), *b = args.input<float>(1);
    float* y = args.output<float>(0);
    loops.run(grain, args.threads, [&](const Loops::Block& block, const Loops::Offsets& at, int64_t out) {
      MapBlock m;
      m.rows = block.rows;
      m.n = block.n;
      m.in[0] = a + at[0];
      m.in[1] = b + at[1];
      m.out = y + out;
      m.out_row = block.out_row;
      for (int k = 0; k < 2; ++k) {
        m.row[k] = block.row[static_cast<size_t>(k)];
        m.step[k] = block.step[static_cast<size_t>(k)];
      }
      f(m);
    });
    return Status();
  });
}

template <Map kOp>
Bound bind(const BindQuery& q, const State&) {
  return map_step(q, kOp);
}

// The exponents that models have most.
Bound bind_pow(const BindQuery& q, const State&) {
  const BoundTensor& y = q.input(1);
  if (y.constant && y.count() == 1 && q.output(0).dims == q.input(0).dims) {
    const float exponent = *y.constant->data<float>();
    if (exponent == 2) {
      return bound_step([n = q.output(0).count(), f = map_function(Map::kSquare)](const StepArgs& args) {
        const auto part = [&](int64_t begin, int64_t end) {
          MapBlock m;
          m.n = end - begin;
          m.in[0] = args.input<float>(0) + begin;
          m.out = args.output<float>(0) + begin;
          m.step[0] = 1;
          f(m);
        };
        if (n <= kGrain) {
          if (n > 0) part(0, n);
        } else {
          parallel_for(n, kGrain, part, args.threads);
        }
        return Status();
      });
    }
  }
  return map_step(q, Map::kPow);
}

Bound bind_mod(const BindQuery& q, const State&) { return map_step(q, q.i("fmod") != 0 ? Map::kFmod : Map::kMod); }

bool of_two(const KernelQuery& q) { return q.node().inputs.size() == 2; }
bool of_one_type(const KernelQuery& q) { return q.input_dtype(1) == q.input_dtype(0); }

constexpr KernelRow kRows[] = {
    {.kernel = "f32_add", .op = "Add", .in_place = 3, .bind = bind<Map::kAdd>},
    {.kernel = "f32_sub", .op = "Sub", .in_place = 3, .bind = bind<Map::kSub>},
    {.kernel = "f32_mul", .op = "Mul", .in_place = 3, .bind = bind<Map::kMul>},
    {.kernel = "f32_div", .op = "Div", .in_place = 3, .bind = bind<Map::kDiv>},
    {.kernel = "f32_add", .op = "Sum", .priority = 1, .in_place = 3, .accepts = of_two, .bind = bind<Map::kAdd>},
    {.kernel = "f32_max", .op = "Max", .priority = 1, .in_place = 3, .accepts = of_two, .bind = bind<Map::kMax>},
    {.kernel = "f32_min", .op = "Min", .priority = 1, .in_place = 3, .accepts = of_two, .bind = bind<Map::kMin>},
    {.kernel = "f32_pow", .op = "Pow", .priority = 1, .in_place = 3, .accepts = of_one_type, .bind = bind_pow},
    {.kernel = "f32_mod", .op = "Mod", .in_place = 3, .bind = bind_mod},
    {.kernel = "f32_prelu", .op = "PRelu", .in_place = 1, .bind = bind<Map::kPRelu>},
};

}  // namespace

extern const KernelTable kernels_binary = {kRows};

}  // namespace anyrt::cpu
