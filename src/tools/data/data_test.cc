#include "tools/data/data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "codec/image.h"
#include "codec/npz.h"
#include "codec/wav.h"
#include "format/onnx/writer.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ValueSpec spec(std::string name, DType dtype, std::optional<SymShape> shape) {
  ValueSpec s;
  s.name = std::move(name);
  s.type = Type::tensor(dtype, std::move(shape));
  return s;
}

Tensor tensor(std::string_view literal) { return *parse_tensor(literal); }

const Dim kN = Dim::symbol("N");

class DataTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(std::string_view name) const { return folder_ + std::string(name); }

  // The inputs as text, or the error.
  std::string load(const std::vector<ValueSpec>& inputs, const std::vector<std::string>& texts,
                   const DataOptions& options = {}) {
    auto loaded = load_inputs(inputs, texts, options);
    if (!loaded.ok()) return loaded.status().message();
    notes_ = loaded->notes;
    std::string out;
    for (const Value& v : loaded->values) {
      if (!out.empty()) out += ' ';
      out += v.empty() ? "_" : v.is_tensor() ? print_tensor(v.tensor(), 6) : v.type_string();
    }
    return out;
  }

  std::string folder_ = testing::TempDir() + "data_test/";
  std::vector<std::string> notes_;
};

TEST_F(DataTest, InlineAndGeneratedValues) {
  const std::vector<ValueSpec> inputs = {spec("x", DType::kFloat32, SymShape{kN, 2}),
                                         spec("sr", DType::kInt64, SymShape{})};
  EXPECT_EQ(load(inputs, {"x=[[1, 2.5]]", "sr=16000"}), "f32[1,2]{1 2.5} i64[]{16000}");
  EXPECT_EQ(load(inputs, {"zeros", "sr=7"}), "f32[1,2]{0 0} i64[]{7}");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("dimension N is taken as 1")));
  EXPECT_EQ(load(inputs, {"fill:3"}, {.dims = {{"N", 2}}}), "f32[2,2]{3 3 3 3} i64[]{3}");
  EXPECT_TRUE(notes_.empty());
  EXPECT_EQ(load(inputs, {"ones"}, {.shapes = {{"x", {3, 2}}}}), "f32[3,2]{1 1 1 1 1 1} i64[]{1}");
  EXPECT_EQ(load(inputs, {"random:5"}), load(inputs, {"random:5"}));
  EXPECT_NE(load(inputs, {"random:5"}), load(inputs, {"random:6"}));
  EXPECT_EQ(load({spec("s", DType::kString, SymShape{1})}, {"text:a=b"}), "str[1]{\"a=b\"}");
}

TEST_F(DataTest, RandomStaysInRange) {
  auto loaded = load_inputs({spec("x", DType::kUInt8, SymShape{1000})}, {"random:1:10:20"}, {});
  ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
  for (uint8_t v : loaded->values[0].tensor().span<uint8_t>()) {
    ASSERT_GE(v, 10);
    ASSERT_LT(v, 20);
  }
  EXPECT_THAT(load({spec("x", DType::kUInt8, SymShape{1})}, {"random:1:2"}), HasSubstr("random:SEED:LOW:HIGH"));
}

TEST_F(DataTest, NamesWhatIsMissingOrSurplus) {
  std::vector<ValueSpec> inputs = {spec("ids", DType::kInt64, SymShape{kN}), spec("mask", DType::kInt64, SymShape{kN})};
  EXPECT_THAT(load(inputs, {}), HasSubstr("input 'ids' (int64[N]), 'mask' (int64[N])"));
  EXPECT_THAT(load(inputs, {"idz=[1]"}), HasSubstr("no input 'idz'; did you mean 'ids'?; it has: ids, mask"));
  EXPECT_THAT(load(inputs, {"ids=[1]", "ids=[2]"}), HasSubstr("'ids' was given twice"));
  EXPECT_THAT(load(inputs, {"[1]", "[2]", "[3]"}), HasSubstr("'[3]': the model has 2 inputs"));
  EXPECT_THAT(load(inputs, {"zeros"}, {.shapes = {{"y", {1}}}}), HasSubstr("'y', which is not an input"));
  inputs[1].has_default = true;
  EXPECT_EQ(load(inputs, {"[1, 2]"}), "i64[2]{1 2} _");
  EXPECT_EQ(load(inputs, {"[1]", "[2]"}), "i64[1]{1} i64[1]{2}");
}

