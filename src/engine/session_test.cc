#include "engine/session.h"

#include <gtest/gtest.h>

#include <thread>

#include "tensor/compare.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

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

// y = softmax(relu(x W + b)) with x [batch, 16]
Model small_model() {
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  const ValueId x = g.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim::symbol("batch"), Dim(16)}));
  const ValueId w = g.add_constant("w", literal("f32[16,8]{rand:1}")),
                b = g.add_constant("b", literal("f32[8]{rand:2}"));
  const ValueId sums = g.add_value("sums"), biased = g.add_value("biased"), hidden = g.add_value("hidden"),
                y = g.add_value("y");
  g.add_node(make_node("MatMul", {x, w}, sums));
  g.add_node(make_node("Add", {sums, b}, biased));
  g.add_node(make_node("Relu", {biased}, hidden));
  g.add_node(make_node("Softmax", {hidden}, y, {{"axis", int64_t{-1}}}));
  g.outputs = {y};
  return m;
}

// A loop that adds 1 for a number of iterations given by the caller.
Model loop_model() {
  Model m;
  m.info.opsets[""] = 21;
  Graph body;
  body.name = "body";
  body.add_input("i", Type::tensor(DType::kInt64, SymShape{}));
  const ValueId cond = body.add_input("cond", Type::tensor(DType::kBool, SymShape{}));
  const ValueId v = body.add_input("v", Type::tensor(DType::kFloat32, SymShape{Dim(4)}));
  const ValueId one = body.add_constant("one", literal("f32[]{1}"));
  const ValueId next = body.add_value("next"), keep = body.add_value("keep");
  body.add_node(make_node("Identity", {cond}, keep));
  body.add_node(make_node("Add", {v, one}, next));
  body.outputs = {keep, next};
  body.inputs = {body.inputs[0], cond, v};
  Graph& g = m.graph;
  const ValueId count = g.add_input("count", Type::tensor(DType::kInt64, SymShape{}));
  const ValueId start = g.add_input("start", Type::tensor(DType::kFloat32, SymShape{Dim(4)}));
  const ValueId yes = g.add_constant("yes", literal("bool[]{true}"));
  const ValueId y = g.add_value("y");
  g.add_node(make_node("Loop", {count, yes, start}, y, {{"body", GraphBox(std::move(body))}}));
  g.outputs = {y};
  return m;
}

std::unique_ptr<Session> session_of(Model m, const SessionOptions& options = {}) {
  Expected<std::unique_ptr<Session>> s = Session::from_model(std::move(m), options);
  EXPECT_TRUE(s.ok()) << s.status().message();
  return s.ok() ? std::move(*s) : nullptr;
}

TEST(Session, NodesWithoutOutputsOrVariadicInputsAreErrors) {
  const auto message = [](std::string_view op, bool with_input, bool with_output) {
    Model m = small_model();
    Node n = make_node("", {}, kNoValue);
    n.op = op;
    if (with_input) n.inputs = {m.graph.inputs[0]};
    n.outputs.clear();
    if (with_output) n.outputs = {m.graph.add_value("more")};
    m.graph.add_node(std::move(n));
    const auto s = Session::from_model(std::move(m), {});
    return s.ok() ? "" : s.status().message();
  };
  EXPECT_NE(message("Relu", true, false).find("at least one output ('Y') is required, found none"), std::string::npos);
  EXPECT_NE(message("Sum", false, true).find("at least one input ('data_0') is required, found none"),
            std::string::npos);
}

TEST(Session, PlanAndInterpreterAgreeOnAllDevices) {
  SessionOptions reference;
  reference.use_interpreter = true;
  const auto oracle = session_of(small_model(), reference);
  for (const char* device : {"cpu", "loopback"}) {
    SessionOptions options;
    options.device = device;
    const auto session = session_of(small_model(), options);
    for (const char* text : {"f32[1,16]{rand:3}", "f32[5,16]{rand:4}", "f32[0,16]{}", "f32[1,16]{fill:nan}"}) {
      const auto want = oracle->run({literal(text)});
      const auto got = session->run({literal(text)});
      ASSERT_TRUE(want.ok() && got.ok()) << device << ": " << got.status().message();
      const Comparison c = compare_values((*got)[0], (*want)[0], {1e-5, 1e-6});
      EXPECT_TRUE(c.equal) << device << " " << text << ": " << c.message;
    }
  }
}

