#include "opdef/conv.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "[N, C * taps, blocks]"},
                             {"image_shape", "int64", kRequiredParam, "spatial sizes of the output"},
                             {"block_shape", "int64", kRequiredParam, "size of a block on each spatial axis"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[N, C, image_shape…]"}};
constexpr AttrDef kAttrs[] = {attr("dilations", AttrKind::kInts), attr("pads", AttrKind::kInts),
                              attr("strides", AttrKind::kInts)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* x = c.input_shape(0);
  if (x && x->size() != 3) return invalid_model("the input has rank {}, expected 3", x->size());
  const auto image = c.input_elements(1);
  if (!image) return {};
  SymShape out(2);
  if (x) out[0] = (*x)[0];
  if (const auto block = c.input_ints(2); x && block) {
    Dim taps(1);
    for (int64_t b : *block) taps = taps * Dim(b);
    out[1] = Dim::floor_div((*x)[1], taps);
  }
  out.insert(out.end(), image->begin(), image->end());
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

// Sums of complex numbers, for fold_columns.
template <class C>
struct Sum : C {
  Sum& operator+=(const Sum& o) {
    this->re += o.re;
    this->im += o.im;
    return *this;
  }
};

// "Sums" of truth values, and of the places that blocks come from.
struct AnyOf {
  uint8_t v;
  AnyOf& operator+=(const AnyOf& o) {
    v |= o.v;
    return *this;
  }
};

struct Place {
  int64_t index = 0, count = 0;
  Place& operator+=(const Place& o) {
    index += o.index;
    count += o.count;
    return *this;
  }
};

template <class T>
void fold_all(const WindowAxes& axes, int64_t planes, const T* in, T* out) {
  const int64_t image = product(window_in_dims(axes)), taps = kernel_size(axes);
  const int64_t columns = taps * product(window_out_dims(axes));
  for (int64_t i = 0; i < planes; ++i) fold_columns(axes, 0, taps, in + i * columns, out + i * image);
}

// Strings have no sum: each place of the image takes one at most.
Status fold_strings(EvalContext& c, const WindowAxes& axes, const Dims& dims) {
  const int64_t planes = dims[0] * dims[1], image = product(window_in_dims(axes)), taps = kernel_size(axes);
  const int64_t columns = taps * product(window_out_dims(axes));
  std::vector<Place> from(static_cast<size_t>(columns));
  for (int64_t i = 0; i < columns; ++i) from[static_cast<size_t>(i)] = {i + 1, 1};
  std::vector<Place> to(static_cast<size_t>(image));
  fold_columns(axes, 0, taps, from.data(), to.data());
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kString, dims));
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t i = 0; i < image; ++i) {
      const Place& place = to[static_cast<size_t>(i)];
      if (place.count > 1) return invalid_argument("{} blocks meet at one place, and strings have no sum", place.count);
      if (place.count == 1)
        y->mutable_data<std::string>()[p * image + i] = c.input(0).data<std::string>()[p * columns + place.index - 1];
    }
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() != 3) return invalid_argument("the input has rank {}, expected 3", x.rank());
  ANYRT_ASSIGN(const std::vector<int64_t> image, c.input_ints(1));
  ANYRT_ASSIGN(const std::vector<int64_t> block, c.input_ints(2));
  if (block.empty()) return invalid_argument("block_shape is empty");
  ANYRT_ASSIGN(const WindowAttrs attrs, read_window_attrs(c, block));
  ANYRT_ASSIGN(const WindowAxes axes, make_windows(attrs, image));
  const int64_t taps = kernel_size(axes);
  ANYRT_ASSIGN(const int64_t blocks, checked_element_count(window_out_dims(axes)));
  if (x.dim(1) % taps != 0 || x.dim(2) != blocks) {
    return invalid_argument("the input has shape {}, expected [N,C*{},{}]", shape_string(x.dims()), taps, blocks);
  }
  Dims dims{x.dim(0), x.dim(1) / taps};
  dims.insert(dims.end(), image.begin(), image.end());
  const int64_t planes = dims[0] * dims[1];
  if (is_complex(x.dtype())) {
    ANYRT_ASSIGN(Tensor y, Tensor::zeros(x.dtype(), dims));
    dispatch<Complex64, Complex128>(x.dtype(), [&]<class T>(TypeTag<T>) {
      fold_all(axes, planes, storage<Sum<T>>(x), mutable_storage<Sum<T>>(y));
    });
    c.set_output(0, std::move(y));
    return {};
  }
  if (x.dtype() == DType::kBool) {
    ANYRT_ASSIGN(Tensor y, Tensor::zeros(x.dtype(), dims));
    fold_all(axes, planes, storage<AnyOf>(x), mutable_storage<AnyOf>(y));
    c.set_output(0, std::move(y));
    return {};
  }
  if (x.dtype() == DType::kString) return fold_strings(c, axes, dims);
  // Integers as unsigned ones: their sums wrap.
  const DType compute = is_float(x.dtype()) ? compute_dtype(x.dtype()) : DType::kUInt64;
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(compute, dims));
  dispatch<float, double, uint64_t>(
      compute, [&]<class T>(TypeTag<T>) { fold_all(axes, planes, wide.data<T>(), y.mutable_data<T>()); });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_onnx_col2im = {
    .name = "Col2Im",
    .since = 18,
    .first = 18,
    .doc = "Adds blocks, laid out as columns, back into an image.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : bool[1,2,2]{true false false false}, i64[1]{3}, i64[1]{2} -> bool[1,1,3]{true false false}
      strides=[2] : str[1,2,2]{"a" "b" "c" "d"}, i64[1]{4}, i64[1]{2} -> str[1,1,4]{"a" "c" "b" "d"}
      : str[1,2,2]{"a" "b" "c" "d"}, i64[1]{3}, i64[1]{2} -> !no sum
      : f32[1,2,2]{1 2 3 4}, i64[1]{3}, i64[1]{2} -> f32[1,1,3]{1 5 4}
      strides=[2,2] : i8[1,4,1]{1 2 3 -4}, i64[2]{2 2}, i64[2]{2 2} -> i8[1,1,2,2]{1 2 3 -4}
      pads=[1,1] : f64[1,1,4]{1 2 3 4}, i64[1]{2}, i64[1]{1} -> f64[1,1,2]{2 3}
      : c64[1,2,2]{1+1i 2 3 4-1i}, i64[1]{3}, i64[1]{2} -> c64[1,1,3]{1+1i 5 4-1i}
      dilations=[2,1] : f16[2,12,8]{rand:1}, i64[2]{4 5}, i64[2]{2 2} -> ?
      : f32[1,2,3]{1 2 3 4 5 6}, i64[1]{3}, i64[1]{2} -> !expected [N
    )"),
};

}  // namespace anyrt
