#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"shape", "int64", kRequiredParam, "one -1 takes what is left; 0 copies the input's dim"}};
constexpr Param kOutputs[] = {{"reshaped", "T", kRequiredParam, "the same elements"}};
constexpr AttrDef kAttrs[] = {int_attr("allowzero", 0).with_doc("1: a 0 in shape is a dim of 0")};

// The dim that -1 stands for: the product of `from` divided by that of `to`, after dropping what both have.
Dim remaining_dim(const SymShape& from, SymShape to) {
  Dim num = 1, den = 1;
  for (const Dim& d : from) {
    const auto same = std::find(to.begin(), to.end(), d);
    if (same == to.end()) {
      num = num * d;
    } else {
      to.erase(same);
    }
  }
  for (const Dim& d : to) den = den * d;
  if (den.is(1)) return num;
  if (den.is(0) || num.is_unknown() || den.is_unknown()) return {};
  return Dim::floor_div(num, den);
}

Status infer(InferContext& c) {
  const SymShape* in = c.input_shape(0);
  c.set_output(0, c.input_dtype(0));
  forward_elements(c);
  const auto wanted = c.input_elements(1);
  if (!wanted) {
    if (const auto rank = known_length(c, 1)) c.set_output(0, c.input_dtype(0), SymShape(*rank));
    return {};
  }
  SymShape out = *wanted;
  std::optional<size_t> open;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].is(0) && c.i("allowzero") == 0) {
      if (in && i >= in->size()) {
        return invalid_model("shape {} copies dim {}, but the input {} has only {}", shape_string(*wanted), i,
                             shape_string(*in), in->size());
      }
      out[i] = in ? (*in)[i] : Dim();
    } else if (out[i].is(-1)) {
      if (open) return invalid_model("shape {} has more than one -1", shape_string(*wanted));
      open = i;
      out[i] = Dim();
    } else if (out[i].is_const() && out[i].value() < 0) {
      return invalid_model("shape {} has a dim below -1", shape_string(*wanted));
    } else if (!surely_nonnegative(out[i])) {
      out[i] = Dim();
    }
  }
  if (open && in) {
    SymShape others = out;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(*open));
    out[*open] = remaining_dim(*in, std::move(others));
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

// What -1 stands for when the result is empty: copied dims, which may be the zeros, stand on both sides and cancel.
int64_t empty_dim(const Dims& from, const Dims& wanted) {
  Dims left, right;
  for (size_t i = 0; i < from.size(); ++i) {
    if (i >= wanted.size() || wanted[i] != 0) left.push_back(from[i]);
  }
  for (int64_t d : wanted) {
    if (d > 0) right.push_back(d);
  }
  const Expected<int64_t> n = checked_element_count(left), d = checked_element_count(right);
  return n.ok() && d.ok() && *n % *d == 0 ? *n / *d : 0;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const Dims wanted, c.input_ints(1));
  Dims dims = wanted;
  std::optional<size_t> open;
  bool zero = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && c.i("allowzero") == 0) {
      if (i >= x.dims().size()) {
        return invalid_argument("shape {} copies dim {}, but the input {} has only {}", shape_string(wanted), i,
                                x.type_string(), x.rank());
      }
      dims[i] = x.dims()[i];
    } else if (dims[i] == -1) {
      if (open) return invalid_argument("shape {} has more than one -1", shape_string(wanted));
      open = i;
      dims[i] = 1;
    } else if (dims[i] < 0) {
      return invalid_argument("shape {} has a dim below -1", shape_string(wanted));
    }
    zero |= wanted[i] == 0;
  }
  if (open) {
    if (zero && c.i("allowzero") != 0) return invalid_argument("shape {} has both 0 and -1", shape_string(wanted));
    ANYRT_ASSIGN(const int64_t rest, checked_element_count(dims));
    if (rest == 0 ? x.size() != 0 : x.size() % rest != 0) {
      return invalid_argument("the elements of {} cannot take the shape {}", x.type_string(), shape_string(wanted));
    }
    dims[*open] = rest == 0 ? empty_dim(x.dims(), wanted) : x.size() / rest;
  }
  ANYRT_ASSIGN(Tensor y, x.reshaped(std::move(dims)));
  c.set_output(0, std::move(y));
  return {};
}

// Opset 1 to 4 had the shape as an attribute.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 5) return {};
  c.remove_attr("consumed_inputs");
  if (!c.has_input(1) && !c.has_attr("shape")) return invalid_model("attribute shape is missing");
  c.attr_to_input("shape", 1);
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 14) {
    if (c.i("allowzero") != 0) {
      const Tensor* shape = c.input_constant(1);
      if (!shape) return not_implemented("allowzero with a computed shape came with opset 14");
      ANYRT_ASSIGN(const Dims dims, to_int64s(*shape));
      if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return not_implemented("allowzero came with opset 14");
    }
    c.remove_attr("allowzero");
  }
  return c.version() < 5 ? c.input_to_attr(1, "shape") : Status();
}

}  // namespace

extern const OpDef op_onnx_reshape = {
    .name = "Reshape",
    .since = 25,
    .doc = "The same elements in another shape.",
    .flags = kView,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{1 2 3 4 5 6}, i64[2]{3 -1} -> f32[3,2]{1 2 3 4 5 6}
      : str[2,2]{"a" "b" "c" "d"}, i64[3]{0 1 -1} -> str[2,1,2]{"a" "b" "c" "d"}
      : i4[1,1]{-3}, i64[0]{} -> i4[]{-3}
      : f32[0,4]{}, i64[2]{4 -1} -> f32[4,0]{}
      : f32[0,3,4]{}, i64[3]{0 3 -1} -> f32[0,3,4]{}
      : f32[2,0,4]{}, i64[3]{1 0 -1} -> f32[1,0,8]{}
      allowzero=1 : f32[0,4]{}, i64[3]{3 4 0} -> f32[3,4,0]{}
      : f32[2,3]{rand:1}, i64[2]{4 -1} -> !cannot take the shape
      : f32[2,3]{rand:1}, i64[2]{-1 -1} -> !more than one -1
    )"),
};

}  // namespace anyrt
