#include "tensor/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "tensor/literal.h"

namespace anyrt {
namespace {

Tensor parse(std::string_view text) {
  auto tensor = parse_tensor(text);
  EXPECT_TRUE(tensor.ok()) << tensor.status().message();
  return tensor.ok() ? *tensor : Tensor();
}

std::string dense(Dims dims, std::string_view values, std::string_view indices) {
  const auto result = to_dense({std::move(dims), parse(values), parse(indices)});
  return result.ok() ? print_tensor(*result) : result.status().message();
}

TEST(Value, Types) {
  EXPECT_TRUE(Value().empty());
  EXPECT_FALSE(Value().type().defined());
  EXPECT_EQ(Value(parse("f32[2]{1 2}")).type_string(), "float32[2]");
  Sequence sequence{Type::tensor(DType::kInt64), {Value(parse("i64[]{1}"))}};
  EXPECT_EQ(Value(sequence).type_string(), "seq(int64) of 1");
  MapValue map{Type::tensor(DType::kFloat32), std::map<std::string, Value>{}};
  EXPECT_EQ(Value(map).type_string(), "map(string,float32)");
  map.entries = std::map<int64_t, Value>{{3, Value(parse("f32[]{1}"))}};
  EXPECT_EQ(Value(map).type().to_string(), "map(int64,float32)");
  EXPECT_EQ(Value(SparseTensor{{4}, parse("f32[1]{1}"), parse("i64[1]{2}")}).type_string(), "sparse(float32[4])");
}

TEST(Sparse, ToDense) {
  EXPECT_EQ(dense({2, 3}, "f32[2]{1 2}", "i64[2]{1 5}"), "f32[2,3]{0 1 0 0 0 2}");
  EXPECT_EQ(dense({2, 3}, "i8[2]{1 2}", "i64[2,2]{0 1 1 2}"), "i8[2,3]{0 1 0 0 0 2}");
  EXPECT_EQ(dense({2}, "str[1]{\"x\"}", "i64[1]{1}"), "str[2]{\"\" \"x\"}");
  EXPECT_EQ(dense({3}, "f32[0]{}", "i64[0]{}"), "f32[3]{0 0 0}");
  EXPECT_EQ(dense({}, "f32[1]{7}", "i64[1,0]{}"), "f32[]{7}");
}

TEST(Sparse, RefusesBrokenIndices) {
  for (const auto& [dims, values, indices] : std::vector<std::tuple<Dims, const char*, const char*>>{
           {{2, 3}, "f32[1]{1}", "i64[1]{6}"},
           {{2, 3}, "f32[1]{1}", "i64[1]{-1}"},
           {{2, 3}, "f32[1]{1}", "i64[1,2]{0 3}"},
           {{2, 3}, "f32[1]{1}", "i64[1,2]{-1 0}"},
           {{2, 3}, "f32[1]{1}", "i64[1,3]{0 0 0}"},
           {{2, 3}, "f32[2]{1 2}", "i64[1]{0}"},
           {{2, 3}, "f32[1]{1}", "i32[1]{0}"},
           {{2, 3}, "f32[1,1]{1}", "i64[1]{0}"},
           {{0}, "f32[1]{1}", "i64[1]{0}"},
           {{-1}, "f32[1]{1}", "i64[1]{0}"},
           {{std::numeric_limits<int64_t>::max(), 4}, "f32[1]{1}", "i64[1,2]{0 0}"}}) {
    EXPECT_FALSE(to_dense({dims, parse(values), parse(indices)}).ok()) << values << " " << indices;
  }
  EXPECT_FALSE(to_dense({{1}, Tensor(), Tensor()}).ok());
}

}  // namespace
}  // namespace anyrt