TEST_F(DataTest, ConvertsWithoutChangingValues) {
  ASSERT_TRUE(write_npy(path("x.npy"), tensor("f64[2]{1 2}")).ok());
  EXPECT_EQ(load({spec("x", DType::kFloat32, SymShape{2})}, {path("x.npy")}), "f32[2]{1 2}");
  EXPECT_EQ(load({spec("x", DType::kInt32, SymShape{1, 2})}, {"x=" + path("x.npy")}), "i32[1,2]{1 2}");
  EXPECT_THAT(load({spec("x", DType::kFloat32, SymShape{3})}, {path("x.npy")}),
              HasSubstr("input 'x': expected float32[3], found float64[2]"));
  ASSERT_TRUE(write_npy(path("y.npy"), tensor("f32[2]{1 2.5}")).ok());
  EXPECT_THAT(load({spec("x", DType::kInt32, SymShape{2})}, {path("y.npy")}),
              HasSubstr("element 1 of the float32 data is 2.5, which int32 cannot hold"));
  ASSERT_TRUE(write_npy(path("z.npy"), tensor("i64[2]{1 300}")).ok());
  EXPECT_THAT(load({spec("x", DType::kUInt8, SymShape{2})}, {path("z.npy")}), HasSubstr("is 300, which uint8"));
  EXPECT_EQ(load({spec("x", DType::kFloat16, SymShape{1, 2, 1})}, {path("z.npy") + ",shape=2x1"}), "f16[1,2,1]{1 300}");
  EXPECT_THAT(load({spec("x", DType::kString, SymShape{2})}, {path("z.npy")}),
              HasSubstr("int64 data was given, expected string"));
}

TEST_F(DataTest, FilesOfSeveralInputs) {
  const std::vector<ValueSpec> inputs = {spec("a", DType::kFloat32, SymShape{2}),
                                         spec("b", DType::kInt64, SymShape{1})};
  const std::vector<NamedTensor> both = {{"b", tensor("i64[1]{7}")}, {"a", tensor("f32[2]{1 2}")}};
  ASSERT_TRUE(write_npz(path("x.npz"), both).ok());
  EXPECT_EQ(load(inputs, {path("x.npz")}), "f32[2]{1 2} i64[1]{7}");
  EXPECT_EQ(load(inputs, {"a=" + path("x.npz"), "b=" + path("x.npz:b")}), "f32[2]{1 2} i64[1]{7}");
  EXPECT_THAT(load(inputs, {"a=" + path("x.npz:c"), "b=1"}), HasSubstr("no entry 'c'; the file has: b, a"));
  ASSERT_TRUE(write_file(path("x.json"), "{\"a\": [3, 4], \"b\": [5]}").ok());
  EXPECT_EQ(load(inputs, {path("x.json")}), "f32[2]{3 4} i64[1]{5}");
  EXPECT_EQ(load(inputs, {"b=" + path("x.json"), "a=[0, 0]"}), "f32[2]{0 0} i64[1]{5}");
  ASSERT_TRUE(write_file(path("input_0.pb"), *write_value_pb(tensor("f32[2]{8 9}"))).ok());
  ASSERT_TRUE(write_file(path("input_1.pb"), *write_value_pb(tensor("i64[1]{6}"))).ok());
  EXPECT_EQ(load(inputs, {folder_}), "f32[2]{8 9} i64[1]{6}");
  EXPECT_EQ(load(inputs, {path("input_0.pb"), path("input_1.pb")}), "f32[2]{8 9} i64[1]{6}");
}

TEST_F(DataTest, Tables) {
  ASSERT_TRUE(write_file(path("t.csv"), "age,name\n30,ann\n41,bob\n").ok());
  const std::vector<ValueSpec> columns = {spec("name", DType::kString, SymShape{kN, 1}),
                                          spec("age", DType::kFloat32, SymShape{kN})};
  EXPECT_EQ(load(columns, {path("t.csv")}), "str[2,1]{\"ann\" \"bob\"} f32[2]{30 41}");
  ASSERT_TRUE(write_file(path("n.csv"), "1,2\n3,4\n").ok());
  EXPECT_EQ(load({spec("x", DType::kFloat32, SymShape{kN, 2})}, {path("n.csv")}), "f32[2,2]{1 2 3 4}");
  EXPECT_THAT(load({spec("x", DType::kFloat32, SymShape{kN, 3})}, {path("n.csv")}),
              HasSubstr("expected float32[N,3], found float32[2,2]"));
}

