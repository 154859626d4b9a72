#include <cmath>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/reduce_common.h"
#include "opdef/reduce.h"

// Reductions of integers, whose sums wrap, and products of any type, which round in order.

namespace anyrt::cpu {
namespace {

constexpr int64_t kWidth = 256;
constexpr int64_t kGrain = 1 << 14;

// y[o] = finish(acc), acc = step(acc, x).
template <class T, class Acc, class Step, class Finish>
Expected<std::unique_ptr<BoundStep>> bind_fold(const Reduction& r, Acc start, Step step, Finish finish) {
  ReduceLoops loops(r.groups, r.step, kWidth, false);
  const int64_t grain = std::max<int64_t>(1, kGrain / loops.task_elements());
  return bound_step([loops = std::move(loops), grain, start, step, finish](const StepArgs& args) {
    const T* x = args.input<T>(0);
    T* y = args.output<T>(0);
    const auto part = [&](int64_t begin, int64_t end) {
      Acc acc[kWidth];
      const int64_t stride = loops.row_stride();
      for (int64_t i = begin; i < end; ++i) {
        const ReduceLoops::Task t = loops.task(i);
        std::fill_n(acc, t.width, start);
        loops.each_piece(t, [&](int64_t offset, int64_t rows, int64_t n) {
          for (int64_t k = 0; k < rows; ++k) {
            const T* p = x + offset + k * stride;
            if (loops.by_row()) {
              Acc one = acc[0];
              for (int64_t j = 0; j < n; ++j) one = step(one, p[j]);
              acc[0] = one;
            } else {
              for (int64_t j = 0; j < t.width; ++j) acc[j] = step(acc[j], p[j]);
            }
          }
        });
        for (int64_t k = 0; k < t.width; ++k) y[t.out + k] = finish(acc[k]);
      }
    };
    if (loops.tasks() <= grain) {
      part(0, loops.tasks());
    } else {
      parallel_for(loops.tasks(), grain, part, args.threads);
    }
    return Status();
  });
}

enum class Fold : uint8_t { kSum, kMean, kSumSquare, kL1, kMax, kMin, kProd };

template <class T>
Expected<std::unique_ptr<BoundStep>> bind_integers(Fold op, const Reduction& r, DType dtype) {
  const int64_t count = r.count;
  const auto wide = [](T v) { return static_cast<uint64_t>(v); };
  const auto narrow = [](uint64_t v) { return static_cast<T>(v); };
  const auto identity = [](T v) { return v; };
  switch (op) {
    case Fold::kSum:
      return bind_fold<T>(
          r, uint64_t{0}, [=](uint64_t a, T v) { return a + wide(v); }, narrow);
    case Fold::kMean:
      return bind_fold<T>(
          r, uint64_t{0}, [=](uint64_t a, T v) { return a + wide(v); },
          [count](uint64_t a) {
            if (count == 0) return T(0);
            if constexpr (std::is_signed_v<T>) return static_cast<T>(static_cast<int64_t>(a) / count);
            return static_cast<T>(a / static_cast<uint64_t>(count));
          });
    case Fold::kSumSquare:
      return bind_fold<T>(
          r, uint64_t{0}, [=](uint64_t a, T v) { return a + wide(v) * wide(v); }, narrow);
    case Fold::kL1:
      return bind_fold<T>(
          r, uint64_t{0}, [=](uint64_t a, T v) { return v < 0 ? a - wide(v) : a + wide(v); }, narrow);
    case Fold::kProd:
      return bind_fold<T>(
          r, uint64_t{1}, [=](uint64_t a, T v) { return a * wide(v); }, narrow);
    case Fold::kMax: {
      const T start = dtype == DType::kBool ? T(0) : std::numeric_limits<T>::lowest();
      return bind_fold<T>(
          r, start, [](T a, T v) { return a > v ? a : v; }, identity);
    }
    case Fold::kMin: {
      const T start = dtype == DType::kBool ? T(1) : std::numeric_limits<T>::max();
      return bind_fold<T>(
          r, start, [](T a, T v) { return a < v ? a : v; }, identity);
    }
  }
  return not_implemented("integers");
}

template <class T>
Expected<std::unique_ptr<BoundStep>> bind_product(const Reduction& r) {
  using Acc = std::conditional_t<std::is_same_v<T, double>, double, float>;
  return bind_fold<T>(
      r, Acc(1), [](Acc a, T v) { return a * static_cast<Acc>(v); }, [](Acc a) { return static_cast<T>(a); });
}

template <Fold kOp>
Expected<std::unique_ptr<BoundStep>> bind(const BindQuery& q, const std::shared_ptr<const void>&) {
  ANYRT_ASSIGN(const Reduction r, bound_reduction(q));
  if (r.outputs == 0) return bound_step([](const StepArgs&) { return Status(); });
  const DType dtype = q.input(0).dtype;
  switch (dtype) {
    case DType::kInt8: return bind_integers<int8_t>(kOp, r, dtype);
    case DType::kInt16: return bind_integers<int16_t>(kOp, r, dtype);
    case DType::kInt32: return bind_integers<int32_t>(kOp, r, dtype);
    case DType::kInt64: return bind_integers<int64_t>(kOp, r, dtype);
    case DType::kBool:
    case DType::kUInt8: return bind_integers<uint8_t>(kOp, r, dtype);
    case DType::kUInt16: return bind_integers<uint16_t>(kOp, r, dtype);
    case DType::kUInt32: return bind_integers<uint32_t>(kOp, r, dtype);
    case DType::kUInt64: return bind_integers<uint64_t>(kOp, r, dtype);
    case DType::kFloat32: return bind_product<float>(r);
    case DType::kFloat64: return bind_product<double>(r);
    case DType::kFloat16: return bind_product<Float16>(r);
    case DType::kBFloat16: return bind_product<BFloat16>(r);
    default: return not_implemented("element type");
  }
}

constexpr KernelRow kRows[] = {
    {.kernel = "int_reduce_sum", .op = "ReduceSum", .dtypes = kInts, .bind = bind<Fold::kSum>},
    {.kernel = "int_reduce_mean", .op = "ReduceMean", .dtypes = kInts, .bind = bind<Fold::kMean>},
    {.kernel = "int_reduce_sum_square", .op = "ReduceSumSquare", .dtypes = kInts, .bind = bind<Fold::kSumSquare>},
    {.kernel = "int_reduce_l1", .op = "ReduceL1", .dtypes = kInts, .bind = bind<Fold::kL1>},
    {.kernel = "int_reduce_max", .op = "ReduceMax", .dtypes = kInts | DType::kBool, .bind = bind<Fold::kMax>},
    {.kernel = "int_reduce_min", .op = "ReduceMin", .dtypes = kInts | DType::kBool, .bind = bind<Fold::kMin>},
    {.kernel = "reduce_prod", .op = "ReduceProd", .dtypes = kNumeric, .bind = bind<Fold::kProd>},
};

}  // namespace

extern const KernelTable kernels_reduce_exact = {kRows};

}  // namespace anyrt::cpu
