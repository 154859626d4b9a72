#pragma once

#include <string_view>
#include <vector>

#include "opdef/eval.h"
#include "opdef/infer.h"

// What Loop, Scan and SequenceMap share.

namespace anyrt {

// Infers a loop body that carries values from one iteration to the next: inputs [first_in, first_in + count) are
// entered with these types, outputs [first_out, first_out + count) go back into them. Shapes that do not stay the same
// are forgotten. Returns the output types; those of carried values hold before the first iteration too.
Expected<std::vector<Type>> infer_loop_body(InferContext& c, std::string_view body, std::vector<Type> inputs,
                                            size_t first_in, size_t first_out, size_t count);

// Stacks what the iterations gave as `output` of the body. Without any the declared dims stand, 0 where they are
// unknown.
Expected<Tensor> stack_results(const Graph& body, size_t output, std::span<const Value> results, int64_t axis,
                               bool reversed);

}  // namespace anyrt