TEST_F(DataTest, Pictures) {
  ASSERT_TRUE(write_file(path("p.ppm"), "P6 2 1 255 \x01\x02\x03\x04\x05\x06").ok());
  const auto rgb = [](SymShape shape, DType dtype = DType::kFloat32) {
    return std::vector<ValueSpec>{spec("x", dtype, std::move(shape))};
  };
  const std::string p = path("p.ppm");
  EXPECT_EQ(load(rgb({1, 3, kN, kN}), {p}), "f32[1,3,1,2]{1 4 2 5 3 6}");
  EXPECT_EQ(load(rgb({1, kN, kN, 3}), {p}), "f32[1,1,2,3]{1 2 3 4 5 6}");
  EXPECT_EQ(load(rgb({kN, kN, 3}, DType::kUInt8), {p + ",color=bgr"}), "u8[1,2,3]{3 2 1 6 5 4}");
  EXPECT_EQ(load(rgb({3, 1, 2}), {p + ",scale=1/2,mean=1:1:1,std=0.5"}), "f32[3,1,2]{-1 2 0 3 1 4}");
  EXPECT_EQ(load(rgb({1, 1, 1, 1}), {p + ",resize=1x1"}), "f32[1,1,1,1]{4}");
  EXPECT_EQ(load(rgb({kN}, DType::kUInt8), {p}), "u8[17]{80 54 32 50 32 49 …}");
  EXPECT_THAT(load(rgb({1, 3, 4, 4}), {p}),
              HasSubstr("the picture is 1 x 2 (height x width), the input wants 4 x 4; use resize"));
  EXPECT_EQ(load(rgb({1, 3, 1, 1}), {p + ",crop=1"}).substr(0, 12), "f32[1,3,1,1]");
  EXPECT_THAT(load(rgb({1, 3, 2, 2}), {p + ",letterbox=2x2,pad=9"}), HasSubstr("f32[1,3,2,2]{1 4 9 9"));
  EXPECT_THAT(load(rgb({1, 3, 2, 2}), {p + ",resize=big"}), HasSubstr("option resize: 'big' is not a shape"));
  ASSERT_TRUE(write_file(path("bad.jpg"), "\xff\xd8\xff\xe0zz").ok());
  EXPECT_THAT(load(rgb({1, 3, 1, 2}), {path("bad.jpg")}), HasSubstr("bad.jpg: jpeg: "));
}

TEST_F(DataTest, Sound) {
  Audio audio{tensor("f32[2,4]{0 0.5 0 -0.5 0.5 0.5 0.5 0.5}"), 8000};
  ASSERT_TRUE(write_wav(path("s.wav"), audio, WavSamples::kFloat32).ok());
  const std::string s = path("s.wav");
  EXPECT_EQ(load({spec("x", DType::kFloat32, SymShape{1, kN})}, {s + ",mono"}), "f32[1,4]{0.25 0.5 0.25 0}");
  EXPECT_EQ(load({spec("x", DType::kFloat32, SymShape{kN})}, {s + ",mono,samples=5"}), "f32[5]{0.25 0.5 0.25 0 0}");
  EXPECT_EQ(load({spec("x", DType::kFloat32, SymShape{1, 2, kN})}, {s + ",samples=1"}), "f32[1,2,1]{0 0.5}");
  EXPECT_THAT(load({spec("x", DType::kFloat32, SymShape{kN})}, {s}),
              HasSubstr("the sound has 2 channels, the input float32[N] one; use mono"));
  EXPECT_THAT(load({spec("x", DType::kFloat32, SymShape{1, 8})}, {s + ",mono"}),
              HasSubstr("1 channel of 4 samples at 8000 Hz: expected float32[1,8]"));
  EXPECT_EQ(load({spec("x", DType::kInt16, SymShape{kN})}, {s + ",mono"}), "i16[4]{8192 16384 8192 0}");
  EXPECT_EQ(load({spec("x", DType::kFloat32, SymShape{1, kN})}, {s + ",mono,rate=4000"}).substr(0, 8), "f32[1,2]");
}

TEST_F(DataTest, ClearErrorsForFiles) {
  const std::vector<ValueSpec> x = {spec("x", DType::kFloat32, SymShape{1})};
  EXPECT_THAT(load(x, {"x=/no/such.npy"}), HasSubstr("/no/such.npy"));
  ASSERT_TRUE(write_file(path("f.xyz"), "hello").ok());
  EXPECT_THAT(load(x, {path("f.xyz")}), HasSubstr("none that inputs can be read from"));
  EXPECT_THAT(load(x, {"x="}), HasSubstr("the source is missing"));
  EXPECT_THAT(load(x, {"[[1], [2, 3]]"}), HasSubstr("ragged data"));
  ASSERT_TRUE(write_file(path("e.json"), "[1,").ok());
  EXPECT_THAT(load(x, {path("e.json")}), HasSubstr("e.json"));
}

}  // namespace
}  // namespace anyrt
