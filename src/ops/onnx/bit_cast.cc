#include <cstring>

#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kAllDTypes - DType::kString}, {"T2", kAllDTypes - DType::kString}};
constexpr Param kInputs[] = {{"input", "T1"}};
constexpr Param kOutputs[] = {{"output", "T2", kRequiredParam, "same shape, same bits"}};
constexpr AttrDef kAttrs[] = {required_attr("to", AttrKind::kInt).with_doc("element type of the same width in bits")};

Status check(DType from, DType to, int64_t number) {
  if (to == DType::kUndefined || to == DType::kString) {
    return invalid_model("attribute 'to' must be an element type other than string, found {}", number);
  }
  if (from != DType::kUndefined && bits_in_file(from) != bits_in_file(to)) {
    return invalid_model("{} has {} bits, {} has {}: the widths must be equal", dtype_name(from), bits_in_file(from),
                         dtype_name(to), bits_in_file(to));
  }
  return {};
}

Status infer(InferContext& c) {
  const DType to = c.dtype("to");
  ANYRT_TRY(check(c.input_dtype(0), to, c.i("to")));
  const SymShape* shape = c.input_shape(0);
  c.set_output(0, to, shape ? std::optional<SymShape>(*shape) : std::nullopt);
  return {};
}

// The one byte in memory that holds the low `bits` bits of a value of this type.
uint8_t byte_of(uint8_t bits, int width, DType to) {
  switch (to) {
    case DType::kBool: return bits != 0;
    case DType::kInt4: return static_cast<uint8_t>(Int4(bits).value);
    case DType::kInt2: return static_cast<uint8_t>(Int2(bits).value);
    default: return static_cast<uint8_t>(bits & ((1u << width) - 1));
  }
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const DType to = c.dtype("to");
  ANYRT_TRY(check(x.dtype(), to, c.i("to")));
  ANYRT_ASSIGN(Tensor * y, c.output(0, to, x.dims()));
  if (x.bytes() == 0) return {};
  if (element_size(to) > 1) {
    std::memcpy(y->mutable_raw(), x.raw(), x.bytes());
    return {};
  }
  const int width = bits_in_file(to);
  for (size_t i = 0; i < x.bytes(); ++i) {
    y->mutable_raw()[i] = static_cast<std::byte>(byte_of(static_cast<uint8_t>(x.raw()[i]), width, to));
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_bit_cast = {
    .name = "BitCast",
    .since = 26,
    .first = 26,
    .doc = "Reads the bits of every element as another type of the same width.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      to=6 : f32[3]{1 -2 0} -> i32[3]{1065353216 -1073741824 0}
      to=1 : u32[2]{1065353216 2139095040} -> f32[2]{1 inf}
      to=2 : i8[3]{-1 0 127} -> u8[3]{255 0 127}
      to=7 : f64[]{1} -> i64[]{4607182418800017408}
      to=21 : i4[3]{-1 -8 7} -> u4[3]{15 8 7}
      to=22 : u4[2]{15 8} -> i4[2]{-1 -8}
      to=4 : bf16[0,2]{} -> u16[0,2]{}
      to=1 : f64[1]{1} -> !widths must be equal
      to=8 : f64[1]{1} -> !other than string
    )"),
};

}  // namespace anyrt
