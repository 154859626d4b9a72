#pragma once

#include "opdef/rewrite.h"

// Upgrade steps that many operators share.

namespace anyrt {

// Forms that differ only in the element types they admit: nothing to do.
inline Status upgrade_unchanged(RewriteContext&) { return {}; }

// The older form holds the same, for fewer element types.
inline Status downgrade_unchanged(RewriteContext&) { return {}; }

inline Status drop_attr(RewriteContext& c, std::string_view name) {
  c.remove_attr(name);
  return {};
}

// Opset 1 to 6 of the binary operators: attributes `broadcast` and `axis` align B with A's axis; without `broadcast`
// the shapes are equal. The newest form broadcasts as NumPy does.
Status upgrade_legacy_broadcast(RewriteContext& c);

}  // namespace anyrt
