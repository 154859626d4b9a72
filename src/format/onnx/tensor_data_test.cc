#include "format/onnx/tensor_data.h"

#include <gmock/gmock.h>

#include "format/onnx/test_messages.h"
#include "format/onnx/writer.h"
#include "tensor/literal.h"

namespace anyrt::onnx {
namespace {

using testing::as_bytes;
using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::raw_tensor;
using testing::tensor_header;

Tensor read(const MessageOut& message) {
  const std::string bytes = bytes_of(message);
  auto t = read_tensor_pb(as_bytes(bytes));
  EXPECT_TRUE(t.ok()) << t.status().to_string();
  return t.ok() ? *t : Tensor();
}

std::string error_of(const MessageOut& message) {
  const std::string bytes = bytes_of(message);
  return read_tensor_pb(as_bytes(bytes)).status().message();
}

TEST(TensorData, reads_typed_fields_packed_and_not) {
  MessageOut floats = tensor_header("f", 1, {3});
  floats.packed(4, std::vector<float>{1, 2});
  floats.number(4, 3);
  EXPECT_EQ(print_tensor(read(floats)), "f32[3]{1 2 3}");
  MessageOut ints = tensor_header("i", 7, {2});
  ints.integer(7, -7);
  ints.integer(7, 8);
  EXPECT_EQ(print_tensor(read(ints)), "i64[2]{-7 8}");
  MessageOut strings = tensor_header("s", 8, {2});
  strings.text(6, "a");
  strings.text(6, "");
  EXPECT_EQ(print_tensor(read(strings)), "str[2]{\"a\" \"\"}");
}

TEST(TensorData, reads_narrow_types_from_int32_data) {
  MessageOut half = tensor_header("h", 10, {2});
  half.packed(5, std::vector<int64_t>{0x3c00, 0xc000});
  EXPECT_EQ(print_tensor(read(half)), "f16[2]{1 -2}");
  MessageOut bytes = tensor_header("b", 3, {2});
  bytes.packed(5, std::vector<int64_t>{-128, 127});
  EXPECT_EQ(print_tensor(read(bytes)), "i8[2]{-128 127}");
  MessageOut wide = tensor_header("w", 3, {1});
  wide.packed(5, std::vector<int64_t>{300});
  EXPECT_THAT(error_of(wide), HasSubstr("out of the type's range"));
  MessageOut bools = tensor_header("t", 9, {2});
  bools.packed(5, std::vector<int64_t>{0, 7});
  EXPECT_EQ(print_tensor(read(bools)), "bool[2]{false true}");
}

TEST(TensorData, unpacks_4_and_2_bits) {
  const Tensor int4 = read(raw_tensor("q", 22, {3}, "\x8f\x07"));
  EXPECT_THAT(std::vector<int>(int4.raw() ? reinterpret_cast<const int8_t*>(int4.raw()) : nullptr,
                               reinterpret_cast<const int8_t*>(int4.raw()) + 3),
              ElementsAre(-1, -8, 7));
  const Tensor uint2 = read(raw_tensor("q", 25, {5}, "\xe4\x02"));
  EXPECT_EQ(print_tensor(uint2), "u2[5]{0 1 2 3 2}");
  MessageOut typed = tensor_header("q", 21, {3});
  typed.packed(5, std::vector<int64_t>{0x21, 0x0f});
  EXPECT_EQ(print_tensor(read(typed)), "u4[3]{1 2 15}");
}

TEST(TensorData, sizes_must_agree_with_dims) {
  EXPECT_THAT(error_of(raw_tensor("w", 1, {2, 3}, "abcd")),
              HasSubstr("tensor 'w' (float32[2,3]): raw_data has 4 bytes, expected 24"));
  MessageOut typed = tensor_header("w", 1, {2});
  typed.packed(4, std::vector<float>{1, 2, 3});
  EXPECT_THAT(error_of(typed), HasSubstr("float_data has 3 entries, expected 2"));
  // An int64 tensor whose numbers lie in the wrong field.
  MessageOut wrong = tensor_header("w", 7, {1});
  wrong.packed(4, std::vector<float>{1});
  EXPECT_THAT(error_of(wrong), HasSubstr("int64_data has 0 entries, expected 1"));
}

TEST(TensorData, refuses_hostile_headers_before_allocating) {
  EXPECT_THAT(error_of(tensor_header("w", 1, {int64_t{1} << 40})), HasSubstr("expected 1099511627776"));
  EXPECT_THAT(error_of(tensor_header("w", 1, {-1})), HasSubstr("'w'"));
  EXPECT_THAT(error_of(tensor_header("w", 1, {int64_t{1} << 40, int64_t{1} << 40})), HasSubstr("'w'"));
  EXPECT_THAT(error_of(tensor_header("w", 15, {int64_t{1} << 62})), HasSubstr("'w'"));
  EXPECT_THAT(error_of(tensor_header("w", 99, {1})), HasSubstr("element type 99 is not known"));
  MessageOut segment = tensor_header("w", 1, {1});
  segment.message(3, MessageOut());
  EXPECT_THAT(error_of(segment), HasSubstr("segment"));
  MessageOut strings = tensor_header("s", 8, {1});
  strings.text(9, "abc");
  EXPECT_THAT(error_of(strings), HasSubstr("strings in raw_data"));
}

TEST(TensorData, bytes_that_are_no_booleans_become_true) {
  const Tensor t = read(raw_tensor("b", 9, {3}, std::string_view("\x00\x01\x40", 3)));
  EXPECT_EQ(print_tensor(t), "bool[3]{false true true}");
}

Value round_trip(const Value& value, const Type& type) {
  auto bytes = write_value_pb(value, type);
  EXPECT_TRUE(bytes.ok()) << bytes.status().to_string();
  auto back = read_value_pb(as_bytes(*bytes), type);
  EXPECT_TRUE(back.ok()) << back.status().to_string();
  return back.ok() ? *back : Value();
}

TEST(ValueData, every_kind_of_value_comes_back) {
  for (std::string_view text : {"f32[2]{1 2}", "str[1]{\"x\"}", "i4[3]{-8 7 1}", "u2[5]{0 1 2 3 1}", "c64[1]{1+2i}",
                                "f16[]{2}", "bool[2]{true false}", "i64[0]{}", "f64[1]{0.5}"}) {
    std::string_view rest = text;
    auto t = parse_tensor(rest);
    ASSERT_TRUE(t.ok()) << t.status().to_string();
    const Value back = round_trip(*t, Type::tensor(t->dtype()));
    ASSERT_TRUE(back.is_tensor());
    EXPECT_TRUE(identical(back.tensor(), *t)) << text;
  }
  const Type float_type = Type::tensor(DType::kFloat32);
  const Value sequence = Sequence{float_type, {Tensor::scalar(1.0f), Tensor::scalar(2.0f)}};
  const Value back = round_trip(sequence, Type::sequence(float_type));
  ASSERT_TRUE(back.is_sequence());
  EXPECT_EQ(back.sequence().values.size(), 2u);
  EXPECT_TRUE(round_trip(Value(), Type::optional_of(float_type)).empty());
  EXPECT_TRUE(round_trip(sequence, Type::optional_of(Type::sequence(float_type))).is_sequence());
  std::map<std::string, Value> entries;
  entries.emplace("k", Tensor::scalar(3.0f));
  const Value map = round_trip(MapValue{float_type, entries}, Type::map(DType::kString, float_type));
  ASSERT_TRUE(map.is_map());
  EXPECT_EQ((std::get<std::map<std::string, Value>>(map.map().entries).size()), 1u);
  const SparseTensor sparse{{4}, Tensor::vector<float>(std::vector<float>{5}), Tensor::int64s({2})};
  const Value sparse_back = round_trip(sparse, Type::sparse(DType::kFloat32));
  ASSERT_TRUE(sparse_back.is_sparse());
  EXPECT_EQ(sparse_back.sparse().dims, Dims{4});
}

TEST(ValueData, kinds_must_be_what_is_expected) {
  auto bytes = write_value_pb(Tensor::scalar(1.0f));
  ASSERT_TRUE(bytes.ok());
  EXPECT_THAT(read_value_pb(as_bytes(*bytes), Type::tensor(DType::kInt64)).status().message(),
              HasSubstr("tensor is float32[], expected int64"));
  auto ints = write_value_pb(Sequence{Type::tensor(DType::kInt64), {Tensor::int64s({1})}});
  EXPECT_THAT(read_value_pb(as_bytes(*ints), Type::sequence(Type::tensor(DType::kFloat32))).status().message(),
              HasSubstr("expected float32"));
}

}  // namespace
}  // namespace anyrt::onnx
