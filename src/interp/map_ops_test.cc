#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interp/interp.h"
#include "opdef/schema.h"
#include "tensor/literal.h"

// Operators on maps, for which cases have no notation.

namespace anyrt {
namespace {

using testing::HasSubstr;

Value tensor(std::string_view text) { return *parse_tensor(text); }

Expected<Value> run(const char* op, const Value& input, std::vector<Attr> attrs) {
  Node node;
  node.domain = "ai.onnx.ml";
  node.op = op;
  node.attrs = std::move(attrs);
  node.inputs = {ValueId(0)};
  node.outputs = {ValueId(1)};
  ANYRT_TRY(resolve_op(node));
  ANYRT_TRY(verify_attrs(node));
  fill_attr_defaults(node);
  ANYRT_ASSIGN(std::vector<Value> out, interpret_node(node, {input}));
  return out[0];
}

std::string text(const Expected<Value>& v) {
  if (!v.ok()) return v.status().message();
  return v->is_tensor() ? print_tensor(v->tensor()) : v->type_string();
}

template <class Key>
Value map_of(DType dtype, std::map<Key, Value> entries) {
  return MapValue{Type::tensor(dtype, SymShape{}), std::move(entries)};
}

Value floats() {
  return map_of<int64_t>(DType::kFloat32,
                         {{3, tensor("f32[]{2.25}")}, {1, tensor("f32[]{1.5}")}, {0, tensor("f32[]{-7}")}});
}

TEST(CastMap, DenseAndSparse) {
  EXPECT_EQ(text(run("CastMap", floats(), {})), "f32[1,3]{-7 1.5 2.25}");
  EXPECT_EQ(text(run("CastMap", floats(), {{"cast_to", std::string("TO_INT64")}})), "i64[1,3]{-7 1 2}");
  EXPECT_EQ(text(run("CastMap", floats(), {{"map_form", std::string("SPARSE")}, {"max_map", int64_t{4}}})),
            "f32[1,4]{-7 1.5 0 2.25}");
  EXPECT_EQ(
      text(run("CastMap", floats(),
               {{"cast_to", std::string("TO_STRING")}, {"map_form", std::string("SPARSE")}, {"max_map", int64_t{3}}})),
      "str[1,3]{\"-7.000000\" \"1.500000\" \"0.f\"}");
}

TEST(CastMap, Strings) {
  const Value numbers = map_of<int64_t>(DType::kString, {{1, tensor("str[]{\"12\"}")}, {2, tensor("str[]{\"-3\"}")}});
  EXPECT_EQ(text(run("CastMap", numbers, {{"cast_to", std::string("TO_INT64")}})), "i64[1,2]{12 -3}");
  EXPECT_EQ(text(run("CastMap", numbers, {})), "f32[1,2]{12 -3}");
  EXPECT_EQ(text(run("CastMap", numbers, {{"cast_to", std::string("TO_STRING")}})), "str[1,2]{\"12\" \"-3\"}");
  const Value word = map_of<int64_t>(DType::kString, {{1, tensor("str[]{\"x\"}")}});
  EXPECT_THAT(text(run("CastMap", word, {{"cast_to", std::string("TO_INT64")}})), HasSubstr("'x' is not an integer"));
}

TEST(CastMap, Errors) {
  const Value negative = map_of<int64_t>(DType::kFloat32, {{-1, tensor("f32[]{1}")}});
  EXPECT_THAT(text(run("CastMap", negative, {{"map_form", std::string("SPARSE")}})), HasSubstr("key -1"));
  EXPECT_THAT(text(run("CastMap", floats(), {{"map_form", std::string("THICK")}})), HasSubstr("map_form"));
  const Value named = map_of<std::string>(DType::kFloat32, {{"a", tensor("f32[]{1}")}});
  EXPECT_THAT(text(run("CastMap", named, {})), HasSubstr("keys must be int64"));
}

TEST(DictVectorizer, InOrderOfTheVocabulary) {
  const Value named = map_of<std::string>(DType::kFloat64, {{"a", tensor("f64[]{1}")}, {"c", tensor("f64[]{2}")}});
  EXPECT_EQ(text(run("DictVectorizer", named, {{"string_vocabulary", std::vector<std::string>{"c", "x", "a"}}})),
            "f64[1,3]{2 0 1}");
  EXPECT_EQ(text(run("DictVectorizer", floats(), {{"int64_vocabulary", std::vector<int64_t>{3, 9}}})),
            "f32[1,2]{2.25 0}");
  const Value words = map_of<int64_t>(DType::kString, {{1, tensor("str[]{\"q\"}")}});
  EXPECT_EQ(text(run("DictVectorizer", words, {{"int64_vocabulary", std::vector<int64_t>{2, 1}}})),
            "str[1,2]{\"\" \"q\"}");
  EXPECT_THAT(text(run("DictVectorizer", named, {{"int64_vocabulary", std::vector<int64_t>{2}}})),
              HasSubstr("string_vocabulary"));
}

TEST(ZipMap, OneMapForEachRow) {
  const auto out =
      run("ZipMap", tensor("f32[2,2]{0.25 0.75 1 0}"), {{"classlabels_strings", std::vector<std::string>{"b", "a"}}});
  ASSERT_TRUE(out.ok()) << out.status().message();
  ASSERT_EQ(out->sequence().values.size(), 2u);
  const auto& row = std::get<std::map<std::string, Value>>(out->sequence().values[0].map().entries);
  EXPECT_EQ(print_tensor(row.at("b").tensor()), "f32[]{0.25}");
  EXPECT_EQ(print_tensor(row.at("a").tensor()), "f32[]{0.75}");
  const auto single = run("ZipMap", tensor("f32[1]{3}"), {{"classlabels_int64s", std::vector<int64_t>{5}}});
  ASSERT_TRUE(single.ok());
  EXPECT_EQ(std::get<0>(single->sequence().values[0].map().entries).at(5).tensor().data<float>()[0], 3);
}

}  // namespace
}  // namespace anyrt
