#include <cmath>

#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/broadcast_common.h"
#include "opdef/integer_division.h"

// Functions of f64, integers and booleans, one element at a time as the compiler makes of it. Integers wrap.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;
using Loops = BroadcastLoops<2>;

constexpr int64_t kGrain = 1 << 14;

// The unsigned type in which sums and products of T wrap.
template <class T>
using Wide = std::conditional_t<
    std::is_floating_point_v<T>, T,
    std::conditional_t<sizeof(T) < 4, uint32_t,
                       std::make_unsigned_t<std::conditional_t<std::is_floating_point_v<T>, int, T>>>>;

struct Add {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(static_cast<Wide<T>>(a) + static_cast<Wide<T>>(b));
  }
};
struct Sub {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(static_cast<Wide<T>>(a) - static_cast<Wide<T>>(b));
  }
};
struct Mul {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b));
  }
};
struct Div {
  template <class T>
  static T f(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return a / b;
    } else {
      return static_cast<T>(divide_truncating<T>(a, b));
    }
  }
};
struct Mod {
  template <class T>
  static T f(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      const T r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else {
      return static_cast<T>(remainder_flooring<T>(a, b));
    }
  }
};
struct Fmod {
  template <class T>
  static T f(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      return static_cast<T>(remainder_truncating<T>(a, b));
    }
  }
};
struct Max {
  template <class T>
  static T f(T a, T b) {
    return a > b || a != a ? a : b;
  }
};
struct Min {
  template <class T>
  static T f(T a, T b) {
    return a < b || a != a ? a : b;
  }
};
struct Pow {
  template <class T>
  static T f(T a, T b) {
    return std::pow(a, b);
  }
};
struct PRelu {
  template <class T>
  static T f(T a, T b) {
    return a < 0 ? Mul::f<T>(a, b) : a;
  }
};
struct And {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct ShiftLeft {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(b < 64 ? static_cast<uint64_t>(a) << b : 0);
  }
};
struct ShiftRight {
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(b < 64 ? static_cast<uint64_t>(a) >> b : 0);
  }
};
struct Less {
  template <class T>
  static uint8_t f(T a, T b) {
    return a < b;
  }
};
struct LessOrEqual {
  template <class T>
  static uint8_t f(T a, T b) {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  static uint8_t f(T a, T b) {
    return a > b;
  }
};
struct GreaterOrEqual {
  template <class T>
  static uint8_t f(T a, T b) {
    return a >= b;
  }
};
struct Equal {
  template <class T>
  static uint8_t f(T a, T b) {
    return a == b;
  }
};

template <class F, class T>
Bound bind2_as(const BindQuery& q) {
  using R = decltype(F::template f<T>(T(), T()));
  if (q.num_inputs() != 2) return not_implemented("{} operands", q.num_inputs());
  const Dims* dims[] = {&q.input(0).dims, &q.input(1).dims};
  const bool divides =
      !std::is_floating_point_v<T> && (std::is_same_v<F, Div> || std::is_same_v<F, Mod> || std::is_same_v<F, Fmod>);
  int64_t divisors = divides && q.input(0).count() > 0 ? q.input(1).count() : 0;
  return bound_step([loops = Loops(q.output(0).dims, dims), divisors](const StepArgs& args) -> Status {
    const T *a = args.input<T>(0), *b = args.input<T>(1);
    R* y = args.output<R>(0);
    for (int64_t i = 0; i < divisors; ++i) {
      if (b[i] == 0) return invalid_argument("division of integers by zero");
    }
    loops.run(kGrain, args.threads, [&](const Loops::Block& block, const Loops::Offsets& at, int64_t out) {
      const T *pa = a + at[0], *pb = b + at[1];
      R* py = y + out;
      for (int64_t r = 0; r < block.rows; ++r, pa += block.row[0], pb += block.row[1], py += block.out_row) {
        if (block.step[0] && block.step[1]) {
          for (int64_t i = 0; i < block.n; ++i) py[i] = F::template f<T>(pa[i], pb[i]);
        } else if (block.step[0]) {
          const T v = *pb;
          for (int64_t i = 0; i < block.n; ++i) py[i] = F::template f<T>(pa[i], v);
        } else {
          const T v = *pa;
          for (int64_t i = 0; i < block.n; ++i) py[i] = F::template f<T>(v, pb[i * block.step[1]]);
        }
      }
    });
    return {};
  });
}

template <class F>
Bound bind2(const BindQuery& q, const State&) {
  switch (q.input(0).dtype) {
    case DType::kInt8: return bind2_as<F, int8_t>(q);
    case DType::kInt16: return bind2_as<F, int16_t>(q);
    case DType::kInt32: return bind2_as<F, int32_t>(q);
    case DType::kInt64: return bind2_as<F, int64_t>(q);
    case DType::kUInt8: return bind2_as<F, uint8_t>(q);
    case DType::kUInt16: return bind2_as<F, uint16_t>(q);
    case DType::kUInt32: return bind2_as<F, uint32_t>(q);
    case DType::kUInt64: return bind2_as<F, uint64_t>(q);
    default: return not_implemented("element type");
  }
}
template <class F>
Bound bind2_real(const BindQuery& q, const State& state) {
  return q.input(0).dtype == DType::kFloat64 ? bind2_as<F, double>(q) : bind2<F>(q, state);
}
template <class F>
Bound bind2_double(const BindQuery& q, const State&) {
  return bind2_as<F, double>(q);
}
template <class F>
Bound bind2_bool(const BindQuery& q, const State&) {
  return bind2_as<F, uint8_t>(q);
}

Bound bind_mod(const BindQuery& q, const State& state) {
  return q.i("fmod") != 0 ? bind2_real<Fmod>(q, state) : bind2_real<Mod>(q, state);
}
Bound bind_shift(const BindQuery& q, const State& state) {
  return q.s("direction") == "LEFT" ? bind2<ShiftLeft>(q, state) : bind2<ShiftRight>(q, state);
}

template <class T, class R, class F>
Bound bind1_as(const BindQuery& q, F f) {
  return bound_step([n = q.output(0).count(), f](const StepArgs& args) {
    const T* x = args.input<T>(0);
    R* y = args.output<R>(0);
    const auto part = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
    };
    if (n <= kGrain) {
      part(0, n);
    } else {
      parallel_for(n, kGrain, part, args.threads);
    }
    return Status();
  });
}

