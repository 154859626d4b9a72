#include "codec/jsontensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/literal.h"

namespace anyrt {
namespace {

using testing::HasSubstr;

std::string read(std::string_view text, DType dtype = DType::kUndefined) {
  auto json = Json::parse(text);
  EXPECT_TRUE(json.ok()) << text;
  auto t = tensor_from_json(*json, dtype);
  return t.ok() ? print_tensor(*t) : t.status().message();
}

std::string written(std::string_view literal) {
  auto t = parse_tensor(literal);
  EXPECT_TRUE(t.ok());
  return tensor_to_json(*t)->dump();
}

TEST(JsonTensor, FindsTheType) {
  EXPECT_EQ(read("[[1, 2], [3, 4]]"), "i64[2,2]{1 2 3 4}");
  EXPECT_EQ(read("[1, 2.5]"), "f32[2]{1 2.5}");
  EXPECT_EQ(read("[true, false]"), "bool[2]{true false}");
  EXPECT_EQ(read("[\"a\", \"nan\"]"), "str[2]{\"a\" \"nan\"}");
  EXPECT_EQ(read("7"), "i64[]{7}");
  EXPECT_EQ(read("[]"), "f32[0]{}");
  EXPECT_EQ(read("[[], []]"), "f32[2,0]{}");
  EXPECT_EQ(read("[1, null, \"-inf\"]"), "f32[3]{1 nan -inf}");
}

TEST(JsonTensor, TypesOnRequest) {
  EXPECT_EQ(read("[1, 2]", DType::kFloat32), "f32[2]{1 2}");
  EXPECT_EQ(read("[1, 2.0]", DType::kInt32), "i32[2]{1 2}");
  EXPECT_EQ(read("[18446744073709549568]", DType::kUInt64), "u64[1]{18446744073709549568}");
  EXPECT_THAT(read("[1.5]", DType::kInt32), HasSubstr("element 0 is 1.5, which int32 cannot hold"));
  EXPECT_THAT(read("[1, 300]", DType::kUInt8), HasSubstr("element 1 is 300, which uint8 cannot hold"));
  EXPECT_THAT(read("[\"x\"]", DType::kFloat32), HasSubstr("element 0 is \"x\""));
  EXPECT_THAT(read("[1]", DType::kString), HasSubstr("which string cannot hold"));
}

TEST(JsonTensor, ObjectForm) {
  EXPECT_EQ(read("{\"dtype\": \"int32\", \"shape\": [2, 2], \"data\": [1, 2, 3, 4]}"), "i32[2,2]{1 2 3 4}");
  EXPECT_EQ(read("{\"dtype\": \"float16\", \"shape\": [0, 3], \"data\": []}"), "f16[0,3]{}");
  EXPECT_THAT(read("{\"dtype\": \"int99\", \"data\": [1]}"), HasSubstr("\"int99\" is not an element type"));
  EXPECT_THAT(read("{\"shape\": [-1], \"data\": [1]}"), HasSubstr("not an array of sizes"));
  EXPECT_THAT(read("{\"shape\": [2], \"data\": [1]}"), testing::Not(HasSubstr("{")));
  EXPECT_THAT(read("{\"x\": 1}"), HasSubstr("found an object"));
}

TEST(JsonTensor, RefusesRaggedData) {
  EXPECT_EQ(read("[[1, 2], [3]]"), "ragged data: [1] is an array of 1, an array of 2 was expected");
  EXPECT_EQ(read("[[1, 2], 3]"), "ragged data: [1] is a number, an array of 2 was expected");
  EXPECT_EQ(read("[1, [2]]"), "ragged data: [1] is an array, the elements before are not");
  EXPECT_EQ(read("[[[1], [2]], [[3], [4, 5]]]"), "ragged data: [1][1] is an array of 2, an array of 1 was expected");
}

TEST(JsonTensor, Writes) {
  EXPECT_EQ(written("i64[2,2]{1 2 3 4}"), "[[1,2],[3,4]]");
  EXPECT_EQ(written("f32[3]{0.1 nan -inf}"), "[0.1,\"nan\",\"-inf\"]");
  EXPECT_EQ(written("f32[]{2.5}"), "2.5");
  EXPECT_EQ(written("f32[2,0]{}"), "[[],[]]");
  EXPECT_EQ(written("str[1]{\"a\\\"b\"}"), "[\"a\\\"b\"]");
  EXPECT_EQ(written("bool[2]{true false}"), "[true,false]");
  EXPECT_EQ(written("c64[1]{1+2i}"), "[[1.0,2.0]]");
}

TEST(JsonTensor, TypedFormRoundTrips) {
  for (std::string_view literal : {"f16[2]{1.5 inf}", "i4[3]{-8 0 7}", "u64[1]{5}", "str[1,1]{\"x\"}", "f32[0,2]{}",
                                   "bool[]{true}", "c64[]{1+2i}", "c128[2,2]{1+2i 0.5-1i 0+0i nan+0i}"}) {
    std::string_view text = literal;
    const Tensor t = *parse_tensor(text);
    auto back = tensor_from_json(*Json::parse(tensor_to_typed_json(t)->dump()));
    ASSERT_TRUE(back.ok()) << literal << ": " << back.status().to_string();
    EXPECT_EQ(print_tensor(*back), literal);
  }
}

TEST(JsonTensor, ComplexAsText) {
  const auto t = tensor_from_json(*Json::parse("[\"1+2i\", 3, \"-1j\"]"), DType::kComplex64);
  ASSERT_TRUE(t.ok()) << t.status().to_string();
  EXPECT_EQ(print_tensor(*t), "c64[3]{1+2i 3+0i 0-1i}");
  EXPECT_FALSE(tensor_from_json(*Json::parse("[\"1+2k\"]"), DType::kComplex64).ok());
}

TEST(JsonTensor, SplitsNamedData) {
  auto named = split_named_json(*Json::parse("{\"a\": [1], \"b\": 2}"));
  ASSERT_TRUE(named.ok());
  ASSERT_EQ(named->size(), 2u);
  EXPECT_EQ((*named)[0].name, "a");
  EXPECT_EQ((*named)[1].value.as_int(), 2);
  named = split_named_json(*Json::parse("[1, 2]"));
  EXPECT_EQ((*named)[0].name, "");
  named = split_named_json(*Json::parse("{\"dtype\": \"int8\", \"data\": [1]}"));
  EXPECT_EQ(named->size(), 1u);
  EXPECT_THAT(read_named_json("/no/such.json").status().message(), HasSubstr("/no/such.json"));
}

}  // namespace
}  // namespace anyrt