TEST(Session, EightThreadsOnOneSession) {
  const auto session = session_of(small_model());
  std::vector<std::vector<Value>> want;
  for (int k = 0; k < 8; ++k) {
    const auto r = session->run({literal(fmt::format("f32[{},16]{{rand:{}}}", 1 + k % 3, k))});
    ASSERT_TRUE(r.ok());
    want.push_back(*r);
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int k = 0; k < 8; ++k) {
    threads.emplace_back([&, k] {
      const Tensor x = literal(fmt::format("f32[{},16]{{rand:{}}}", 1 + k % 3, k));
      for (int round = 0; round < 200; ++round) {
        const auto r = session->run({x});
        if (!r.ok() || !identical((*r)[0].tensor(), want[static_cast<size_t>(k)][0].tensor())) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Session, OutputsBelongToTheCaller) {
  const auto session = session_of(small_model());
  const auto first = session->run({literal("f32[2,16]{rand:1}")});
  ASSERT_TRUE(first.ok());
  const auto copy = (*first)[0].tensor().clone();
  const auto second = session->run({literal("f32[2,16]{rand:2}")});
  ASSERT_TRUE(copy.ok() && second.ok());
  EXPECT_TRUE(identical((*first)[0].tensor(), *copy));
}

TEST(Session, MemoryOfLargeOutputsIsUsedAgain) {
  Model m;
  m.info.opsets[""] = 21;
  const ValueId x = m.graph.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim::symbol("n")}));
  const ValueId y = m.graph.add_value("y");
  m.graph.add_node(make_node("Neg", {x}, y));
  m.graph.outputs = {y};
  auto session = Session::from_model(std::move(m), {});
  ASSERT_TRUE(session.ok()) << session.status().message();
  const auto run = [&](const char* text) {
    auto out = (*session)->run({Value(literal(text))});
    EXPECT_TRUE(out.ok()) << out.status().message();
    return (*out)[0].tensor();
  };
  Tensor first = run("f32[400000]{rand:1}");
  const std::byte* const place = first.raw();
  const float value = first.data<float>()[7];
  // It is the caller's alone, so that bindings may hand it on without a copy; who still has it keeps it.
  EXPECT_TRUE(first.unique());
  Tensor second = run("f32[400000]{rand:2}");
  EXPECT_NE(second.raw(), place);
  EXPECT_EQ(first.data<float>()[7], value);
  const std::byte* const other = second.raw();
  second = Tensor();
  EXPECT_EQ(run("f32[400000]{rand:1}").raw(), other);
  EXPECT_EQ(run("f32[300000]{rand:1}").size(), 300000);
  EXPECT_EQ(first.data<float>()[7], value);
}

TEST(Session, WrongInputsAreNamed) {
  const auto session = session_of(small_model());
  const auto fails = [&](const std::vector<std::pair<std::string, Value>>& inputs, std::string_view text) {
    const auto r = session->run(inputs, {});
    ASSERT_FALSE(r.ok());
    EXPECT_NE(r.status().message().find(text), std::string::npos) << r.status().message();
  };
  fails({}, "input 'x'");
  fails({{"y", literal("f32[1,16]{rand:1}")}}, "no input 'y'");
  fails({{"x", literal("f64[1,16]{rand:1}")}}, "float64");
  fails({{"x", literal("f32[16]{rand:1}")}}, "rank");
  fails({{"x", literal("f32[1,15]{rand:1}")}}, "dimension 1 must be 16");
  fails({{"x", literal("f32[1,16]{rand:1}")}, {"x", literal("f32[1,16]{rand:1}")}}, "twice");
  const auto r = session->run({{"x", literal("f32[1,16]{rand:1}")}}, {"z"});
  EXPECT_FALSE(r.ok());
}

TEST(Session, CancelDeadlineAndMemoryCap) {
  const auto session = session_of(loop_model());
  const std::vector<Value> endless = {literal("i64[]{9000000000000000000}"), literal("f32[4]{0 0 0 0}")};
  RunOptions late;
  late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
  EXPECT_EQ(session->run(endless, late).status().code(), Code::kDeadlineExceeded);

  std::atomic<bool> cancel{false};
  RunOptions stop;
  stop.cancel = &cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    cancel = true;
  });
  EXPECT_EQ(session->run(endless, stop).status().code(), Code::kCancelled);
  canceller.join();

  RunOptions small;
  small.memory_cap = 64;
  EXPECT_EQ(session_of(small_model())->run({literal("f32[100,16]{rand:1}")}, small).status().code(),
            Code::kResourceExhausted);

  const auto counted = session->run({literal("i64[]{1000}"), literal("f32[4]{0 1 2 3}")});
  ASSERT_TRUE(counted.ok()) << counted.status().message();
  EXPECT_TRUE(identical((*counted)[0].tensor(), literal("f32[4]{1000 1001 1002 1003}")));
}

