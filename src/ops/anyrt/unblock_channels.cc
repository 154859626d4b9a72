#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric | DType::kBool}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, ceil(channels / block), spatial…, block]"}};
constexpr Param kOutputs[] = {
    {"Y", "T", kRequiredParam, "[N, channels, spatial…], or [N, spatial…, channels] with channels_last"}};
constexpr AttrDef kAttrs[] = {
    required_attr("channels", AttrKind::kInt).with_doc("without those that only fill the last block"),
    int_attr("channels_last", 0).with_doc("1: the output has its channels on the last axis"),
};

// The last block must be the one that channel number `channels - 1` lies in.
Status check(int64_t channels, const Dim& blocks, const Dim& block) {
  if (channels < 0) return invalid_model("channels is {}, expected 0 or more", channels);
  if (!blocks.is_const() || !block.is_const()) return {};
  const int64_t b = block.value(), most = b * blocks.value();
  if (channels > most || channels <= most - std::max<int64_t>(b, 1))
    return invalid_model("{} channels do not fill {} blocks of {}", channels, blocks.value(), b);
  return {};
}

Status infer(InferContext& c) {
  const SymShape* x = c.input_shape(0);
  if (!x) {
    c.set_output(0, c.input_dtype(0));
    return {};
  }
  if (x->size() < 3) return invalid_model("X has rank {}, expected 3 or more", x->size());
  ANYRT_TRY(check(c.i("channels"), (*x)[1], x->back()));
  const bool last = c.i("channels_last") != 0;
  SymShape y{(*x)[0]};
  if (!last) y.push_back(Dim(c.i("channels")));
  y.insert(y.end(), x->begin() + 2, x->end() - 1);
  if (last) y.push_back(Dim(c.i("channels")));
  c.set_output(0, c.input_dtype(0), std::move(y));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 3) return invalid_argument("X has rank {}, expected 3 or more", x.rank());
  const int64_t channels = c.i("channels"), batch = x.dim(0), blocks = x.dim(1), block = x.dims().back();
  ANYRT_TRY(check(channels, blocks, block));
  const bool last = c.i("channels_last") != 0;
  const std::span<const int64_t> spatial(x.dims().data() + 2, x.dims().size() - 3);
  const int64_t plane = product(spatial);
  Dims dims{batch};
  if (!last) dims.push_back(channels);
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  if (last) dims.push_back(channels);
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
  if (y->size() == 0) return {};
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*y);
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t k = 0; k < channels; ++k) {
        const T* from = in + ((n * blocks + k / block) * plane) * block + k % block;
        for (int64_t p = 0; p < plane; ++p) {
          out[last ? (n * plane + p) * channels + k : (n * channels + k) * plane + p] = from[p * block];
        }
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_anyrt_unblock_channels = {
    .name = "UnblockChannels",
    .domain = "anyrt",
    .doc = "Undoes BlockChannels: back to one channel axis, without what filled the last block.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      channels=3 : f32[1,2,2,2]{1 3 2 4 5 0 6 0} -> f32[1,3,2]{1 2 3 4 5 6}
      channels=3 channels_last=1 : f32[1,2,2,2]{1 2 4 5 3 9 6 9} -> f32[1,2,3]{1 2 3 4 5 6}
      channels=4 : i8[1,2,2]{1 2 3 4} -> i8[1,4]{1 2 3 4}
      channels=19 : f32[2,3,3,5,8]{rand:1} -> ?
      channels=33 channels_last=1 : f32[1,3,4,3,16]{rand:2} -> ?
      channels=2 : f32[1,2,3,2]{rand:3} -> !do not fill
      channels=5 : f32[1,2,3,2]{rand:3} -> !do not fill
    )"),
};

}  // namespace anyrt
