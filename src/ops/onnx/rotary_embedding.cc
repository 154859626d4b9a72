#include <algorithm>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"M", DType::kInt64}};
constexpr Param kInputs[] = {
    {"X", "T", kRequiredParam, "[batch, heads, length, size] or [batch, length, heads * size]"},
    {"cos_cache", "T", kRequiredParam,
     "[positions, rotated / 2], or without position_ids [batch, length, rotated / 2]"},
    {"sin_cache", "T", kRequiredParam, "shape of cos_cache"},
    {"position_ids", "M", kOptionalParam, "[batch, length]: rows of the caches"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {
    int_attr("interleaved", 0).with_doc("pairs are neighbours; else the two halves"),
    attr("num_heads", AttrKind::kInt).with_doc("for a 3-D X"),
    int_attr("rotary_embedding_dim", 0).with_doc("how many elements of a head turn; 0: all"),
};

Status infer(InferContext& c) {
  const auto rank = c.input_rank(0);
  if (rank && *rank != 3 && *rank != 4) return invalid_model("X has rank {}, expected 3 or 4", *rank);
  if (rank == 3 && c.i("num_heads") < 1) return invalid_model("a 3-D X needs attribute num_heads");
  return infer_same(c);
}

struct Layout4 {
  int64_t batch, heads, length, size;
  int64_t batch_step, head_step, row_step;
};

Expected<Layout4> read_layout(const Tensor& x, int64_t heads) {
  if (x.rank() == 4) {
    const int64_t row = x.dim(3), head = row * x.dim(2);
    return Layout4{x.dim(0), x.dim(1), x.dim(2), row, head * x.dim(1), head, row};
  }
  if (x.rank() != 3 || heads < 1 || x.dim(2) % heads != 0) {
    return invalid_argument("X has shape {}, which does not split into {} heads", shape_string(x.dims()), heads);
  }
  const int64_t size = x.dim(2) / heads;
  return Layout4{x.dim(0), heads, x.dim(1), size, x.dim(1) * x.dim(2), size, x.dim(2)};
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor cosines, c.input_as(1, compute));
  ANYRT_ASSIGN(const Tensor sines, c.input_as(2, compute));
  ANYRT_ASSIGN(const Layout4 l, read_layout(x, c.i("num_heads")));
  const int64_t given = c.i("rotary_embedding_dim"), rotated = given == 0 ? l.size : given, half = rotated / 2;
  if (rotated < 0 || rotated > l.size || rotated % 2 != 0) {
    return invalid_argument("{} elements of a head of {} cannot turn in pairs", rotated, l.size);
  }
  const Tensor& ids = c.input(3);
  const bool by_id = ids.defined();
  if (by_id && ids.dims() != Dims{l.batch, l.length}) {
    return invalid_argument("position_ids has shape {}, expected [{},{}]", shape_string(ids.dims()), l.batch, l.length);
  }
  const Dims rows = by_id ? Dims{cosines.rank() == 2 ? cosines.dim(0) : 0, half} : Dims{l.batch, l.length, half};
  if (cosines.dims() != rows || sines.dims() != rows) {
    return invalid_argument("the caches have shapes {} and {}, expected {}", shape_string(cosines.dims()),
                            shape_string(sines.dims()), shape_string(rows));
  }
  if (by_id) {
    for (int64_t id : ids.span<int64_t>()) {
      if (id < 0 || id >= rows[0]) return invalid_argument("position {} is outside of [0, {})", id, rows[0]);
    }
  }
  const bool interleaved = c.i("interleaved") != 0;
  ANYRT_ASSIGN(Tensor y, x.clone());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    const int64_t first_step = interleaved ? 2 : 1, second = interleaved ? 1 : half;
    for (int64_t b = 0; b < l.batch; ++b) {
      for (int64_t t = 0; t < l.length; ++t) {
        const int64_t row = by_id ? ids.data<int64_t>()[b * l.length + t] : b * l.length + t;
        const T* cs = cosines.data<T>() + row * half;
        const T* sn = sines.data<T>() + row * half;
        for (int64_t h = 0; h < l.heads; ++h) {
          T* v = y.mutable_data<T>() + b * l.batch_step + h * l.head_step + t * l.row_step;
          for (int64_t k = 0; k < half; ++k) {
            const T re = v[k * first_step], im = v[k * first_step + second];
            v[k * first_step] = cs[k] * re - sn[k] * im;
            v[k * first_step + second] = sn[k] * re + cs[k] * im;
          }
        }
      }
    }
  });
  return c.set_output_as(0, y, dtype);
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  if (!rank) return not_implemented("the rank of X is not known");
  const bool flat = *rank == 3;
  const int64_t rotated = c.i("rotary_embedding_dim"), all = INT64_MAX;
  const bool interleaved = c.i("interleaved") != 0;
  const std::vector<int64_t> swap{0, 2, 1, 3};
  ValueId x = c.input(0);
  if (flat) {
    x = c.op("Reshape", {x, c.constant_ints({0, 0, c.i("num_heads"), -1})});
    x = c.op("Transpose", {x}, {{"perm", swap}});
  }
  const auto last_axis = [&](ValueId v, int64_t start, int64_t end, int64_t step) {
    return c.op("Slice",
                {v, c.constant_ints({start}), c.constant_ints({end}), c.constant_ints({-1}), c.constant_ints({step})});
  };
  const auto row = [&](size_t i) {
    const ValueId v = c.has_input(3) ? c.op("Gather", {c.input(i), c.input(3)}) : c.input(i);
    return c.op("Unsqueeze", {v, c.constant_ints({1})});
  };
  const ValueId turned = rotated == 0 ? x : last_axis(x, 0, rotated, 1);
  ValueId first = kNoValue, second = kNoValue;
  if (interleaved) {
    first = last_axis(turned, 0, all, 2);
    second = last_axis(turned, 1, all, 2);
  } else {
    const auto halves = c.ops("", "Split", {turned}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}}, 2);
    first = halves[0];
    second = halves[1];
  }
  const ValueId cosine = row(1), sine = row(2);
  const auto times = [&](ValueId a, ValueId b) { return c.op("Mul", {a, b}); };
  ValueId re = c.op("Sub", {times(cosine, first), times(sine, second)});
  ValueId im = c.op("Add", {times(sine, first), times(cosine, second)});
  ValueId y = kNoValue;
  const Attr along{"axis", int64_t{-1}};
  if (interleaved) {
    const ValueId end = c.constant_ints({-1});
    re = c.op("Unsqueeze", {re, end});
    im = c.op("Unsqueeze", {im, end});
    y = c.op("Reshape", {c.op("Concat", {re, im}, {along}), c.op("Shape", {turned})}, {{"allowzero", int64_t{1}}});
  } else {
    y = c.op("Concat", {re, im}, {along});
  }
  if (rotated != 0) y = c.op("Concat", {y, last_axis(x, rotated, all, 1)}, {along});
  if (flat) {
    y = c.op("Transpose", {y}, {{"perm", swap}});
    y = c.op("Reshape", {y, c.op("Shape", {c.input(0)})}, {{"allowzero", int64_t{1}}});
  }
  c.replace_output(0, y);
  return {};
}

}  // namespace

