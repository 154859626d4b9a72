#include "engine/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/log.h"
#include "opdef/inference.h"
#include "plan/plan.h"
#include "run/executor.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

TEST(Config, EveryKeyIsSetAndReadBack) {
  SessionOptions o;
  const LogLevel before = log_level();
  const std::pair<const char*, const char*> values[] = {
      {"hint", "memory"},       {"threads", "3"},         {"accuracy", "fast"},  {"deterministic", "1"},
      {"memory_cap", "524288"}, {"cache_dir", "/tmp/xy"}, {"weight_cache", "1"}, {"log_level", "error"}};
  ASSERT_EQ(std::size(values), config_keys().size());
  for (const auto& [key, value] : values) {
    ASSERT_TRUE(set_option(o, key, value).ok()) << key;
    const Expected<std::string> back = get_option(o, key);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, value) << key;
  }
  EXPECT_EQ(o.hint, Hint::kMemory);
  EXPECT_EQ(o.threads, 3);
  EXPECT_EQ(o.accuracy, Accuracy::kFast);
  EXPECT_TRUE(o.deterministic);
  EXPECT_EQ(log_level(), LogLevel::kError);
  set_log_level(before);
  ASSERT_TRUE(set_option(o, "memory_cap", "2G").ok());
  EXPECT_EQ(o.memory_cap, size_t{2} << 30);
  ASSERT_TRUE(set_option(o, "memory_cap", "64k").ok());
  EXPECT_EQ(o.memory_cap, size_t{64} << 10);
}

TEST(Config, ErrorsListWhatIsAllowed) {
  SessionOptions o;
  const auto message = [&](const char* key, const char* value) { return set_option(o, key, value).to_string(); };
  EXPECT_NE(message("hints", "latency")
                .find("hint, threads, accuracy, deterministic, memory_cap, cache_dir, weight_cache, "
                      "log_level"),
            std::string::npos);
  EXPECT_NE(message("hint", "speed").find("latency, throughput or memory"), std::string::npos);
  EXPECT_NE(message("threads", "-1").find("from 0 to 1024"), std::string::npos);
  EXPECT_NE(message("threads", "2x").find("'2x'"), std::string::npos);
  EXPECT_NE(message("accuracy", "").find("strict, default or fast"), std::string::npos);
  EXPECT_NE(message("deterministic", "maybe").find("0 or 1"), std::string::npos);
  EXPECT_NE(message("memory_cap", "many").find("suffix"), std::string::npos);
  EXPECT_NE(message("log_level", "loud").find("warning"), std::string::npos);
  EXPECT_FALSE(get_option(o, "hints").ok());
}

TEST(Config, EnvironmentComesFirst) {
  ASSERT_EQ(setenv("ANYRT_MEMORY_CAP", "1M", 1), 0);
  ASSERT_EQ(setenv("ANYRT_HINT", "throughput", 1), 0);
  SessionOptions o;
  ASSERT_TRUE(read_environment(o).ok());
  EXPECT_EQ(o.memory_cap, size_t{1} << 20);
  EXPECT_EQ(o.hint, Hint::kThroughput);
  ASSERT_TRUE(set_option(o, "hint", "latency").ok());
  EXPECT_EQ(o.hint, Hint::kLatency);
  ASSERT_EQ(setenv("ANYRT_HINT", "speed", 1), 0);
  EXPECT_NE(read_environment(o).to_string().find("ANYRT_HINT"), std::string::npos);
  unsetenv("ANYRT_HINT");
  unsetenv("ANYRT_MEMORY_CAP");
}

TEST(Config, Resolves) {
  SessionOptions o;
  o.hint = Hint::kThroughput;
  EXPECT_EQ(resolve_options(o)->threads, 1);
  o.threads = 2;
  EXPECT_EQ(resolve_options(o)->threads, 2);
  o.deterministic = true;
  EXPECT_EQ(resolve_options(o)->accuracy, Accuracy::kStrict);
  o.accuracy = Accuracy::kFast;
  EXPECT_FALSE(resolve_options(o).ok());
  ASSERT_EQ(setenv("XDG_CACHE_HOME", "/some/cache", 1), 0);
  o.accuracy = Accuracy::kDefault;
  EXPECT_EQ(resolve_options(o)->cache_dir, "/some/cache/anyrt");
  unsetenv("XDG_CACHE_HOME");
  o.cache_dir = "/mine";
  EXPECT_EQ(resolve_options(o)->cache_dir, "/mine");
}

Tensor literal(std::string_view text) {
  Expected<Tensor> t = parse_tensor(text);
  EXPECT_TRUE(t.ok()) << t.status().message();
  return *t;
}

Node make_node(const char* op, std::vector<ValueId> inputs, ValueId output, std::vector<Attr> attrs = {}) {
  Node n;
  n.op = op;
  n.inputs = std::move(inputs);
  n.outputs = {output};
  n.attrs = std::move(attrs);
  return n;
}

