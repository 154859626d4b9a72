#pragma once

#include <string_view>
#include <vector>

#include "opdef/rewrite.h"

// Steps that decompositions of fused and quantised operators share.

namespace anyrt {

// The element type of input i, or float32 where it is not known.
DType known_dtype(const RewriteContext& c, size_t i);

// float32 value of the quantised input x with its scale and zero point inputs (the zero point may be omitted).
ValueId dequantized(RewriteContext& c, size_t x, size_t scale, size_t zero_point);
// y quantised with the scale and zero point inputs; without a zero point the result is of `otherwise`.
ValueId quantized(RewriteContext& c, ValueId y, size_t scale, size_t zero_point, DType otherwise = DType::kUInt8);

// An activation named as in the fused operators of com.microsoft; "" gives x itself.
Expected<ValueId> activated(RewriteContext& c, ValueId x, std::string_view name, const std::vector<float>& params,
                            DType dtype);

// x with its channels moved to axis 1 (from the last one) and back; the rank must be known.
Expected<ValueId> channels_first(RewriteContext& c, ValueId x, int64_t rank);
Expected<ValueId> channels_last(RewriteContext& c, ValueId x, int64_t rank);

// The attributes of the node that are in `names` and present.
std::vector<Attr> attrs_named(const RewriteContext& c, std::initializer_list<std::string_view> names);

}  // namespace anyrt
