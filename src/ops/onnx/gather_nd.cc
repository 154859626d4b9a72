#include <algorithm>

#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"indices", "int64", kRequiredParam, "its last axis holds the leading indices into data"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("batch_dims", 0).with_doc("number of leading axes that both inputs share")};

Status check_ranks(int64_t batch, int64_t data_rank, int64_t index_rank) {
  if (data_rank < 1 || index_rank < 1) return invalid_argument("data and indices must have rank 1 or more");
  if (batch < 0 || batch >= std::min(data_rank, index_rank)) {
    return invalid_argument("batch_dims {} must be below the ranks {} and {}", batch, data_rank, index_rank);
  }
  return {};
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape *data = c.input_shape(0), *indices = c.input_shape(1);
  if (!data || !indices) return {};
  const int64_t batch = c.i("batch_dims"), rank = static_cast<int64_t>(data->size());
  ANYRT_TRY(check_ranks(batch, rank, static_cast<int64_t>(indices->size())));
  const Dim depth = indices->back();
  if (!depth.is_const()) return {};
  if (depth.value() < 0 || depth.value() > rank - batch) {
    return invalid_model("the last axis of indices has {} entries, expected at most {}", depth.value(), rank - batch);
  }
  SymShape out(indices->begin(), indices->end() - 1);
  out.insert(out.end(), data->begin() + batch + depth.value(), data->end());
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor &x = c.input(0), &indices = c.input(1);
  const int64_t batch = c.i("batch_dims");
  ANYRT_TRY(check_ranks(batch, x.rank(), indices.rank()));
  for (int64_t i = 0; i < batch; ++i) {
    if (x.dims()[i] != indices.dims()[i]) {
      return invalid_argument("batch axis {} has {} and {} elements", i, x.dims()[i], indices.dims()[i]);
    }
  }
  const int64_t depth = indices.dims().back();
  if (depth > x.rank() - batch) {
    return invalid_argument("the last axis of indices has {} entries, expected at most {}", depth, x.rank() - batch);
  }
  Dims dims(indices.dims().begin(), indices.dims().end() - 1);
  dims.insert(dims.end(), x.dims().begin() + batch + depth, x.dims().end());
  const std::span<const int64_t> inner_dims = std::span(x.dims()).subspan(static_cast<size_t>(batch));
  ANYRT_ASSIGN(std::vector<int64_t> offsets, tuple_offsets(inner_dims, indices));
  const int64_t batches = product(x.dims(), 0, batch), each = product(x.dims(), batch, x.rank());
  const int64_t per_batch = batches > 0 ? static_cast<int64_t>(offsets.size()) / batches : 0;
  for (size_t i = 0; i < offsets.size(); ++i) offsets[i] += static_cast<int64_t>(i) / per_batch * each;
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
  if (y->size() == 0) return {};
  const int64_t length = product(x.dims(), batch + depth, x.rank());
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    T* out = mutable_storage<T>(*y);
    for (int64_t offset : offsets) out = std::copy_n(storage<T>(x) + offset, length, out);
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_gather_nd = {
    .name = "GatherND",
    .since = 13,
    .first = 11,
    .doc = "Picks elements or slices by tuples of indices.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade =
        [](RewriteContext& c) {
          if (c.version() >= 12) return Status();
          if (c.i("batch_dims") != 0) return not_implemented("batch_dims came with opset 12");
          return drop_attr(c, "batch_dims");
        },
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{0 1 2 3}, i64[2,2]{0 0 1 1} -> f32[2]{0 3}
      : u8[2,2]{0 1 2 3}, i64[2,1]{1 -2} -> u8[2,2]{2 3 0 1}
      batch_dims=1 : f32[2,2,2]{0 1 2 3 4 5 6 7}, i64[2,1]{1 0} -> f32[2,2]{2 3 4 5}
      : str[2,1]{"a" "b"}, i64[1,2]{1 0} -> str[1]{"b"}
      : f32[2,2]{0 1 2 3}, i64[0,2]{} -> f32[0]{}
      : f32[2,2]{0 1 2 3}, i64[1,2]{0 2} -> !index 2
      : f32[2]{0 1}, i64[1,2]{0 0} -> !at most 1
    )"),
};

}  // namespace anyrt
