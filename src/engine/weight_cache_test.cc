#include "plan/weight_cache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/log.h"
#include "base/temp_folder_testing.h"
#include "engine/session.h"
#include "format/onnx/writer.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

namespace fs = std::filesystem;

ValueId node(Graph& g, const char* op, std::vector<ValueId> inputs, std::vector<Attr> attrs = {}, size_t outputs = 1) {
  Node n;
  n.op = op;
  n.inputs = std::move(inputs);
  for (size_t i = 0; i < outputs; ++i) n.outputs.push_back(g.add_value("n" + std::to_string(g.value_capacity())));
  n.attrs = std::move(attrs);
  const ValueId first = n.outputs[0];
  g.add_node(std::move(n));
  return first;
}

Tensor random(const std::string& type, int seed) {
  const std::string text = type + "{rand:" + std::to_string(seed) + "}";
  std::string_view rest = text;
  const Expected<Tensor> t = parse_tensor(rest);
  EXPECT_TRUE(t.ok()) << t.status().message();
  return *t;
}

// Every kind of packed weights: direct, Winograd's and depthwise convolution, products, an LSTM and a GRU.
Model model_of(int seed) {
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  const auto weight = [&](const char* type) {
    ++seed;
    return g.add_constant("w" + std::to_string(seed), random(type, seed));
  };
  const ValueId x = g.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim(1), Dim(3), Dim(24), Dim(24)}));
  const std::vector<Attr> same = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  std::vector<Attr> depthwise = same;
  depthwise.push_back({"group", int64_t{32}});
  ValueId v = node(g, "Conv", {x, weight("f32[32,3,3,3]")}, same);
  v = node(g, "Conv", {v, weight("f32[32,32,3,3]")}, same);
  v = node(g, "Conv", {v, weight("f32[32,1,3,3]")}, depthwise);
  v = node(g, "Conv", {v, weight("f32[40,32,1,1]")});
  v = node(g, "ReduceMean",
           {
               v,
               g.add_constant("axes", Tensor::int64s({3})),
           },
           {{"keepdims", int64_t{0}}});
  v = node(g, "MatMul", {v, weight("f32[24,20]")});
  const ValueId h = node(g, "LSTM", {v, weight("f32[1,32,20]"), weight("f32[1,32,8]")}, {{"hidden_size", int64_t{8}}});
  v = node(g, "Squeeze", {h, g.add_constant("one", Tensor::int64s({1}))});
  v = node(g, "GRU", {v, weight("f32[1,12,8]"), weight("f32[1,12,4]")}, {{"hidden_size", int64_t{4}}});
  g.outputs = {v};
  return m;
}

class SessionWeightCache : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::kOff);
    write(1);
  }
  void TearDown() override { set_log_level(LogLevel::kWarning); }
  std::string path() const { return (root_ / "m.onnx").string(); }
  void write(int seed) const {
    Model m = model_of(seed);
    const Status s = write_onnx_file(m, path() + ".new");
    ASSERT_TRUE(s.ok()) << s.message();
    fs::rename(path() + ".new", path());
  }
  SessionOptions options(bool cached) const {
    SessionOptions o;
    o.cache_dir = root_.string();
    o.weight_cache = cached;
    return o;
  }
  // The result, and what the session says of the cache.
  static std::vector<Value> run(const std::string& path, const SessionOptions& o, std::string& said) {
    const auto s = Session::load(path, o);
    EXPECT_TRUE(s.ok()) << s.status().message();
    const std::string text = (*s)->explain();
    const size_t at = text.find("weight cache");
    said = at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
    const auto y = (*s)->run({Value(random("f32[1,3,24,24]", 99))});
    EXPECT_TRUE(y.ok()) << y.status().message();
    return *y;
  }
  static void expect_same(const std::vector<Value>& a, const std::vector<Value>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(identical(a[i].tensor(), b[i].tensor())) << i;
  }

  const TempFolder temp_;
  const fs::path root_ = temp_.path();
};