// f of every integer type and of f64.
template <class F>
Bound bind1(const BindQuery& q, F f) {
  switch (q.input(0).dtype) {
    case DType::kInt8: return bind1_as<int8_t, int8_t>(q, f);
    case DType::kInt16: return bind1_as<int16_t, int16_t>(q, f);
    case DType::kInt32: return bind1_as<int32_t, int32_t>(q, f);
    case DType::kInt64: return bind1_as<int64_t, int64_t>(q, f);
    case DType::kUInt8: return bind1_as<uint8_t, uint8_t>(q, f);
    case DType::kUInt16: return bind1_as<uint16_t, uint16_t>(q, f);
    case DType::kUInt32: return bind1_as<uint32_t, uint32_t>(q, f);
    case DType::kUInt64: return bind1_as<uint64_t, uint64_t>(q, f);
    case DType::kFloat64: return bind1_as<double, double>(q, f);
    default: return not_implemented("element type");
  }
}

Bound bind_abs(const BindQuery& q, const State&) {
  return bind1(q, []<class T>(T v) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::abs(v);
    } else {
      return v < 0 ? Sub::f<T>(0, v) : v;
    }
  });
}
Bound bind_neg(const BindQuery& q, const State&) {
  return bind1(q, []<class T>(T v) {
    if constexpr (std::is_floating_point_v<T>) {
      return -v;
    } else {
      return Sub::f<T>(0, v);
    }
  });
}
Bound bind_sign(const BindQuery& q, const State&) {
  return bind1(q, []<class T>(T v) { return static_cast<T>(v > 0 ? T(1) : v < 0 ? static_cast<T>(-1) : v); });
}
Bound bind_relu(const BindQuery& q, const State&) {
  return bind1(q, []<class T>(T v) { return v < 0 ? T(0) : v; });
}
Bound bind_bitwise_not(const BindQuery& q, const State&) {
  return bind1(q, []<class T>(T v) {
    if constexpr (std::is_floating_point_v<T>) {
      return v;
    } else {
      return static_cast<T>(~v);
    }
  });
}
Bound bind_not(const BindQuery& q, const State&) {
  return bind1_as<uint8_t, uint8_t>(q, [](uint8_t v) { return static_cast<uint8_t>(v == 0); });
}

template <double (*kF)(double)>
Bound bind_double(const BindQuery& q, const State&) {
  return bind1_as<double, double>(q, [](double v) { return kF(v); });
}
double reciprocal(double v) { return 1 / v; }
double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

constexpr DTypeSet kReal = kInts | DType::kFloat64;
constexpr DTypeSet kSignedReal = kSignedInts | DType::kFloat64;

