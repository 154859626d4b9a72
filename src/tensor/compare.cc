#include "tensor/compare.h"

#include <fmt/core.h>

#include <cmath>

namespace anyrt {

namespace {

void fail(Comparison& c, std::string message) {
  if (c.equal) c.message = std::move(message);
  c.equal = false;
}

void compare_complex(Comparison& c, const Tensor& a, const Tensor& e, const Tolerance& tol) {
  const auto at = [](const Tensor& t, int64_t i, bool im) -> double {
    if (t.dtype() == DType::kComplex64) return im ? t.data<Complex64>()[i].im : t.data<Complex64>()[i].re;
    return im ? t.data<Complex128>()[i].im : t.data<Complex128>()[i].re;
  };
  for (int64_t i = 0; i < a.size(); ++i) {
    const double diff = std::hypot(at(a, i, false) - at(e, i, false), at(a, i, true) - at(e, i, true));
    const double size = std::hypot(at(e, i, false), at(e, i, true));
    if (!(diff <= tol.atol + tol.rtol * size)) {
      fail(c, fmt::format("element {} differs by {}", i, diff));
      return;
    }
  }
}

void compare_tensors(Comparison& c, const Tensor& a, const Tensor& e, const Tolerance& tol) {
  if (a.dtype() != e.dtype())
    return fail(c, fmt::format("element type {}, expected {}", dtype_name(a.dtype()), dtype_name(e.dtype())));
  if (a.dims() != e.dims())
    return fail(c, fmt::format("shape {}, expected {}", shape_string(a.dims()), shape_string(e.dims())));
  if (a.dtype() == DType::kString) {
    for (int64_t i = 0; i < a.size(); ++i) {
      const std::string &x = a.data<std::string>()[i], &y = e.data<std::string>()[i];
      if (x != y) return fail(c, fmt::format("element {} is \"{}\", expected \"{}\"", i, x, y));
    }
    return;
  }
  if (is_complex(a.dtype())) return compare_complex(c, a, e, tol);
  if (identical(a, e)) return;
  if (is_int(a.dtype())) {  // doubles cannot hold every int64
    const auto ia = to_int64s(a), ie = to_int64s(e);
    if (ia.ok() && ie.ok() && *ia == *ie) return;
  }
  const auto da = to_doubles(a), de = to_doubles(e);
  if (!da.ok() || !de.ok()) return fail(c, "elements cannot be compared");
  int64_t wrong = 0, first = -1;
  for (size_t i = 0; i < da->size(); ++i) {
    const double x = (*da)[i], y = (*de)[i];
    bool ok;
    if (std::isnan(x) || std::isnan(y)) {
      ok = std::isnan(x) && std::isnan(y);
    } else if (std::isinf(x) || std::isinf(y)) {
      ok = x == y;
    } else {
      const double diff = std::abs(x - y);
      ok = diff <= tol.atol + tol.rtol * std::abs(y);
      c.max_abs_diff = std::max(c.max_abs_diff, diff);
      if (y != 0) c.max_rel_diff = std::max(c.max_rel_diff, diff / std::abs(y));
    }
    if (!ok && ++wrong == 1) first = static_cast<int64_t>(i);
  }
  if (wrong) {
    fail(c, fmt::format("{} of {} elements differ, the first at {}: {:.9g}, expected {:.9g}; largest difference {:.3g}",
                        wrong, da->size(), first, (*da)[static_cast<size_t>(first)], (*de)[static_cast<size_t>(first)],
                        c.max_abs_diff));
  }
}

void compare_into(Comparison& c, const Value& a, const Value& e, const Tolerance& tol) {
  if (a.empty() != e.empty() || a.is_tensor() != e.is_tensor() || a.is_sequence() != e.is_sequence() ||
      a.is_map() != e.is_map()) {
    return fail(c, fmt::format("found {}, expected {}", a.type_string(), e.type_string()));
  }
  if (a.empty()) return;
  if (a.is_tensor()) return compare_tensors(c, a.tensor(), e.tensor(), tol);
  if (a.is_sequence()) {
    const auto &x = a.sequence().values, &y = e.sequence().values;
    if (x.size() != y.size()) return fail(c, fmt::format("sequence of {} values, expected {}", x.size(), y.size()));
    for (size_t i = 0; i < x.size() && c.equal; ++i) {
      compare_into(c, x[i], y[i], tol);
      if (!c.equal) c.message = fmt::format("value {} of the sequence: {}", i, c.message);
    }
    return;
  }
  if (a.is_map()) {
    const auto same = [&](const auto& x, const auto& y) {
      if (x.size() != y.size()) return fail(c, fmt::format("map of {} entries, expected {}", x.size(), y.size()));
      for (auto i = x.begin(), k = y.begin(); i != x.end() && c.equal; ++i, ++k) {
        if (i->first != k->first) return fail(c, fmt::format("map key {}, expected {}", i->first, k->first));
        compare_into(c, i->second, k->second, tol);
      }
    };
    const auto &x = a.map().entries, &y = e.map().entries;
    if (x.index() != y.index()) return fail(c, "map keys of another type");
    if (x.index() == 0) return same(std::get<0>(x), std::get<0>(y));
    return same(std::get<1>(x), std::get<1>(y));
  }
  const auto x = to_dense(a.sparse()), y = to_dense(e.sparse());
  if (!x.ok() || !y.ok()) return fail(c, "sparse tensor is broken");
  compare_tensors(c, *x, *y, tol);
}

}  // namespace

Comparison compare_values(const Value& actual, const Value& expected, const Tolerance& tolerance) {
  Comparison c;
  compare_into(c, actual, expected, tolerance);
  return c;
}

}  // namespace anyrt