TEST_F(SessionWeightCache, SameBitsWithAndWithout) {
  std::string said;
  for (const Accuracy accuracy : {Accuracy::kDefault, Accuracy::kStrict}) {
    SessionOptions o = options(false), c = options(true);
    o.accuracy = c.accuracy = accuracy;
    const std::vector<Value> plain = run(path(), o, said);
    EXPECT_EQ(said, "");
    expect_same(plain, run(path(), c, said));
    EXPECT_NE(said.find("written"), std::string::npos) << said;
    expect_same(plain, run(path(), c, said));
    EXPECT_NE(said.find(" 0 B packed"), std::string::npos) << said;
  }
  const auto files = list_weight_cache(weight_cache_folder(root_.string()));
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->size(), 2u);
}

TEST_F(SessionWeightCache, AnotherModelOfTheSameNameIsPackedAgain) {
  std::string said;
  const std::vector<Value> first = run(path(), options(true), said);
  write(1000);
  const std::vector<Value> second = run(path(), options(true), said);
  EXPECT_NE(said.find("0 B mapped"), std::string::npos) << said;
  expect_same(second, run(path(), options(false), said));
  EXPECT_FALSE(identical(first[0].tensor(), second[0].tensor()));
}

TEST_F(SessionWeightCache, ModelsInMemoryHaveOneToo) {
  const std::string bytes = *read_file(path());
  const auto load = [&] { return Session::load_bytes(std::as_bytes(std::span(bytes)), nullptr, options(true)); };
  ASSERT_NE((*load())->explain().find("written"), std::string::npos);
  EXPECT_NE((*load())->explain().find(" 0 B packed"), std::string::npos);
}

TEST_F(SessionWeightCache, DamagedBlocksAreMadeAgain) {
  std::string said;
  const std::vector<Value> plain = run(path(), options(true), said);
  const std::string file = (*list_weight_cache(weight_cache_folder(root_.string())))[0].path;
  const std::string good = *read_file(file);
  for (size_t at = 40; at < good.size(); at += good.size() / 23) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    std::ofstream(file, std::ios::binary) << bad;
    expect_same(plain, run(path(), options(true), said));
  }
}

// Bytes of a file that lie in this process's memory, of all its mappings.
size_t resident(const std::string& path) {
  std::ifstream in("/proc/self/smaps");
  size_t kb = 0;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.find('-') < line.find(' ')) inside = line.ends_with(path);
    if (inside && line.starts_with("Rss:")) kb += std::stoul(line.substr(4));
  }
  return kb << 10;
}

TEST_F(SessionWeightCache, WeightsOfTheModelAreNotRead) {
  // Names of four lengths: one of the weights at least is not aligned in the file.
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  ValueId v = g.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim(1), Dim(1024)}));
  for (int i = 0; i < 4; ++i) {
    const ValueId w = g.add_constant(std::string(static_cast<size_t>(i) + 1, 'w'), random("f32[1024,1024]", i));
    v = node(g, "MatMul", {v, w});
  }
  g.outputs = {v};
  fs::remove(path());
  const Status written = write_onnx_file(m, path());
  ASSERT_TRUE(written.ok()) << written.message();
  const size_t whole = fs::file_size(path());
  const auto x = random("f32[1,1024]", 9);
  std::vector<Value> results[2];
  for (std::vector<Value>& result : results) {
    const auto s = Session::load(path(), options(true));
    ASSERT_TRUE(s.ok()) << s.status().message();
    result = *(*s)->run({Value(x)});
    if (&result == &results[1]) {
      EXPECT_LT(resident(path()), whole / 2);
      EXPECT_GT(resident(".weights"), whole / 2);
    }
  }
  expect_same(results[0], results[1]);
}

TEST_F(SessionWeightCache, ModelsThatAreChangedHaveNone) {
  SessionOptions o = options(true);
  o.initializers.emplace_back("w6", random("f32[24,20]", 3));
  std::string said;
  (void)run(path(), o, said);
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace anyrt
