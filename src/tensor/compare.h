#pragma once

#include <string>

#include "tensor/value.h"

namespace anyrt {

struct Tolerance {
  double rtol = 1e-3;
  double atol = 1e-7;
};

struct Comparison {
  bool equal = true;
  std::string message;      // what differs and where, "" when equal
  double max_abs_diff = 0;  // over finite pairs
  double max_rel_diff = 0;
};

// |actual - expected| <= atol + rtol * |expected|, as numpy.testing.assert_allclose: NaN equals NaN, infinities match
// in place and sign; kinds, dtypes, shapes, strings and lengths must agree.
Comparison compare_values(const Value& actual, const Value& expected, const Tolerance& tolerance);

}  // namespace anyrt