extern const OpDef op_onnx_rotary_embedding = {
    .name = "RotaryEmbedding",
    .since = 23,
    .first = 23,
    .doc = "Turns pairs of elements of each head by an angle that depends on the position.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,1,4]{1 2 3 4}, f32[1,1,2]{0 1}, f32[1,1,2]{1 0} -> f32[1,1,1,4]{-3 2 1 4}
      interleaved=1 : f32[1,1,1,4]{1 2 3 4}, f32[2,2]{9 9 0 1}, f32[2,2]{9 9 1 0}, i64[1,1]{1} -> f32[1,1,1,4]{-2 1 3 4}
      num_heads=2 rotary_embedding_dim=2 : f16[1,1,6]{1 2 3 4 5 6}, f16[1,1,1]{0}, f16[1,1,1]{1} -> f16[1,1,6]{-2 1 3 -5 4 6}
      : bf16[2,3,4,6]{rand:1}, bf16[9,3]{rand:2}, bf16[9,3]{rand:3}, i64[2,4]{0 1 2 3 4 5 6 8} -> ?
      : f32[1,1,1,4]{1 2 3 4}, f32[2,2]{9 9 0 1}, f32[2,2]{9 9 1 0}, i64[1,1]{2} -> !position 2
    )"),
};

}  // namespace anyrt
