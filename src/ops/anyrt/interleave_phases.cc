#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {
    {"X", "T", kRequiredParam, "[N, rows * columns * blocks, H, W, block]: phase by phase, row by row of them"}};
constexpr Param kOutputs[] = {
    {"Y", "T", kRequiredParam, "[N, blocks, H * rows - crop_rows, W * columns - crop_columns, block]"}};
constexpr AttrDef kAttrs[] = {
    required_attr("rows", AttrKind::kInt).with_doc("phases along H"),
    required_attr("columns", AttrKind::kInt).with_doc("phases along W"),
    int_attr("crop_rows", 0).with_doc("rows left out at the end"),
    int_attr("crop_columns", 0).with_doc("columns left out at the end"),
};

constexpr int64_t kMostPhases = 64;

Status check(const AttrReader& c) {
  for (const char* name : {"rows", "columns"}) {
    if (c.i(name) < 1 || c.i(name) > kMostPhases)
      return invalid_model("{} is {}, expected 1 to {}", name, c.i(name), kMostPhases);
  }
  if (c.i("crop_rows") < 0 || c.i("crop_rows") >= c.i("rows") || c.i("crop_columns") < 0 ||
      c.i("crop_columns") >= c.i("columns"))
    return invalid_model("less than one position of X can be cropped");
  return {};
}

Status infer(InferContext& c) {
  ANYRT_TRY(check(c));
  const SymShape* x = c.input_shape(0);
  c.set_output(0, c.input_dtype(0));
  if (!x) return {};
  if (x->size() != 5) return invalid_model("X has rank {}, expected 5", x->size());
  const int64_t phases = c.i("rows") * c.i("columns");
  const Dim& blocks = (*x)[1];
  if (blocks.is_const() && blocks.value() % phases != 0)
    return invalid_model("{} blocks are not {} phases", blocks.value(), phases);
  c.set_output(
      0, c.input_dtype(0),
      SymShape{(*x)[0], Dim::floor_div(blocks, Dim(phases)), (*x)[2] * Dim(c.i("rows")) - Dim(c.i("crop_rows")),
               (*x)[3] * Dim(c.i("columns")) - Dim(c.i("crop_columns")), (*x)[4]});
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_TRY(check(c));
  const int64_t rows = c.i("rows"), columns = c.i("columns"), phases = rows * columns;
  if (x.rank() != 5 || x.dim(1) % phases != 0)
    return invalid_argument("X {} is not {} phases", shape_string(x.dims()), phases);
  const int64_t blocks = x.dim(1) / phases, h = x.dim(2), w = x.dim(3), block = x.dim(4);
  const Dims dims = {x.dim(0), blocks, std::max<int64_t>(0, h * rows - c.i("crop_rows")),
                     std::max<int64_t>(0, w * columns - c.i("crop_columns")), block};
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*y);
    for (int64_t i = 0; i < y->size(); ++i) {
      const int64_t lane = i % block, ox = i / block % dims[3], oy = i / block / dims[3] % dims[2],
                    b = i / block / dims[3] / dims[2] % blocks, n = i / block / dims[3] / dims[2] / blocks;
      const int64_t phase = oy % rows * columns + ox % columns;
      out[i] = in[((((n * phases + phase) * blocks + b) * h + oy / rows) * w + ox / columns) * block + lane];
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_anyrt_interleave_phases = {
    .name = "InterleavePhases",
    .domain = "anyrt",
    .doc =
        "Puts the phases of a strided transposed convolution, computed as channels in blocks, where they belong: row r "
        "of phase p becomes row r * rows + p.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      rows=2 columns=1 : f32[1,2,2,2,1]{1 2 3 4 5 6 7 8} -> f32[1,1,4,2,1]{1 2 5 6 3 4 7 8}
      rows=1 columns=2 crop_columns=1 : f32[1,2,1,2,2]{1 2 3 4 5 6 7 8} -> f32[1,1,1,3,2]{1 2 5 6 3 4}
      rows=2 columns=2 : f32[2,8,3,4,4]{rand:1} -> ?
      rows=3 columns=2 crop_rows=2 : f32[1,6,2,3,8]{rand:2} -> ?
      rows=2 columns=2 : f32[1,4,0,3,4]{} -> f32[1,1,0,6,4]{}
      rows=2 columns=2 : f32[1,6,2,3,8]{rand:2} -> !phases
      rows=2 columns=2 crop_rows=2 : f32[1,4,2,3,8]{rand:2} -> !cropped
    )"),
};

}  // namespace anyrt