// Sums of every kind that threads may share: convolutions (one for Winograd), products, norms, softmax, reductions and
// random numbers.
Model mixed_model() {
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  const ValueId x = g.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim(1), Dim(32), Dim(40), Dim(40)}));
  const auto weight = [&](const char* text) { return g.add_constant("", literal(text)); };
  const std::vector<int64_t> pads = {1, 1, 1, 1};
  const ValueId conv = g.add_value("conv"), wide = g.add_value("wide"), rows = g.add_value("rows");
  g.add_node(make_node("Conv", {x, weight("f32[64,32,3,3]{rand:1}")}, conv, {{"pads", pads}}));
  g.add_node(
      make_node("Conv", {conv, weight("f32[64,64,3,3]{rand:2}")}, wide, {{"strides", std::vector<int64_t>{2, 2}}}));
  g.add_node(make_node("Reshape", {wide, weight("i64[2]{64 361}")}, rows));
  const ValueId w = weight("f32[361,200]{rand:3}");
  const ValueId sum = g.add_value("sum");
  g.add_node(make_node("MatMul", {rows, w}, sum));
  const ValueId noise = g.add_value("noise"), noisy = g.add_value("noisy"), soft = g.add_value("soft"),
                total = g.add_value("total"), y = g.add_value("y");
  g.add_node(make_node("RandomNormalLike", {sum}, noise));
  g.add_node(make_node("Add", {sum, noise}, noisy));
  g.add_node(make_node("Softmax", {noisy}, soft, {{"axis", int64_t{0}}}));
  g.add_node(make_node("ReduceSum", {soft, weight("i64[1]{1}")}, total));
  g.add_node(make_node("Mul", {soft, total}, y));
  g.outputs = {y};
  return m;
}

std::vector<std::byte> bytes_of_run(const SessionOptions& options, int runs = 1) {
  Expected<std::unique_ptr<Session>> s = Session::from_model(mixed_model(), options);
  EXPECT_TRUE(s.ok()) << s.status().message();
  std::vector<std::byte> out;
  for (int i = 0; s.ok() && i < runs; ++i) {
    Expected<std::vector<Value>> y = (*s)->run({Value(literal("f32[1,32,40,40]{rand:7}"))});
    EXPECT_TRUE(y.ok()) << y.status().message();
    const Tensor& t = (*y)[0].tensor();
    out.assign(t.raw(), t.raw() + t.bytes());
  }
  return out;
}

TEST(Config, DeterministicKeepsEveryBit) {
  SessionOptions o;
  o.deterministic = true;
  o.threads = 1;
  const std::vector<std::byte> want = bytes_of_run(o);
  EXPECT_EQ(bytes_of_run(o, 3), want);
  for (int threads : {2, 3, 5}) {
    o.threads = threads;
    EXPECT_EQ(bytes_of_run(o), want) << threads << " threads";
  }
  o.seed = 1;
  EXPECT_NE(bytes_of_run(o), want);
  o.seed = 0;
  o.deterministic = false;
  EXPECT_NE(bytes_of_run(o, 2), want);  // random numbers go on
}

TEST(Config, MemoryHintKeepsWeightsInOneForm) {
  SessionOptions o;
  o.hint = Hint::kMemory;
  Expected<std::unique_ptr<Session>> lean = Session::from_model(mixed_model(), o);
  ASSERT_TRUE(lean.ok()) << lean.status().message();
  EXPECT_EQ((*lean)->explain().find("winograd"), std::string::npos);
  const Value x(literal("f32[1,32,40,40]{rand:7}"));
  o.deterministic = true;
  Expected<std::unique_ptr<Session>> strict = Session::from_model(mixed_model(), o);
  ASSERT_TRUE(strict.ok());
  EXPECT_TRUE((*lean)->run({x}).ok());
  EXPECT_TRUE((*strict)->run({x}).ok());
}

TEST(Config, MemoryHintGivesActivationsBack) {
  Model m = mixed_model();
  ASSERT_TRUE(upgrade_and_infer(m).ok());
  Expected<std::unique_ptr<Device>> cpu = open_device("cpu");
  Expected<std::unique_ptr<Plan>> plan = build_plan(m.graph, {cpu->get()});
  ASSERT_TRUE(plan.ok());
  Expected<std::unique_ptr<Executor>> e = Executor::create(**plan);
  ASSERT_TRUE(e.ok());
  ASSERT_TRUE((*e)->run({Value(literal("f32[1,32,40,40]{rand:7}"))}, {}).ok());
  EXPECT_GT((*e)->idle_bytes(), 0u);
  (*e)->trim();
  EXPECT_EQ((*e)->idle_bytes(), 0u);
}

}  // namespace
}  // namespace anyrt
