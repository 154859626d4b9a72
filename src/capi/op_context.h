#pragma once

#include <memory>
#include <vector>

#include "anyrt/custom_op.h"
#include "capi/handles.h"
#include "opdef/eval.h"
#include "opdef/infer.h"

// A node as operator libraries see it. Handles that it gives out live as long as itself.
struct anyrt_op_context {
  anyrt_op_context(anyrt::InferContext* i, anyrt::EvalContext* e)
      : attrs(i ? static_cast<const anyrt::AttrReader*>(i) : e), infer(i), eval(e) {}

  const anyrt::AttrReader* attrs;
  anyrt::InferContext* infer;  // one of the two is null
  anyrt::EvalContext* eval;
  std::vector<std::unique_ptr<anyrt_value>> values;
  std::vector<std::unique_ptr<anyrt_type>> types;
};

namespace anyrt::c {

// Functions of a context, filled into the table.
void fill_context_functions(anyrt_op_api& api);

}  // namespace anyrt::c
