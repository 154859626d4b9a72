#pragma once

#include "opdef/rewrite.h"

// Steps of upgrades, downgrades and decompositions that many operators share.

namespace anyrt {

// Forms that differ only in the element types they admit: nothing to do.
inline Status upgrade_unchanged(RewriteContext&) { return {}; }

// The older form holds the same, for fewer element types.
Status downgrade_unchanged(RewriteContext& c);

// The same for operators that pass on values of every kind, where sequences came with opset `sequences` and optionals
// with 16.
Status downgrade_any_value(RewriteContext& c, int sequences);

inline Status drop_attr(RewriteContext& c, std::string_view name) {
  c.remove_attr(name);
  return {};
}

// A scalar constant of input i's element type.
ValueId constant_like(RewriteContext& c, double value, size_t i = 0);

// Opset 1 to 6 of the binary operators: attributes `broadcast` and `axis` align B with A's axis; without `broadcast`
// the shapes are equal. The newest form broadcasts as NumPy does.
Status upgrade_legacy_broadcast(RewriteContext& c);

// Softmax, LogSoftmax, Hardmax before opset 13: the input counts as a matrix, split at `axis` (default 1), and the
// operator works on its rows.
Status upgrade_matrix_softmax(RewriteContext& c);
// The reverse where the axis is the last one; else transposed to be so.
Status downgrade_matrix_softmax(RewriteContext& c);

}  // namespace anyrt
