#include "opdef/decompose_util.h"

#include <numeric>

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
  const auto param = [&](size_t i, float otherwise) { return i < params.size() ? params[i] : otherwise; };
  if (name.empty()) return x;
  if (name == "Clip") {
    return c.op("Clip", {x, c.constant_scalar(static_cast<double>(param(0, -3.402823e38f)), dtype),
                         c.constant_scalar(static_cast<double>(param(1, 3.402823e38f)), dtype)});
  }
  if (name == "LeakyRelu") return c.op("LeakyRelu", {x}, {{"alpha", param(0, 0.01f)}});
  if (name == "HardSigmoid") return c.op("HardSigmoid", {x}, {{"alpha", param(0, 0.2f)}, {"beta", param(1, 0.5f)}});
  if (name == "Relu" || name == "Sigmoid" || name == "Tanh" || name == "Elu" || name == "Softplus" ||
      name == "HardSwish" || name == "Gelu") {
    return c.op(name, {x});
  }
  return not_implemented("activation '{}'", name);
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
