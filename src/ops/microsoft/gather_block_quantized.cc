#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/packed_bits.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr DTypeSet kNarrowFloats = kFloat8s | DType::kFloat4E2M1;
constexpr TypeRule kTypes[] = {{"T1", kNarrowFloats | DType::kInt4 | DType::kUInt4 | DType::kUInt8},
                               {"T2", DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16},
                               {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"data", "T1", kRequiredParam, "uint8: packed along the last axis"},
                             {"indices", "Tind", kRequiredParam, "what lies outside of the axis reads as zeros"},
                             {"scales", "T2", kRequiredParam, "one a block"},
                             {"zero_points", "T1", kOptionalParam, "one a block, packed as data is"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {int_attr("bits", 4).with_doc("of uint8 data: 2, 4 or 8"),
                              int_attr("block_size", 128).with_doc("0: the whole axis (narrow floats)"),
                              int_attr("gather_axis", 0), int_attr("quantize_axis", 1)};

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  const SymShape *data = c.input_shape(0), *indices = c.input_shape(1);
  if (data && indices && c.input_dtype(0) != DType::kUndefined) {
    ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("gather_axis"), static_cast<int64_t>(data->size())));
    SymShape s = *data;
    const int64_t bits = c.i("bits");
    if (c.input_dtype(0) == DType::kUInt8 && (bits == 2 || bits == 4)) s.back() = s.back() * Dim(8 / bits);
    shape = SymShape(s.begin(), s.begin() + axis);
    shape->insert(shape->end(), indices->begin(), indices->end());
    shape->insert(shape->end(), s.begin() + axis + 1, s.end());
  }
  c.set_output(0, c.input_dtype(2), shape);
  return {};
}

// How data is laid out once it is unpacked.
struct Blocks {
  Dims dims;         // of data, unpacked
  Dims scale_dims;   // of scales, broadcast
  int64_t bits = 0;  // 0: data holds one element a byte, or floats
  int64_t gather = 0, axis = 0, block = 0;
};

Expected<Blocks> read_blocks(EvalContext& c) {
  Blocks b;
  const Tensor &data = c.input(0), &scales = c.input(2);
  const bool narrow = kNarrowFloats.has(data.dtype());
  if (data.rank() < 1) return invalid_argument("data must have rank 1 or more, found {}", data.type_string());
  ANYRT_ASSIGN(b.gather, normalize_axis(c.i("gather_axis"), data.rank()));
  ANYRT_ASSIGN(b.axis, normalize_axis(c.i("quantize_axis"), data.rank()));
  b.dims = data.dims();
  b.block = c.i("block_size");
  if (data.dtype() == DType::kUInt8) {
    b.bits = c.i("bits");
    if (b.gather != 0) return invalid_argument("gather_axis of uint8 data must be 0, found {}", b.gather);
    if (b.bits < 8 && b.axis == b.gather) return invalid_argument("gather_axis and quantize_axis are both {}", b.axis);
    ANYRT_TRY(check_packing(b.bits, b.block));
    b.dims.back() *= 8 / b.bits;
    ANYRT_TRY(checked_element_count(b.dims).status());
  } else if (!(narrow && b.block == 0)) {
    ANYRT_TRY(check_packing(4, b.block));
  }
  const int64_t length = b.dims[static_cast<size_t>(b.axis)];
  if (b.block == 0) b.block = std::max<int64_t>(length, 1);
  b.scale_dims = b.dims;
  b.scale_dims[static_cast<size_t>(b.axis)] = divide_up(length, b.block);
  bool fits = scales.rank() == data.rank();
  for (size_t i = 0; fits && i < b.scale_dims.size(); ++i) {
    const int64_t d = scales.dims()[i];
    fits = d == b.scale_dims[i] || (narrow && static_cast<int64_t>(i) != b.axis && d == 1);
  }
  if (!fits) {
    return invalid_argument("scales have shape {}, expected {}", shape_string(scales.dims()),
                            shape_string(b.scale_dims));
  }
  if (!c.has_input(3)) return b;
  if (narrow) return invalid_argument("zero_points do not go with data of {}", dtype_name(data.dtype()));
  Dims zero_dims = b.scale_dims;
  if (b.bits) zero_dims.back() = divide_up(zero_dims.back() * b.bits, 8);
  if (c.input(3).dims() != zero_dims) {
    return invalid_argument("zero_points have shape {}, expected {}", shape_string(c.input(3).dims()),
                            shape_string(zero_dims));
  }
  return b;
}

