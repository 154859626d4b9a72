#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric | DType::kBool}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, spatial…], or [N, spatial…, C] with channels_last"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, ceil(C / block), spatial…, block]"}};
constexpr AttrDef kAttrs[] = {
    required_attr("block", AttrKind::kInt).with_doc("channels that lie side by side"),
    int_attr("channels_last", 0).with_doc("1: the input has its channels on the last axis"),
};

constexpr int64_t kMaxBlock = 4096;

Status check(const AttrReader& a, size_t rank) {
  if (a.i("block") < 1 || a.i("block") > kMaxBlock)
    return invalid_model("block is {}, expected 1 to {}", a.i("block"), kMaxBlock);
  if (rank < 2) return invalid_model("X has rank {}, expected 2 or more", rank);
  return {};
}

Status infer(InferContext& c) {
  const SymShape* x = c.input_shape(0);
  ANYRT_TRY(check(c, x ? x->size() : 2));
  if (!x) {
    c.set_output(0, c.input_dtype(0));
    return {};
  }
  const bool last = c.i("channels_last") != 0;
  const size_t rank = x->size(), channel = last ? rank - 1 : 1;
  SymShape y{(*x)[0], Dim::ceil_div((*x)[channel], Dim(c.i("block")))};
  for (size_t a = 1; a < rank; ++a) {
    if (a != channel) y.push_back((*x)[a]);
  }
  y.push_back(Dim(c.i("block")));
  c.set_output(0, c.input_dtype(0), std::move(y));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_TRY(check(c, x.dims().size()));
  const bool last = c.i("channels_last") != 0;
  const size_t channel = last ? x.dims().size() - 1 : 1;
  const int64_t block = c.i("block"), channels = x.dims()[channel], blocks = (channels + block - 1) / block;
  Dims dims{x.dims()[0], blocks};
  for (size_t a = 1; a < x.dims().size(); ++a) {
    if (a != channel) dims.push_back(x.dims()[a]);
  }
  const int64_t batch = dims[0], plane = product(std::span(dims).subspan(2));
  dims.push_back(block);
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
  if (y->size() == 0) return {};
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*y);
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t k = 0; k < blocks * block; ++k) {
        T* to = out + ((n * blocks + k / block) * plane) * block + k % block;
        for (int64_t p = 0; p < plane; ++p) {
          const int64_t from = last ? (n * plane + p) * channels + k : (n * channels + k) * plane + p;
          to[p * block] = k < channels ? in[from] : T();
        }
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_anyrt_block_channels = {
    .name = "BlockChannels",
    .domain = "anyrt",
    .doc =
        "Splits the channel axis into blocks and moves the place inside a block to the end; what is missing in the "
        "last block is zero.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      block=2 : f32[1,3,2]{1 2 3 4 5 6} -> f32[1,2,2,2]{1 3 2 4 5 0 6 0}
      block=2 channels_last=1 : f32[1,2,3]{1 2 3 4 5 6} -> f32[1,2,2,2]{1 2 4 5 3 0 6 0}
      block=1 : i8[2,2]{1 2 3 4} -> i8[2,2,1]{1 2 3 4}
      block=4 : f64[2,0,3]{} -> f64[2,0,3,4]{}
      block=8 : f32[2,19,3,5]{rand:1} -> ?
      block=16 channels_last=1 : f32[1,4,3,33]{rand:2} -> ?
      block=0 : f32[1,2]{1 2} -> !block is 0
      block=2 : f32[2]{1 2} -> !rank
    )"),
};

}  // namespace anyrt
