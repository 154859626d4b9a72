#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "opdef/opdef.h"
#include "tensor/value.h"

namespace anyrt {

// One test case of an operator. Text form, one a line, '#' starts a comment:
//   attr=value attr=[1,2] : input, input, _ -> output, output ~ rtol atol
//   axis=1 : f32[2,2]{1 2 3 4} -> f32[2,1]{3 7}
//   : i64[3]{1 2 3}, str[]{"a b"}, _ -> ?
// Inputs and outputs are tensor literals (tensor/literal.h), `_` (omitted), or seq(literal, …). Data may be
// `{rand:SEED}`, uniform in [-1,1) for floats, small for integers; such a case compares a device with `eval`. Output
// `?`: only that it runs; outputs `!text`: eval or inference must fail with a message that contains text.
struct OpCase {
  std::vector<Attr> attrs;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
  bool compare_only = false;   // `?`
  std::string expected_error;  // `!text`
  double rtol = 1e-5, atol = 1e-7;
};

Expected<std::vector<OpCase>> parse_cases(std::string_view text);

// The node that a case describes, with attributes of the kinds that the schema wants and without values.
Node case_node(const OpDef& def, const OpCase& one);
// Number of outputs that the node of a case has.
size_t case_output_count(const OpDef& def, const OpCase& one);

}  // namespace anyrt