constexpr KernelRow kRows[] = {
    {.kernel = "exact_add", .op = "Add", .dtypes = kReal, .in_place = 3, .bind = bind2_real<Add>},
    {.kernel = "exact_sub", .op = "Sub", .dtypes = kReal, .in_place = 3, .bind = bind2_real<Sub>},
    {.kernel = "exact_mul", .op = "Mul", .dtypes = kReal, .in_place = 3, .bind = bind2_real<Mul>},
    {.kernel = "exact_div", .op = "Div", .dtypes = kReal, .in_place = 3, .bind = bind2_real<Div>},
    {.kernel = "exact_mod", .op = "Mod", .dtypes = kReal, .in_place = 3, .bind = bind_mod},
    {.kernel = "exact_max", .op = "Max", .dtypes = kReal, .in_place = 3, .bind = bind2_real<Max>},
    {.kernel = "exact_min", .op = "Min", .dtypes = kReal, .in_place = 3, .bind = bind2_real<Min>},
    {.kernel = "exact_prelu", .op = "PRelu", .dtypes = kReal, .in_place = 1, .bind = bind2_real<PRelu>},
    {.kernel = "f64_pow",
     .op = "Pow",
     .dtypes = DType::kFloat64,
     .in_place = 3,
     .accepts = [](const KernelQuery& q) { return q.input_dtype(1) == DType::kFloat64; },
     .bind = bind2_double<Pow>},
    {.kernel = "bitwise_and", .op = "BitwiseAnd", .dtypes = kInts, .in_place = 3, .bind = bind2<And>},
    {.kernel = "bitwise_or", .op = "BitwiseOr", .dtypes = kInts, .in_place = 3, .bind = bind2<Or>},
    {.kernel = "bitwise_xor", .op = "BitwiseXor", .dtypes = kInts, .in_place = 3, .bind = bind2<Xor>},
    {.kernel = "bit_shift", .op = "BitShift", .dtypes = kUnsignedInts, .in_place = 3, .bind = bind_shift},
    {.kernel = "and", .op = "And", .dtypes = DType::kBool, .in_place = 3, .bind = bind2_bool<And>},
    {.kernel = "or", .op = "Or", .dtypes = DType::kBool, .in_place = 3, .bind = bind2_bool<Or>},
    {.kernel = "xor", .op = "Xor", .dtypes = DType::kBool, .in_place = 3, .bind = bind2_bool<Xor>},
    {.kernel = "equal", .op = "Equal", .dtypes = DType::kBool, .in_place = 3, .bind = bind2_bool<Equal>},
    {.kernel = "exact_less", .op = "Less", .dtypes = kReal, .bind = bind2_real<Less>},
    {.kernel = "exact_less_or_equal", .op = "LessOrEqual", .dtypes = kReal, .bind = bind2_real<LessOrEqual>},
    {.kernel = "exact_greater", .op = "Greater", .dtypes = kReal, .bind = bind2_real<Greater>},
    {.kernel = "exact_greater_or_equal", .op = "GreaterOrEqual", .dtypes = kReal, .bind = bind2_real<GreaterOrEqual>},
    {.kernel = "exact_equal", .op = "Equal", .dtypes = kReal, .bind = bind2_real<Equal>},
    {.kernel = "exact_abs", .op = "Abs", .dtypes = kReal, .in_place = 1, .bind = bind_abs},
    {.kernel = "exact_neg", .op = "Neg", .dtypes = kSignedReal, .in_place = 1, .bind = bind_neg},
    {.kernel = "exact_sign", .op = "Sign", .dtypes = kReal, .in_place = 1, .bind = bind_sign},
    {.kernel = "exact_relu", .op = "Relu", .dtypes = kSignedReal, .in_place = 1, .bind = bind_relu},
    {.kernel = "bitwise_not", .op = "BitwiseNot", .dtypes = kInts, .in_place = 1, .bind = bind_bitwise_not},
    {.kernel = "not", .op = "Not", .dtypes = DType::kBool, .in_place = 1, .bind = bind_not},
    {.kernel = "f64_sqrt", .op = "Sqrt", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::sqrt>},
    {.kernel = "f64_exp", .op = "Exp", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::exp>},
    {.kernel = "f64_log", .op = "Log", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::log>},
    {.kernel = "f64_erf", .op = "Erf", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::erf>},
    {.kernel = "f64_sin", .op = "Sin", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::sin>},
    {.kernel = "f64_cos", .op = "Cos", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::cos>},
    {.kernel = "f64_tanh", .op = "Tanh", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::tanh>},
    {.kernel = "f64_floor", .op = "Floor", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::floor>},
    {.kernel = "f64_ceil", .op = "Ceil", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<std::ceil>},
    {.kernel = "f64_round",
     .op = "Round",
     .dtypes = DType::kFloat64,
     .in_place = 1,
     .bind = bind_double<std::nearbyint>},
    {.kernel = "f64_reciprocal",
     .op = "Reciprocal",
     .dtypes = DType::kFloat64,
     .in_place = 1,
     .bind = bind_double<reciprocal>},
    {.kernel = "f64_sigmoid", .op = "Sigmoid", .dtypes = DType::kFloat64, .in_place = 1, .bind = bind_double<sigmoid>},
};

}  // namespace

extern const KernelTable kernels_exact = {kRows};

}  // namespace anyrt::cpu
