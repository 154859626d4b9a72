#include "opdef/decompose_util.h"

#include <algorithm>

#include "opdef/fused_activation.h"

namespace anyrt {

DType known_dtype(const RewriteContext& c, size_t i) {
  const DType d = c.input_type(i).dtype;
  return d == DType::kUndefined ? DType::kFloat32 : d;
}

ValueId dequantized(RewriteContext& c, size_t x, size_t scale, size_t zero_point) {
  std::vector<ValueId> in = {c.input(x), c.input(scale)};
  if (c.has_input(zero_point)) in.push_back(c.input(zero_point));
  return c.ops("", "DequantizeLinear", in, {}, 1)[0];
}

ValueId quantized(RewriteContext& c, ValueId y, size_t scale, size_t zero_point, DType otherwise) {
  if (c.has_input(zero_point)) return c.op("QuantizeLinear", {y, c.input(scale), c.input(zero_point)});
  return c.op("QuantizeLinear", {y, c.input(scale)}, {{"output_dtype", static_cast<int64_t>(otherwise)}});
}

Expected<ValueId> activated(RewriteContext& c, ValueId x, std::string_view name, const std::vector<float>& params,
                            DType dtype) {
  // com.microsoft may give alpha, beta and gamma to every activation.
  const std::span<const float> used(params.data(), std::min(params.size(), activation_param_count(name)));
  ANYRT_ASSIGN(const FusedActivation f, parse_activation(name, used));
  return emit_activation(c, x, f, dtype);
}

namespace {

Expected<ValueId> permuted(RewriteContext& c, ValueId x, std::vector<int64_t> perm) {
  return c.op("Transpose", {x}, {{"perm", std::move(perm)}});
}

}  // namespace

Expected<ValueId> channels_first(RewriteContext& c, ValueId x, int64_t rank) {
  if (rank < 3) return invalid_model("channels-last input must have rank 3 or more, found {}", rank);
  std::vector<int64_t> perm = {0, rank - 1};
  for (int64_t k = 1; k + 1 < rank; ++k) perm.push_back(k);
  return permuted(c, x, std::move(perm));
}

Expected<ValueId> channels_last(RewriteContext& c, ValueId x, int64_t rank) {
  if (rank < 3) return invalid_model("channels-last output must have rank 3 or more, found {}", rank);
  std::vector<int64_t> perm = {0};
  for (int64_t k = 2; k < rank; ++k) perm.push_back(k);
  perm.push_back(1);
  return permuted(c, x, std::move(perm));
}

std::vector<Attr> attrs_named(const RewriteContext& c, std::initializer_list<std::string_view> names) {
  std::vector<Attr> out;
  for (std::string_view n : names) {
    if (const Attr* a = c.node().find_attr(n)) out.push_back(*a);
  }
  return out;
}

}  // namespace anyrt
