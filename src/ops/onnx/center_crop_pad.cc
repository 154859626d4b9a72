#include "opdef/eval.h"
#include "opdef/index_map.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"input_data", "T"}, {"shape", "Tind", kRequiredParam, "size of each axis in axes"}};
constexpr Param kOutputs[] = {{"output_data", "T"}};
constexpr AttrDef kAttrs[] = {attr("axes", AttrKind::kInts).with_doc("default all")};

Expected<std::vector<int64_t>> read_axes(const AttrReader& a, int64_t rank) {
  if (a.has_attr("axes")) return normalize_axes(a.ints("axes"), rank);
  std::vector<int64_t> all(static_cast<size_t>(rank));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  return all;
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  SymShape out = *x;
  ANYRT_ASSIGN(const std::vector<int64_t> axes, read_axes(c, static_cast<int64_t>(x->size())));
  const auto shape = c.input_elements(1);
  if (shape && shape->size() != axes.size()) {
    return invalid_model("shape has {} entries, expected {}", shape->size(), axes.size());
  }
  for (size_t i = 0; i < axes.size(); ++i) out[static_cast<size_t>(axes[i])] = shape ? (*shape)[i] : Dim();
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const std::vector<int64_t> axes, read_axes(c, x.rank()));
  ANYRT_ASSIGN(const std::vector<int64_t> shape, c.input_ints(1));
  if (shape.size() != axes.size())
    return invalid_argument("shape has {} entries, expected {}", shape.size(), axes.size());
  Dims dims = x.dims();
  for (size_t i = 0; i < axes.size(); ++i) dims[static_cast<size_t>(axes[i])] = shape[i];
  ANYRT_TRY(Tensor::make(x.dtype(), dims).status());  // negative and absurd sizes end here
  IndexMaps maps(dims.size());
  for (size_t a = 0; a < dims.size(); ++a) {
    const int64_t in = x.dims()[a], out = dims[a];
    // The first output index in terms of the input: both halves round down.
    const int64_t start = in >= out ? (in - out) / 2 : -((out - in) / 2);
    for (int64_t o = 0; o < out; ++o) maps[a].push_back(start + o >= 0 && start + o < in ? start + o : -1);
  }
  ANYRT_ASSIGN(Tensor y, gather_by_maps(x, maps, Tensor()));
  c.set_output(0, std::move(y));
  return {};
}

// One Pad, whose negative entries crop.
Status decompose(RewriteContext& c) {
  const std::optional<SymShape>& shape = c.input_type(0).shape;
  const auto dims = shape ? to_dims(*shape) : std::nullopt;
  const Tensor* wanted = c.input_constant(1);
  if (!dims || !wanted) return not_implemented("the sizes are not known");
  ANYRT_ASSIGN(const std::vector<int64_t> axes, read_axes(c, static_cast<int64_t>(dims->size())));
  ANYRT_ASSIGN(const std::vector<int64_t> sizes, to_int64s(*wanted));
  if (sizes.size() != axes.size()) return invalid_model("shape has {} entries, expected {}", sizes.size(), axes.size());
  std::vector<int64_t> pads(2 * dims->size(), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t a = static_cast<size_t>(axes[i]);
    const int64_t in = (*dims)[a], out = sizes[i];
    pads[a] = in >= out ? -((in - out) / 2) : (out - in) / 2;
    pads[a + dims->size()] = out - in - pads[a];
  }
  c.replace_output(0, c.op("Pad", {c.input(0), c.constant_ints(pads)}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_center_crop_pad = {
    .name = "CenterCropPad",
    .since = 18,
    .first = 18,
    .doc = "Crops or zero-pads axes around their centre to given sizes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : i32[5]{1 2 3 4 5}, i64[1]{2} -> i32[2]{2 3}
      : f32[2]{1 2}, i32[1]{5} -> f32[5]{0 1 2 0 0}
      axes=[-1] : u8[2,3]{1 2 3 4 5 6}, i64[1]{1} -> u8[2,1]{2 5}
      axes=[1,0] : bool[1,3]{true true true}, i64[2]{1 2} -> bool[2,1]{true false}
      : str[1]{"a"}, i64[1]{2} -> str[2]{"a" ""}
      : f32[2,2]{1 2 3 4}, i64[1]{2} -> !expected 2
    )"),
};

}  // namespace anyrt