// float16 runs by way of float32: what the operator makes beside its output counts too, while it is there.
// The size of the result depends on the elements of an input: it must not be taken from the run before.
TEST(Session, SizesWithoutANameAreTheirOwn) {
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  const Dim open = Dim::symbol("?");
  const ValueId x = g.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim::unknown(), open, open}));
  const ValueId t = g.add_value("t"), y = g.add_value("y");
  g.add_node(make_node("Transpose", {x}, t, {{"perm", std::vector<int64_t>{0, 2, 1}}}));
  g.add_node(make_node("MatMul", {x, t}, y));
  g.outputs = {y};
  auto session = Session::from_model(std::move(m), {});
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_EQ((*session)->inputs()[0].type.to_string(), "float32[?,?,?]");
  EXPECT_EQ((*session)->outputs()[0].type.to_string(), "float32[?,?,?]");
  EXPECT_EQ((*session)->explain().find("[heap]"), (*session)->explain().rfind("[heap]"));
  for (const char* dims : {"f32[1,2,3]{1 2 3 4 5 6}", "f32[1,1,2]{3 4}"}) {
    const auto out = (*session)->run({Value(literal(dims))});
    ASSERT_TRUE(out.ok()) << out.status().message();
    EXPECT_EQ((*out)[0].tensor().dims()[1], literal(dims).dims()[1]);
    EXPECT_EQ((*out)[0].tensor().dims()[2], literal(dims).dims()[1]);
  }
}

TEST(Session, SizesFromElementsChangeFromRunToRun) {
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  const ValueId x = g.add_input("x", Type::tensor(DType::kFloat32, SymShape{Dim(1)}));
  const ValueId shape = g.add_input("shape", Type::tensor(DType::kInt64, SymShape{Dim(2)}));
  const ValueId wide = g.add_value("wide"), y = g.add_value("y");
  g.add_node(make_node("Expand", {x, shape}, wide));
  g.add_node(make_node("Relu", {wide}, y));
  g.outputs = {y};
  const auto session = Session::from_model(std::move(m));
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (const Dims& dims : {Dims{2, 3}, Dims{3, 2}, Dims{1, 7}, Dims{2, 3}}) {
    const auto out = (*session)->run({Value(literal("f32[1]{5}")), Value(Tensor::int64s(dims))});
    ASSERT_TRUE(out.ok()) << out.status().message();
    EXPECT_EQ((*out)[0].tensor().dims(), dims);
    for (const float v : (*out)[0].tensor().span<float>()) EXPECT_EQ(v, 5);
  }
}

TEST(Session, MemoryCapCountsWhatOperatorsMake) {
  Model m;
  m.info.opsets[""] = 21;
  Graph& g = m.graph;
  const ValueId x = g.add_input("x", Type::tensor(DType::kFloat16, SymShape{Dim(100000)}));
  const ValueId y = g.add_value("y"), z = g.add_value("z");
  g.add_node(make_node("LpNormalization", {x}, y));
  g.add_node(make_node("LpNormalization", {y}, z));
  g.outputs = {z};
  SessionOptions options;
  options.optimize = false;
  const auto session = session_of(std::move(m), options);
  const std::vector<Value> in = {literal("f16[100000]{rand:1}")};
  RunOptions run;
  run.memory_cap = 600000;  // two float16 tensors, but not one of float32 beside them
  EXPECT_EQ(session->run(in, run).status().code(), Code::kResourceExhausted);
  run.memory_cap = 2000000;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(session->run(in, run).ok());
}

TEST(Session, DevicesThatAreNotThere) {
  SessionOptions options;
  options.device = "gpu";
  EXPECT_EQ(Session::from_model(small_model(), options).status().code(), Code::kNotFound);
  options.device.clear();
  options.devices = {"gpu"};
  EXPECT_EQ(Session::from_model(small_model(), options).status().code(), Code::kNotFound);
  options.devices = {"gpu", "cpu"};
  EXPECT_TRUE(Session::from_model(small_model(), options).ok());
}

TEST(Session, MemoryCapCountsAnewInEachRun) {
  const auto session = session_of(small_model());
  const std::vector<Value> inputs = {Value(literal("f32[64,16]{rand:5}"))};
  RunOptions capped;
  capped.memory_cap = session->usage({{"batch", 64}}).arena_bytes + 100;  // not enough for the result too
  for (int i = 0; i < 4; ++i) {
    const auto out = session->run(inputs, capped);
    ASSERT_FALSE(out.ok()) << "run " << i;
    EXPECT_EQ(out.status().code(), Code::kResourceExhausted);
  }
  EXPECT_TRUE(session->run(inputs).ok());
}

}  // namespace
}  // namespace anyrt
