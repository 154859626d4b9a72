#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// Looks at both ends only: reading all of a mapped file would cost more than is won.
uint64_t sample_hash(const Tensor& t) {
  constexpr size_t kSample = 4096;
  uint64_t h = hash_bytes(t.dims().data(), t.dims().size() * sizeof(int64_t), static_cast<uint64_t>(t.dtype()));
  if (t.dtype() == DType::kString) {
    for (const std::string& s : t.span<std::string>().first(static_cast<size_t>(std::min<int64_t>(t.size(), 16)))) {
      h = hash_text(s, h);
    }
    return h;
  }
  const size_t size = std::min(t.bytes(), kSample);
  return hash_bytes(t.unaligned_raw() + (t.bytes() - size), size, hash_bytes(t.unaligned_raw(), size, h));
}

}  // namespace

Status merge_initializers(Graph& graph, PassContext& context) {
  std::unordered_multimap<uint64_t, ValueId> seen;
  for (size_t i = 0; i < graph.value_capacity(); ++i) {
    const ValueId v{static_cast<uint32_t>(i)};
    const Tensor* t = fixed_constant(graph, v);
    if (!t || is_unused(graph, v)) continue;
    const uint64_t h = sample_hash(*t);
    const auto [begin, end] = seen.equal_range(h);
    const auto same =
        std::find_if(begin, end, [&](const auto& entry) { return identical(graph.value(entry.second).constant, *t); });
    if (same == end) {
      seen.emplace(h, v);
    } else if (may_replace(graph, v, same->second)) {
      graph.replace_uses(v, same->second);
      context.count();
    }
  }
  return {};
}

}  // namespace anyrt
