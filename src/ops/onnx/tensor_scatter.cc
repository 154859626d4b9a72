#include <algorithm>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"past_cache", "T", kRequiredParam, "[batch, ..., max length, ...]"},
                             {"update", "T", kRequiredParam, "[batch, ..., length, ...]"},
                             {"write_indices", "int64", kOptionalParam, "[batch]; default 0"}};
constexpr Param kOutputs[] = {{"present_cache", "T"}};
constexpr AttrDef kAttrs[] = {
    int_attr("axis", -2).with_doc("the sequence axis; not the batch axis 0"),
    string_attr("mode", "linear").with_doc("linear, or circular: positions wrap around the cache"),
};

Expected<int64_t> read_axis(const AttrReader& a, int64_t rank) {
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(a.i("axis"), rank));
  if (axis == 0) return invalid_argument("axis is the batch axis");
  return axis;
}

Status infer(InferContext& c) {
  if (c.s("mode") != "linear" && c.s("mode") != "circular") {
    return invalid_model("mode is '{}', expected linear or circular", c.s("mode"));
  }
  if (const auto rank = c.input_rank(0)) ANYRT_TRY(read_axis(c, *rank).status());
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& past = c.input(0);
  const Tensor& update = c.input(1);
  ANYRT_ASSIGN(const int64_t axis, read_axis(c, past.rank()));
  Dims same = update.dims();
  const int64_t capacity = past.dims()[static_cast<size_t>(axis)];
  if (same.size() == past.dims().size()) same[static_cast<size_t>(axis)] = capacity;
  const int64_t length = same == past.dims() ? update.dims()[static_cast<size_t>(axis)] : capacity + 1;
  if (length > capacity) {
    return invalid_argument("update has shape {}, which does not fit {} on axis {}", shape_string(update.dims()),
                            shape_string(past.dims()), axis);
  }
  const int64_t batch = past.dim(0), outer = product(past.dims(), 1, axis),
                inner = product(past.dims(), axis + 1, past.rank());
  std::vector<int64_t> starts(static_cast<size_t>(batch), 0);
  if (c.has_input(2)) {
    ANYRT_ASSIGN(starts, c.input_ints(2));
  }
  if (static_cast<int64_t>(starts.size()) != batch) {
    return invalid_argument("write_indices has {} entries, expected {}", starts.size(), batch);
  }
  const bool circular = c.s("mode") == "circular";
  for (int64_t& s : starts) {
    if (circular && capacity > 0) s = (s % capacity + capacity) % capacity;
    if (s < 0 || (!circular && s > capacity - length)) {
      return invalid_argument("{} entries written at {} do not fit a cache of {}", length, s, capacity);
    }
  }
  ANYRT_ASSIGN(Tensor y, past.clone());
  dispatch_storage(past.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(update);
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t o = 0; o < outer; ++o) {
        T* out = mutable_storage<T>(y) + (b * outer + o) * capacity * inner;
        for (int64_t t = 0; t < length; ++t, in += inner) {
          const int64_t at = starts[static_cast<size_t>(b)] + t;
          std::copy_n(in, inner, out + (at < capacity ? at : at - capacity) * inner);
        }
      }
    }
  });
  c.set_output(0, std::move(y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_tensor_scatter = {
    .name = "TensorScatter",
    .since = 24,
    .first = 24,
    .doc = "Writes new entries into a cache at a position of its own for each batch entry.",
    .flags = kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[1,3,1]{1 2 3}, f32[1,1,1]{9}, i64[1]{1} -> f32[1,3,1]{1 9 3}
      mode="circular" : i8[2,3,1]{1 2 3 4 5 6}, i8[2,2,1]{7 8 9 10}, i64[2]{2 4} -> i8[2,3,1]{8 2 7 4 9 10}
      axis=1 : str[1,2]{"a" "b"}, str[1,1]{"c"} -> str[1,2]{"c" "b"}
      axis=-1 : f16[1,2,3]{1 2 3 4 5 6}, f16[1,2,1]{8 9}, i64[1]{2} -> f16[1,2,3]{1 2 8 4 5 9}
      : f32[1,3,1]{1 2 3}, f32[1,2,1]{9 9}, i64[1]{2} -> !do not fit
      axis=0 : f32[1,3]{1 2 3}, f32[1,2]{9 9} -> !batch axis
    )"),
};

}  // namespace anyrt
