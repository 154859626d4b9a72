#include "opdef/attention_rewrite.h"

#include <limits>

#include "opdef/shape_util.h"

namespace anyrt {
namespace {

class Builder {
 public:
  explicit Builder(RewriteContext& c) : c_(c) {
    t1_ = c.input_type(0).dtype;
    t2_ = c.input_type(2).dtype;
    precision_ = c.has_attr("softmax_precision") ? c.dtype("softmax_precision") : DType::kUndefined;
    const bool wide = t1_ == DType::kFloat64 || t2_ == DType::kFloat64 || precision_ == DType::kFloat64;
    compute_ = wide ? DType::kFloat64 : DType::kFloat32;
    flat_ = c.input_rank(0) == 3;
  }

  Status build() {
    if (t1_ == DType::kUndefined || t2_ == DType::kUndefined || !c_.input_rank(0)) {
      return not_implemented("the types of the inputs are not known");
    }
    if (c_.has_input(3) && !c_.input_rank(3)) return not_implemented("the rank of attn_mask is not known");
    const ValueId q = cast(split_heads(c_.input(0), c_.i("q_num_heads")), compute_);
    const ValueId key = with_past(1, 4), value = with_past(2, 5);
    ANYRT_ASSIGN(const ValueId k, spread_heads(cast(key, compute_), q));
    ANYRT_ASSIGN(const ValueId v, spread_heads(cast(value, compute_), q));
    const ValueId keys = c_.op("Transpose", {k}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
    ValueId scores = c_.op("Mul", {c_.op("MatMul", {q, keys}), scale(q)});
    keep(0, scores);
    if (const float cap = c_.f("softcap"); cap > 0) {
      const ValueId limit = number(cap);
      scores = c_.op("Mul", {c_.op("Tanh", {c_.op("Div", {scores, limit})}), limit});
    }
    keep(1, scores);
    scores = masked(scores);
    keep(2, scores);
    if (precision_ != DType::kUndefined) scores = cast(cast(scores, precision_), compute_);
    ValueId parts = c_.op("Softmax", {scores});
    if (c_.has_input(3) || c_.has_input(6)) {  // rows may have no key: zeros
      const ValueId last = c_.constant_ints({-1});
      const ValueId hidden =
          c_.op("Equal", {c_.op("ReduceMax", {scores, last}), number(-std::numeric_limits<double>::infinity())});
      parts = c_.op("Where", {hidden, number(0), parts});
    }
    if (precision_ != DType::kUndefined) parts = cast(cast(parts, precision_), compute_);
    keep(3, parts);
    ValueId y = c_.op("MatMul", {parts, v});
    if (flat_) {
      y = c_.op("Transpose", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
      y = c_.op("Reshape", {y, c_.constant_ints({0, 0, -1})});
    }
    c_.replace_output(0, cast(y, t1_));
    if (c_.has_output(1)) c_.replace_output(1, key);
    if (c_.has_output(2)) c_.replace_output(2, value);
    return {};
  }

 private:
  ValueId cast(ValueId x, DType to) {
    return c_.graph().value(x).type.dtype == to ? x : c_.op("Cast", {x}, {{"to", static_cast<int64_t>(to)}});
  }
  ValueId number(double v) { return c_.constant_scalar(v, compute_); }
  ValueId dim(ValueId x, int64_t axis) { return c_.op("Shape", {x}, {{"start", axis}, {"end", axis + 1}}); }
  ValueId scalar(ValueId one) { return c_.op("Squeeze", {one, c_.constant_ints({0})}); }

  ValueId split_heads(ValueId x, int64_t heads) {
    if (!flat_) return x;
    const ValueId split = c_.op("Reshape", {x, c_.constant_ints({0, 0, heads, -1})});
    return c_.op("Transpose", {split}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  }

  ValueId with_past(size_t i, size_t past) {
    const ValueId x = split_heads(c_.input(i), c_.i("kv_num_heads"));
    return c_.has_input(past) ? c_.op("Concat", {c_.input(past), x}, {{"axis", int64_t{2}}}) : x;
  }

  // Each head of x repeated for the query heads that share it.
  Expected<ValueId> spread_heads(ValueId x, ValueId q) {
    const auto heads = [&](ValueId v) -> std::optional<int64_t> {
      const std::optional<SymShape>& shape = c_.graph().value(v).type.shape;
      if (!shape || shape->size() != 4 || !(*shape)[1].is_const()) return std::nullopt;
      return (*shape)[1].value();
    };
    const auto q_heads = heads(q), own = heads(x);
    if (!q_heads || !own || *own < 1 || *q_heads % *own != 0)
      return not_implemented("the numbers of heads are not known");
    if (*q_heads == *own) return x;
    const ValueId apart = c_.op("Unsqueeze", {x, c_.constant_ints({2})});
    const ValueId copies = c_.op("Expand", {apart, c_.constant_ints({1, 1, *q_heads / *own, 1, 1})});
    const ValueId shape =
        c_.op("Concat", {dim(x, 0), c_.constant_ints({*q_heads}), dim(x, 2), dim(x, 3)}, {{"axis", int64_t{0}}});
    return c_.op("Reshape", {copies, shape}, {{"allowzero", int64_t{1}}});
  }

  ValueId scale(ValueId q) {
    if (c_.has_attr("scale")) return number(c_.f("scale"));
    return c_.op("Reciprocal", {c_.op("Sqrt", {cast(scalar(dim(q, 3)), compute_)})});
  }

  ValueId masked(ValueId scores) {
    const ValueId out_of_play = number(-std::numeric_limits<double>::infinity()), nothing = number(0);
    const ValueId length = dim(scores, 3), one = c_.constant(Tensor::scalar<int64_t>(1)),
                  zero = c_.constant(Tensor::scalar<int64_t>(0));
    if (c_.has_input(3)) {
      ValueId mask = c_.input(3);
      const int64_t rank = *c_.input_rank(3);
      mask =
          c_.input_type(3).dtype == DType::kBool ? c_.op("Where", {mask, nothing, out_of_play}) : cast(mask, compute_);
      // A short last axis is filled up.
      const ValueId missing = c_.op("Sub", {length, c_.op("Shape", {mask}, {{"start", int64_t{-1}}})});
      const ValueId before = c_.constant_ints(std::vector<int64_t>(static_cast<size_t>(2 * rank - 1), 0));
      const ValueId pads = c_.op("Concat", {before, missing}, {{"axis", int64_t{0}}});
      scores = c_.op("Add", {scores, c_.op("Pad", {mask, pads, out_of_play})});
    }
    if (c_.i("is_causal") == 0 && !c_.has_input(6)) return scores;
    const ValueId columns = c_.op("Range", {zero, scalar(length), one});
    if (c_.has_input(6)) {
      const ValueId limits = c_.op("Unsqueeze", {c_.input(6), c_.constant_ints({1, 2, 3})});
      scores = c_.op("Where", {c_.op("Less", {columns, limits}), scores, out_of_play});
    }
    if (c_.i("is_causal") == 0) return scores;
    ValueId rows = c_.op("Range", {zero, scalar(dim(scores, 2)), one});
    if (c_.has_input(4)) rows = c_.op("Add", {rows, dim(c_.input(4), 2)});
    rows = c_.op("Unsqueeze", {rows, c_.constant_ints({1})});
    return c_.op("Where", {c_.op("LessOrEqual", {columns, rows}), scores, out_of_play});
  }

  void keep(int64_t mode, ValueId x) {
    if (c_.has_output(3) && c_.i("qk_matmul_output_mode") == mode) c_.replace_output(3, cast(x, t1_));
  }

  RewriteContext& c_;
  DType t1_, t2_, precision_, compute_;
  bool flat_;
};

}  // namespace

Status decompose_attention(RewriteContext& c) {
  if (c.i("left_window_size", -1) >= 0 || c.i("right_window_size", -1) >= 0) return not_implemented("windows");
  if (c.i("is_causal") != 0 && c.has_input(6)) return not_implemented("a causal mask after padded keys");
  return Builder(c).build();
}

}  // namespace anyrt
