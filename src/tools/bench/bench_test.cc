#include "tools/bench/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "tensor/literal.h"
#include "tools/bench/profile.h"
#include "tools/bench/rounds.h"

namespace anyrt {
namespace {

using testing::HasSubstr;

Tensor tensor(std::string_view literal) { return *parse_tensor(literal); }

Node make_node(const char* op, std::vector<ValueId> inputs, ValueId output) {
  Node n;
  n.op = op;
  n.inputs = std::move(inputs);
  n.outputs = {output};
  return n;
}

// y = tanh(x W) with x [batch, 4], W [4, 3]
std::unique_ptr<Session> small_session() {
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  const ValueId x = g.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim::symbol("batch"), Dim(4)}));
  const ValueId w = g.add_constant("w", tensor("f32[4,3]{rand:1}"));
  const ValueId sums = g.add_value("sums"), y = g.add_value("y");
  g.add_node(make_node("MatMul", {x, w}, sums));
  g.add_node(make_node("Tanh", {sums}, y));
  g.outputs = {y};
  Expected<std::unique_ptr<Session>> s = Session::from_model(std::move(m));
  EXPECT_TRUE(s.ok()) << s.status().message();
  return std::move(*s);
}

const std::vector<Value> kInputs = {Value(tensor("f32[2,4]{rand:2}"))};

struct Answer {
  Status status;
  std::string text;
};

Answer serve(const std::string& commands) {
  const std::unique_ptr<Session> s = small_session();
  std::FILE *in = std::tmpfile(), *out = std::tmpfile();
  std::fputs(commands.c_str(), in);
  std::rewind(in);
  Answer a{serve_rounds(*s, kInputs, in, out), ""};
  std::rewind(out);
  char block[4096];
  a.text.assign(block, std::fread(block, 1, sizeof block, out));
  std::fclose(in);
  std::fclose(out);
  return a;
}

TEST(Rounds, AnswersEachLine) {
  const std::string path = std::filesystem::temp_directory_path() / "anyrt-rounds-test.npz";
  const Answer a = serve("run 3\nsave " + path + "\npeak\nrun 1\n");
  ASSERT_TRUE(a.status.ok()) << a.status.message();
  double mean = 0, mean2 = 0;
  long long least = 0, least2 = 0;
  unsigned long long peak = 0;
  ASSERT_EQ(std::sscanf(a.text.c_str(), "%lf %lld saved %llu %lf %lld", &mean, &least, &peak, &mean2, &least2), 5)
      << a.text;
  EXPECT_GT(least, 0);
  EXPECT_GE(mean, static_cast<double>(least));
  EXPECT_NEAR(mean2, static_cast<double>(least2), 1);
  EXPECT_GT(peak, 1u << 20);
  EXPECT_GT(std::filesystem::file_size(path), 100u);
  std::filesystem::remove(path);
}

TEST(Rounds, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"run 0\n", "run -1\n", "go\n", "run\n", "\n"}) {
    const Answer a = serve(text);
    EXPECT_FALSE(a.status.ok()) << text;
    EXPECT_THAT(a.status.message(), HasSubstr("run K"));
  }
  EXPECT_FALSE(serve("save /nowhere/at/all.npz\n").status.ok());
  EXPECT_TRUE(serve("").status.ok());
}

TEST(Profile, TimesAndCostsOfNodes) {
  const std::unique_ptr<Session> s = small_session();
  const Expected<Json> p = profile_session(*s, kInputs, 3, 1);
  ASSERT_TRUE(p.ok()) << p.status().message();
  EXPECT_GT((*p)["total_ns"].as_double(), 0);
  EXPECT_EQ((*p)["weight_bytes"].as_double(), 48);
  double flops = 0, ns = 0, weights = 0;
  for (const Json& n : (*p)["nodes"].items()) {
    flops += n["flops"].as_double();
    ns += n["ns"].as_double();
    weights += n["weight_bytes"].as_double();
  }
  EXPECT_GT(ns, 0);
  EXPECT_EQ(weights, 48);
  EXPECT_GE(flops, 2 * 2 * 4 * 3);  // with the batch of the input, 2
  EXPECT_GT((*p)["roofline_flops"].as_double(), 1e8);
  EXPECT_GT((*p)["roofline_bytes"].as_double(), 1e8);
  EXPECT_THAT(profile_text(*p, 5), HasSubstr("MatMul"));
  EXPECT_THAT(profile_text(*p, 5), HasSubstr("roofline"));
}

TEST(Bench, CountsRuns) {
  const std::unique_ptr<Session> s = small_session();
  BenchOptions o;
  o.warmup_seconds = o.seconds = 0;
  o.min_runs = o.max_runs = 7;
  const Expected<Json> r = bench_session(*s, kInputs, o);
  ASSERT_TRUE(r.ok());
  EXPECT_EQ((*r)["runs"].as_int(), 7);
  EXPECT_LE((*r)["min_ms"].as_double(), (*r)["p50_ms"].as_double());
}

}  // namespace
}  // namespace anyrt
