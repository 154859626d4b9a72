#include "tensor/type.h"

#include <gtest/gtest.h>

namespace anyrt {
namespace {

const Dim kN = Dim::symbol("N");
const Type kFloat = Type::tensor(DType::kFloat32);

Type image(Dim batch) { return Type::tensor(DType::kFloat32, SymShape{std::move(batch), 3}); }

TEST(Type, Prints) {
  EXPECT_EQ(image(kN).to_string(), "float32[N,3]");
  EXPECT_EQ(kFloat.to_string(), "float32");
  EXPECT_EQ(Type::tensor(DType::kFloat32, SymShape{}).to_string(), "float32[]");
  EXPECT_EQ(Type::sequence(Type::tensor(DType::kInt64, SymShape{Dim()})).to_string(), "seq(int64[?])");
  EXPECT_EQ(Type::optional_of(kFloat).to_string(), "optional(float32)");
  EXPECT_EQ(Type::map(DType::kInt64, kFloat).to_string(), "map(int64,float32)");
  EXPECT_EQ(Type::sparse(DType::kInt8, SymShape{2}).to_string(), "sparse(int8[2])");
  EXPECT_EQ(Type().to_string(), "?");
}

TEST(Type, SameKindIgnoresShapes) {
  EXPECT_TRUE(same_kind_and_dtype(image(kN), kFloat));
  EXPECT_TRUE(same_kind_and_dtype(Type(), kFloat));
  EXPECT_TRUE(same_kind_and_dtype(Type::tensor(DType::kUndefined), kFloat));
  EXPECT_FALSE(same_kind_and_dtype(Type::tensor(DType::kInt8), kFloat));
  EXPECT_FALSE(same_kind_and_dtype(Type::sequence(kFloat), kFloat));
  EXPECT_FALSE(same_kind_and_dtype(Type::sequence(kFloat), Type::sequence(Type::tensor(DType::kInt8))));
  EXPECT_TRUE(same_kind_and_dtype(Type::sequence(Type()), Type::sequence(kFloat)));
}

TEST(Type, JoinKeepsWhatBothSay) {
  EXPECT_EQ(join_types(image(kN), image(kN)).to_string(), "float32[N,3]");
  EXPECT_EQ(join_types(image(kN), image(4)).to_string(), "float32[?,3]");
  EXPECT_EQ(join_types(image(kN), Type::tensor(DType::kFloat32, SymShape{3})).to_string(), "float32");
  EXPECT_EQ(join_types(image(kN), kFloat).to_string(), "float32");
  EXPECT_EQ(join_types(kFloat, Type::tensor(DType::kInt8)).to_string(), "?");
  EXPECT_FALSE(join_types(kFloat, Type::sequence(kFloat)).defined());
  EXPECT_EQ(join_types(Type::sequence(image(kN)), Type::sequence(image(2))).to_string(), "seq(float32[?,3])");
}

TEST(Type, RefineAddsWhatIsKnown) {
  EXPECT_EQ(refine_type(kFloat, image(kN))->to_string(), "float32[N,3]");
  EXPECT_EQ(refine_type(image(kN), image(4))->to_string(), "float32[4,3]");
  EXPECT_EQ(refine_type(image(4), image(kN))->to_string(), "float32[4,3]");
  EXPECT_EQ(refine_type(image(Dim()), image(kN))->to_string(), "float32[N,3]");
  EXPECT_EQ(refine_type(image(kN), image(Dim()))->to_string(), "float32[N,3]");
  EXPECT_EQ(refine_type(Type(), image(kN))->to_string(), "float32[N,3]");
  EXPECT_EQ(refine_type(Type::sequence(Type()), Type::sequence(kFloat))->to_string(), "seq(float32)");
  EXPECT_EQ(refine_type(Type::tensor(DType::kUndefined), kFloat)->to_string(), "float32");
}

TEST(Type, RefineFindsContradictions) {
  EXPECT_EQ(refine_type(image(4), image(5)).status().message(), "the shapes [4,3] and [5,3] differ in dimension 0");
  EXPECT_FALSE(refine_type(image(4), Type::tensor(DType::kFloat32, SymShape{4})).ok());
  EXPECT_FALSE(refine_type(kFloat, Type::tensor(DType::kInt8)).ok());
  EXPECT_FALSE(refine_type(kFloat, Type::sequence(kFloat)).ok());
  EXPECT_FALSE(refine_type(Type::sequence(kFloat), Type::sequence(Type::tensor(DType::kInt8))).ok());
}

}  // namespace
}  // namespace anyrt