// Elements of data, or of zero_points, as float by their unpacked position.
struct Elements {
  const uint8_t* bytes = nullptr;
  const float* floats = nullptr;
  int64_t bits = 0, row = 1, packed_row = 1;
  Tensor owner;
  float at(int64_t i) const {
    return floats ? floats[i] : static_cast<float>(packed_at(bytes + i / row * packed_row, i % row, bits));
  }
};

Expected<Elements> read_elements(EvalContext& c, size_t input, int64_t bits, int64_t row) {
  Elements e;
  const Tensor& t = c.input(input);
  if (bits) {
    e.bytes = t.data<uint8_t>();
    e.bits = bits;
    e.row = std::max<int64_t>(row, 1);
    e.packed_row = t.dims().back();
  } else {
    ANYRT_ASSIGN(e.owner, c.input_as(input, DType::kFloat32));
    e.floats = e.owner.data<float>();
  }
  return e;
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Blocks b, read_blocks(c));
  ANYRT_ASSIGN(const std::vector<int64_t> indices, c.input_ints(1));
  ANYRT_ASSIGN(Tensor scales, c.input_as(2, DType::kFloat32));
  ANYRT_ASSIGN(scales, broadcast_to(scales, b.scale_dims));
  ANYRT_ASSIGN(const Elements data, read_elements(c, 0, b.bits, b.dims.back()));
  Elements zeros;
  const bool has_zeros = c.has_input(3);
  if (has_zeros) {
    ANYRT_ASSIGN(zeros, read_elements(c, 3, b.bits, b.scale_dims.back()));
  }
  const float default_zero = b.bits ? static_cast<float>(1u << (b.bits - 1)) : 0.0f;

  const int rank = static_cast<int>(b.dims.size());
  const int64_t outer = product(b.dims, 0, b.gather), inner = product(b.dims, b.gather + 1, rank);
  const int64_t size = b.dims[static_cast<size_t>(b.gather)], count = static_cast<int64_t>(indices.size());
  const int64_t length = b.dims[static_cast<size_t>(b.axis)], within = product(b.dims, b.axis + 1, rank);
  const int64_t blocks = b.scale_dims[static_cast<size_t>(b.axis)];
  Dims dims(b.dims.begin(), b.dims.begin() + b.gather);
  dims.insert(dims.end(), c.input(1).dims().begin(), c.input(1).dims().end());
  dims.insert(dims.end(), b.dims.begin() + b.gather + 1, b.dims.end());
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(DType::kFloat32, dims));
  float* out = y.mutable_data<float>();
  const float* scale = scales.data<float>();
  c.parallel_for(y.size() ? outer * count : 0, 1 + 1024 / std::max<int64_t>(inner, 1), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      int64_t index = indices[static_cast<size_t>(r % count)];
      if (index < 0) index += size;
      if (index < 0 || index >= size) continue;
      const int64_t first = (r / count * size + index) * inner;
      for (int64_t i = 0; i < inner; ++i) {
        const int64_t at = first + i, position = at / within % length;
        const int64_t s = (at / within / length * blocks + position / b.block) * within + at % within;
        out[r * inner + i] = (data.at(at) - (has_zeros ? zeros.at(s) : default_zero)) * scale[s];
      }
    }
  });
  return c.set_output_as(0, y, c.input(2).dtype());
}

}  // namespace

extern const OpDef op_microsoft_gather_block_quantized = {
    .name = "GatherBlockQuantized",
    .domain = "com.microsoft",
    .doc = "Gather from a tensor that is quantised in blocks along an axis; the result is dequantised.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      block_size=16 : u8[2,8]{99 206 239 189 230 118 144 73 8 228 231 190 155 112 158 208}, i64[1]{1}, f32[2,1]{1 0.5}, u8[2,1]{3 4} -> f32[1,16]{2 -2 0 5 1.5 5 5 3.5 3.5 2.5 -2 1.5 5 2.5 -2 4.5} ~ 1e-4 1e-5
      block_size=16 : u8[3,8]{rand:1}, i64[2]{2 -3}, f32[3,1]{1 2 3} -> ?
      block_size=16 : u8[3,8]{rand:1}, i64[1]{7}, f32[3,1]{1 2 3} -> f32[1,16]{0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0}
      block_size=16 bits=8 : u8[2,2]{128 129 0 255}, i64[1,1]{1}, f32[2,1]{1 2} -> f32[1,1,2]{-256 254}
      block_size=8 : i4[3,8]{rand:1}, i64[1]{0}, f32[3,1]{1 2 3} -> !block_size
      block_size=16 : u4[3,16]{rand:1}, i64[1]{0}, f32[3,2]{rand:2} -> !scales have shape
    )"),
};

}  // namespace anyrt
