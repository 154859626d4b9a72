#include "tools/data/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "codec/image.h"
#include "codec/npz.h"
#include "format/onnx/reader.h"
#include "tensor/file.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor tensor(std::string_view literal) { return *parse_tensor(literal); }

TEST(Output, TopK) {
  auto rows = top_k(tensor("f32[2,3]{1 3 2 nan 5 5}"), 2, false);
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0][0].index, 1);
  EXPECT_EQ((*rows)[0][1].index, 2);
  EXPECT_EQ((*rows)[1][0].index, 1);
  EXPECT_EQ((*rows)[1][1].index, 2);
  rows = top_k(tensor("f32[1,2,1,1]{0 0}"), 9, true);
  ASSERT_EQ(rows->at(0).size(), 2u);
  EXPECT_DOUBLE_EQ(rows->at(0)[0].value, 0.5);
  EXPECT_EQ(top_k(tensor("i64[]{4}"), 1, false)->at(0)[0].value, 4);
  EXPECT_TRUE(top_k(tensor("f32[0,3]{}"), 1, false)->empty());
  EXPECT_FALSE(top_k(tensor("str[1]{\"a\"}"), 1, false).ok());
}

TEST(Output, Tables) {
  const std::vector<NamedValue> outputs = {
      {"y", tensor("f32[1,3]{0.5 -2 nan}")}, {"s", tensor("str[1]{\"a\"}")}, {"none", Value()}};
  const std::string text = output_table(outputs, {.max_elements = 2});
  EXPECT_THAT(text, HasSubstr("y: float32[1,3]  min -2 max 0.5 mean -0.75  1 not finite\n  0.5 -2 … 1 more\n"));
  EXPECT_THAT(text, HasSubstr("s: string[1]\n  \"a\"\n"));
  EXPECT_THAT(text, HasSubstr("none: no value\n"));
  const std::string top = output_table(outputs, {.top_k = 1, .labels = {"cat", "dog"}});
  EXPECT_THAT(top, HasSubstr("0.5       0  cat\n"));
  Sequence sequence{Type::tensor(DType::kInt64), {tensor("i64[1]{4}")}};
  EXPECT_THAT(output_table({{"q", Value(sequence)}}, {}), HasSubstr("  [0]: int64[1]"));
  MapValue map{Type::tensor(DType::kFloat32), std::map<std::string, Value>{{"k", tensor("f32[]{1}")}}};
  EXPECT_THAT(output_table({{"m", Value(map)}}, {}), HasSubstr("  \"k\": float32[]"));
}

TEST(Output, Json) {
  const Json json = *outputs_to_json({{"y", tensor("f32[1,2]{0.5 1}")}}, {.top_k = 1, .labels = {"a", "b"}});
  const Json& y = json["outputs"].items().at(0);
  EXPECT_EQ(y["name"].as_string(), "y");
  EXPECT_EQ(y["dtype"].as_string(), "float32");
  EXPECT_EQ(y["data"].dump(), "[[0.5,1.0]]");
  EXPECT_EQ(y["top"].items()[0].items()[0]["label"].as_string(), "b");
  MapValue map{Type::tensor(DType::kFloat32), std::map<int64_t, Value>{{3, tensor("f32[]{1}")}}};
  const Json m = *value_to_json(Value(map));
  EXPECT_EQ(m["entries"].items()[0]["key"].as_int(), 3);
}

TEST(Output, Labels) {
  const std::string path = testing::TempDir() + "output_test_labels";
  ASSERT_TRUE(write_file(path, "cat\r\ndog\n").ok());
  EXPECT_THAT(*read_labels(path), ElementsAre("cat", "dog"));
  ASSERT_TRUE(write_file(path, "[\"cat\", \"dog\"]").ok());
  EXPECT_THAT(*read_labels(path), ElementsAre("cat", "dog"));
  ASSERT_TRUE(write_file(path, "{\"1\": [\"n02\", \"dog\"], \"0\": \"cat\"}").ok());
  EXPECT_THAT(*read_labels(path), ElementsAre("cat", "dog"));
  ASSERT_TRUE(write_file(path, "{\"x\": \"dog\"}").ok());
  EXPECT_THAT(read_labels(path).status().message(), HasSubstr("'x' is not an index"));
  std::filesystem::remove(path);
}

TEST(Output, WritesFiles) {
  const std::string folder = testing::TempDir() + "output_test/";
  std::filesystem::create_directories(folder);
  const std::vector<NamedValue> outputs = {{"a", tensor("f32[2]{1 2}")}, {"b", tensor("str[1]{\"x\"}")}};
  ASSERT_TRUE(write_outputs(outputs, folder + "all.npz").ok());
  EXPECT_EQ(read_npz(folder + "all.npz")->size(), 2u);
  ASSERT_TRUE(write_outputs(outputs, "a=" + folder + "a.npy").ok());
  EXPECT_TRUE(identical(*read_npy(folder + "a.npy"), outputs[0].value.tensor()));
  ASSERT_TRUE(write_outputs(outputs, "a=" + folder + "a.csv").ok());
  EXPECT_EQ(*read_file(folder + "a.csv"), "1\n2\n");
  ASSERT_TRUE(write_outputs(outputs, "b=" + folder + "b.txt").ok());
  EXPECT_EQ(*read_file(folder + "b.txt"), "x\n");
  ASSERT_TRUE(write_outputs(outputs, folder + "all.json").ok());
  EXPECT_THAT(*read_file(folder + "all.json"), HasSubstr("\"data\":[1.0,2.0]"));
  ASSERT_TRUE(write_outputs(outputs, folder + "set/").ok());
  const auto pb = map_file(folder + "set/output_0.pb");
  ASSERT_TRUE(pb.ok());
  EXPECT_TRUE(identical(*read_tensor_pb({(*pb)->data(), (*pb)->size()}), outputs[0].value.tensor()));
  EXPECT_THAT(write_outputs(outputs, folder + "x.npy").message(), HasSubstr("holds one output, the model has 2"));
  EXPECT_THAT(write_outputs(outputs, "c=" + folder + "x.npy").message(), HasSubstr("no output 'c'"));
  EXPECT_THAT(write_outputs(outputs, folder + "x.doc").message(), HasSubstr("outputs are written to"));
  const std::vector<NamedValue> picture = {{"p", tensor("f32[1,1,2,5]{0 1 0.5 0 0 0 0 0 0 1}")}};
  if (const Status s = write_outputs(picture, folder + "p.png"); s.code() != Code::kNotImplemented) {
    ASSERT_TRUE(s.ok()) << s.to_string();
    const Tensor back = *read_image(folder + "p.png", {.format = PixelFormat::kGrayscale});
    EXPECT_THAT(back.dims(), ElementsAre(2, 5, 1));
    EXPECT_EQ(back.data<uint8_t>()[1], 255);
    EXPECT_EQ(back.data<uint8_t>()[2], 128);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace anyrt
