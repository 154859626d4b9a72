#include <algorithm>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "rank 2 or more"},
                             {"sequence_lens", "int64", kRequiredParam, "one length a batch entry"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("batch_axis", 1).with_doc("0 or 1"),
                              int_attr("time_axis", 0).with_doc("0 or 1")};

Status check(const AttrReader& a) {
  const int64_t batch = a.i("batch_axis"), time = a.i("time_axis");
  if (batch + time != 1 || batch * time != 0) {
    return invalid_model("batch_axis and time_axis are {} and {}, expected 0 and 1 or 1 and 0", batch, time);
  }
  return {};
}

Status infer(InferContext& c) {
  ANYRT_TRY(check(c));
  if (const auto rank = c.input_rank(0); rank && *rank < 2)
    return invalid_model("the input has rank {}, expected 2 or more", *rank);
  return infer_same(c);
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check(c));
  const Tensor& x = c.input(0);
  if (x.rank() < 2) return invalid_argument("the input has rank {}, expected 2 or more", x.rank());
  const bool batch_first = c.i("batch_axis") == 0;
  const int64_t batches = x.dim(batch_first ? 0 : 1), steps = x.dim(batch_first ? 1 : 0);
  const int64_t inner = product(x.dims(), 2, x.rank());
  const int64_t batch_step = batch_first ? steps * inner : inner, time_step = batch_first ? inner : batches * inner;
  ANYRT_ASSIGN(const std::vector<int64_t> lengths, c.input_ints(1));
  if (static_cast<int64_t>(lengths.size()) != batches) {
    return invalid_argument("sequence_lens has {} entries, expected {}", lengths.size(), batches);
  }
  for (int64_t n : lengths) {
    if (n < 0 || n > steps) return invalid_argument("a sequence length of {} is outside of [0, {}]", n, steps);
  }
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), x.dims()));
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    for (int64_t b = 0; b < batches; ++b) {
      const int64_t n = lengths[static_cast<size_t>(b)];
      for (int64_t t = 0; t < steps; ++t) {
        const int64_t from = t < n ? n - 1 - t : t;
        std::copy_n(storage<T>(x) + b * batch_step + from * time_step, inner,
                    mutable_storage<T>(*y) + b * batch_step + t * time_step);
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_reverse_sequence = {
    .name = "ReverseSequence",
    .since = 10,
    .first = 10,
    .doc = "Reverses the beginning of each sequence of a batch.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : i32[3,2]{1 2 3 4 5 6}, i64[2]{3 2} -> i32[3,2]{5 4 3 2 1 6}
      batch_axis=0 time_axis=1 : str[2,2,1]{"a" "b" "c" "d"}, i64[2]{2 1} -> str[2,2,1]{"b" "a" "c" "d"}
      : f32[2,0]{}, i64[0]{} -> f32[2,0]{}
      : f32[2,1]{1 2}, i64[1]{3} -> !outside
      batch_axis=0 : f32[2,1]{1 2}, i64[1]{3} -> !expected 0 and 1
    )"),
};

}  // namespace anyrt
