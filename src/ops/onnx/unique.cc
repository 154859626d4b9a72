#include <algorithm>
#include <cmath>
#include <numeric>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"},
                              {"indices", "int64", kOptionalParam, "where each entry of Y first occurs"},
                              {"inverse_indices", "int64", kOptionalParam, "which entry of Y each entry of X is"},
                              {"counts", "int64", kOptionalParam, "how often each entry of Y occurs"}};
constexpr AttrDef kAttrs[] = {
    attr("axis", AttrKind::kInt).with_doc("whose slices are compared; default: elements of the flattened input"),
    int_attr("sorted", 1).with_doc("ascending, else in order of first occurrence"),
};

Status infer(InferContext& c) {
  const Dim found = c.fresh_dim("unique");
  SymShape list{found};
  std::optional<SymShape> out = list;
  Dim total;
  const SymShape* x = c.input_shape(0);
  if (c.has_attr("axis")) {
    out.reset();
    if (x) {
      ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(x->size())));
      out = *x;
      total = (*x)[static_cast<size_t>(axis)];
      (*out)[static_cast<size_t>(axis)] = found;
    }
  } else if (x) {
    total = Dim(1);
    for (const Dim& d : *x) total = total * d;
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  if (c.has_output(1)) c.set_output(1, DType::kInt64, list);
  if (c.has_output(2)) c.set_output(2, DType::kInt64, SymShape{total});
  if (c.has_output(3)) c.set_output(3, DType::kInt64, list);
  return {};
}

// Three-way order; NaNs are equal to each other and above everything.
template <class T>
int order(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Complex64> || std::is_same_v<T, Complex128>) {
    const int re = order(a.re, b.re);
    return re != 0 ? re : order(a.im, b.im);
  } else {
    if (a < b) return -1;
    if (b < a) return 1;
    if constexpr (std::is_floating_point_v<T>) return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
    return 0;
  }
}

struct Slices {
  int64_t outer = 1, count = 1, inner = 1;
};

template <class T>
int order_slices(const T* x, const Slices& s, int64_t a, int64_t b) {
  for (int64_t o = 0; o < s.outer; ++o) {
    const T* pa = x + (o * s.count + a) * s.inner;
    const T* pb = x + (o * s.count + b) * s.inner;
    for (int64_t i = 0; i < s.inner; ++i) {
      if (const int r = order(pa[i], pb[i]); r != 0) return r;
    }
  }
  return 0;
}

struct Groups {
  std::vector<int64_t> first, inverse, counts;
};

template <class T>
Groups group(const T* x, const Slices& s, bool sorted) {
  std::vector<int64_t> by_value(static_cast<size_t>(s.count));
  std::iota(by_value.begin(), by_value.end(), 0);
  std::stable_sort(by_value.begin(), by_value.end(),
                   [&](int64_t a, int64_t b) { return order_slices(x, s, a, b) < 0; });
  Groups g;
  g.inverse.resize(by_value.size());
  for (size_t i = 0; i < by_value.size(); ++i) {
    if (i == 0 || order_slices(x, s, by_value[i - 1], by_value[i]) != 0) {
      g.first.push_back(by_value[i]);
      g.counts.push_back(0);
    }
    ++g.counts.back();
    g.inverse[static_cast<size_t>(by_value[i])] = static_cast<int64_t>(g.first.size()) - 1;
  }
  if (sorted) return g;
  std::vector<size_t> by_place(g.first.size());
  std::iota(by_place.begin(), by_place.end(), size_t{0});
  std::sort(by_place.begin(), by_place.end(), [&](size_t a, size_t b) { return g.first[a] < g.first[b]; });
  Groups out = g;
  std::vector<int64_t> rank(by_place.size());
  for (size_t i = 0; i < by_place.size(); ++i) {
    out.first[i] = g.first[by_place[i]];
    out.counts[i] = g.counts[by_place[i]];
    rank[by_place[i]] = static_cast<int64_t>(i);
  }
  for (int64_t& v : out.inverse) v = rank[static_cast<size_t>(v)];
  return out;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  Slices s{1, x.size(), 1};
  Dims dims{0};
  size_t axis = 0;
  if (c.has_attr("axis")) {
    ANYRT_ASSIGN(const int64_t at, normalize_axis(c.i("axis"), x.rank()));
    axis = static_cast<size_t>(at);
    dims = x.dims();
    s = {product(dims, 0, at), dims[axis], product(dims, at + 1, x.rank())};
    if (x.size() == 0) s.count = 0;
  }
  const bool sorted = c.i("sorted") != 0;
  // Narrow elements order as their wider forms do.
  const bool direct = x.dtype() == DType::kString || is_complex(x.dtype()) || x.dtype() == DType::kBool;
  Tensor wide = x;
  if (!direct) {
    ANYRT_ASSIGN(wide, c.input_as(0, compute_dtype(x.dtype())));
  }
  Groups g;
  dispatch<std::string, Complex64, Complex128, bool, float, double, int64_t, uint64_t>(
      wide.dtype(), [&]<class T>(TypeTag<T>) { g = group(wide.data<T>(), s, sorted); });
  dims[axis] = static_cast<int64_t>(g.first.size());
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    T* out = mutable_storage<T>(*y);
    for (int64_t o = 0; o < s.outer && y->size() > 0; ++o) {
      for (int64_t i : g.first) out = std::copy_n(storage<T>(x) + (o * s.count + i) * s.inner, s.inner, out);
    }
  });
  const std::vector<int64_t>* lists[] = {&g.first, &g.inverse, &g.counts};
  for (size_t i = 0; i < 3; ++i) {
    if (c.wants_output(i + 1)) c.set_output(i + 1, Tensor::int64s(*lists[i]));
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_unique = {
    .name = "Unique",
    .since = 11,
    .first = 11,
    .doc = "The distinct elements of a tensor, or slices along an axis, and where and how often they occur.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[6]{2 1 1 3 4 3} -> f32[4]{1 2 3 4}, i64[4]{1 0 3 4}, i64[6]{1 0 0 2 3 2}, i64[4]{2 1 2 1}
      sorted=0 : i8[6]{2 1 1 3 4 3} -> i8[4]{2 1 3 4}, i64[4]{0 1 3 4}, i64[6]{0 1 1 2 3 2}, i64[4]{1 2 2 1}
      axis=0 : f64[3,2]{1 0 1 0 0 9} -> f64[2,2]{0 9 1 0}, i64[2]{2 0}, i64[3]{1 1 0}, i64[2]{1 2}
      axis=-1 : str[1,3]{"b" "a" "b"} -> str[1,2]{"a" "b"}, _, i64[3]{1 0 1}
      : f16[3]{nan 1 nan} -> f16[2]{1 nan}, i64[2]{1 0}
      : bool[0]{} -> bool[0]{}, i64[0]{}, i64[0]{}, i64[0]{}
      axis=1 : f32[2]{1 2} -> !axis 1
    )"),
};

}  // namespace anyrt
