#pragma once

#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {

// The position in input i, negative counting from the end of `length` elements; `extra` admits positions up to
// length - 1 + extra. `otherwise` when the input is omitted.
Expected<size_t> sequence_position(const EvalContext& c, size_t i, size_t length, size_t extra, size_t otherwise);

// Type of the elements of sequence input i; undefined when not known.
Type sequence_element(const InferContext& c, size_t i);

// The type of `sequence` elements after one of type `added` joins them: shapes that differ are forgotten.
Type joined_element(const Type& element, const Type& added);

}  // namespace anyrt
