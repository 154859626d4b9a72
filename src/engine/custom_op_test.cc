#include "opdef/custom_op.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/session.h"
#include "format/onnx/writer.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

Tensor literal(std::string_view text) {
  Expected<Tensor> t = parse_tensor(text);
  EXPECT_TRUE(t.ok()) << t.status().message();
  return *t;
}

// y = x * scale, element by element.
CustomOp scaled(float fallback = 2) {
  CustomOp op;
  op.name = "Scaled";
  op.domain = "test.ops";
  op.inputs = {{"x", "T"}};
  op.outputs = {{"y", "T"}};
  op.attrs = {{"scale", AttrKind::kFloat, false, fallback}};
  op.types = {{"T", "float32|float64"}};
  op.infer = [](InferContext& c) -> Status {
    c.set_output(0, c.input_type(0));
    return {};
  };
  op.eval = [](EvalContext& c) -> Status {
    const Tensor& x = c.input(0);
    ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), x.dims()));
    const float scale = c.f("scale");
    if (x.dtype() == DType::kFloat64) {
      for (int64_t i = 0; i < x.size(); ++i) y->mutable_data<double>()[i] = x.data<double>()[i] * scale;
    } else {
      for (int64_t i = 0; i < x.size(); ++i) y->mutable_data<float>()[i] = x.data<float>()[i] * scale;
    }
    return {};
  };
  return op;
}

// Relu(op(x)) with x [n, 3].
Model model_with(const char* op, DType dtype = DType::kFloat32) {
  Model m;
  m.info.opsets = {{"", 21}, {"test.ops", 1}};
  Graph& g = m.graph;
  const ValueId x = g.add_input("x", Type::tensor(dtype, SymShape{Dim::symbol("n"), Dim(3)}));
  const ValueId mid = g.add_value("mid"), y = g.add_value("y");
  Node custom;
  custom.domain = "test.ops";
  custom.op = op;
  custom.inputs = {x};
  custom.outputs = {mid};
  g.add_node(std::move(custom));
  Node relu;
  relu.op = "Relu";
  relu.inputs = {mid};
  relu.outputs = {y};
  g.add_node(std::move(relu));
  g.outputs = {y};
  return m;
}

std::shared_ptr<const OpSet> set_of(CustomOp op) {
  auto set = std::make_shared<OpSet>();
  const Status s = set->add(std::move(op));
  EXPECT_TRUE(s.ok()) << s.message();
  return set;
}

std::string run(const Session& session, std::string_view input) {
  const auto out = session.run({Value(literal(input))});
  return out.ok() ? print_tensor((*out)[0].tensor()) : out.status().message();
}

std::string run_with(CustomOp op, std::string_view input = "f32[2,3]{-1 2 3 -4 5 6}") {
  SessionOptions options;
  const std::string name = op.name;
  options.custom_ops = set_of(std::move(op));
  const auto session = Session::from_model(model_with(name.c_str()), options);
  return session.ok() ? run(**session, input) : session.status().message();
}

TEST(CustomOp, RunsInPlanInterpreterAndOnLoopback) {
  for (const char* device : {"cpu", "loopback"}) {
    for (const bool interpreter : {false, true}) {
      SessionOptions options;
      options.device = device;
      options.use_interpreter = interpreter;
      options.custom_ops = set_of(scaled());
      const auto session = Session::from_model(model_with("Scaled"), options);
      ASSERT_TRUE(session.ok()) << session.status().message();
      EXPECT_EQ((*session)->outputs()[0].type.to_string(), "float32[n,3]");
      EXPECT_EQ(run(**session, "f32[2,3]{-1 2 3 -4 5 6}"), "f32[2,3]{0 4 6 0 10 12}");
      EXPECT_EQ(run(**session, "f32[1,3]{1 1 1}"), "f32[1,3]{2 2 2}");
    }
  }
}

TEST(CustomOp, SessionsKeepWhatTheyWereMadeWith) {
  EXPECT_NE(run_with(scaled(3)), run_with(scaled(4)));
  ASSERT_TRUE(register_op(scaled(5)).ok());
  const auto first = Session::from_model(model_with("Scaled"));
  ASSERT_TRUE(first.ok()) << first.status().message();
  ASSERT_TRUE(register_op(scaled(7)).ok());
  const auto second = Session::from_model(model_with("Scaled"));
  ASSERT_TRUE(unregister_op("test.ops", "Scaled"));
  EXPECT_FALSE(unregister_op("test.ops", "Scaled"));
  EXPECT_EQ(run(**first, "f32[1,3]{1 2 3}"), "f32[1,3]{5 10 15}");
  EXPECT_EQ(run(**second, "f32[1,3]{1 2 3}"), "f32[1,3]{7 14 21}");
  const auto third = Session::from_model(model_with("Scaled"));
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.status().code(), Code::kNotImplemented);
  EXPECT_NE(third.status().message().find("Scaled of domain 'test.ops'"), std::string::npos);
}

TEST(CustomOp, WithoutInferenceTypesFollowFromRules) {
  CustomOp op = scaled();
  op.infer = nullptr;
  EXPECT_EQ(run_with(op), "f32[2,3]{0 4 6 0 10 12}");
}

TEST(CustomOp, WrongKernelsAndTypesAreErrors) {
  CustomOp op = scaled();
  op.eval = [](EvalContext&) -> Status { throw std::runtime_error("broken"); };
  EXPECT_NE(run_with(op).find("the custom operator threw: broken"), std::string::npos);
  op.eval = [](EvalContext&) -> Status { return {}; };
  EXPECT_NE(run_with(op).find("did not set output 0"), std::string::npos);
  op.eval = [](EvalContext& c) -> Status { return c.output(1, DType::kFloat32, {}).status(); };
  EXPECT_NE(run_with(op).find("set output 1, the node has 1"), std::string::npos);
  op.eval = [](EvalContext& c) -> Status { return c.output(0, DType::kInt8, c.input(0).dims()).status(); };
  EXPECT_NE(run_with(op).find("element type int8, float32 was inferred"), std::string::npos);
  op = scaled();
  op.infer = [](InferContext&) -> Status { return invalid_argument("no such shape"); };
  EXPECT_NE(run_with(op).find("no such shape"), std::string::npos);
  const auto wrong = Session::from_model(model_with("Scaled", DType::kInt64), {.custom_ops = set_of(scaled())});
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("may not be int64"), std::string::npos) << wrong.status().message();
}

TEST(CustomOp, WrongSchemasAreRefused) {
  const auto error = [](CustomOp op) {
    OpSet set;
    return set.add(std::move(op)).message();
  };
  CustomOp op = scaled();
  op.name = "Relu";
  op.domain = "ai.onnx";
  EXPECT_NE(error(op).find("Relu is built in"), std::string::npos);
  op = scaled();
  op.types[0].second = "float31";
  EXPECT_FALSE(error(op).empty());
  op = scaled();
  op.types[0].second = "float32 float64";
  EXPECT_FALSE(error(op).empty());
  op = scaled();
  op.eval = nullptr;
  EXPECT_NE(error(op).find("no kernel"), std::string::npos);
  op = scaled();
  op.attrs[0].fallback = std::string("2");
  EXPECT_NE(error(op).find("'scale' is FLOAT, its default STRING"), std::string::npos);
  op = scaled();
  op.inputs = {{"x", "T", kVariadicParam}, {"y", "T"}};
  EXPECT_NE(error(op).find("only the last one may be variadic"), std::string::npos);
}

TEST(CustomOp, TypeSets) {
  const auto set = parse_type_set("float32 | seq(int64)|optional(seq(bool))|map(int64,float32)|sparse(float32)");
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->tensor.bits(), DTypeSet(DType::kFloat32).bits());
  EXPECT_EQ(set->sequence.bits(), DTypeSet(DType::kInt64).bits());
  EXPECT_EQ(set->optional_sequence.bits(), DTypeSet(DType::kBool).bits());
  EXPECT_TRUE(set->map);
  EXPECT_EQ(set->sparse.bits(), DTypeSet(DType::kFloat32).bits());
  EXPECT_FALSE(parse_type_set("").ok());
  EXPECT_FALSE(parse_type_set("seq(seq(float32))").ok());
}

TEST(CustomOp, DefaultsAndConstantInputsFold) {
  int calls = 0;
  CustomOp op = scaled();
  op.eval = [&calls, inner = op.eval](EvalContext& c) {
    ++calls;
    return inner(c);
  };
  Model m = model_with("Scaled");
  m.graph.value(m.graph.inputs[0]).constant = literal("f32[1,3]{1 2 3}");
  m.graph.value(m.graph.inputs[0]).type = Type::tensor(DType::kFloat32, SymShape{Dim(1), Dim(3)});
  m.graph.inputs.clear();
  SessionOptions options;
  options.custom_ops = set_of(op);
  const auto session = Session::from_model(m, options);
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_EQ(calls, 1);
  const auto out = (*session)->run(std::vector<Value>{});
  ASSERT_TRUE(out.ok()) << out.status().message();
  EXPECT_EQ(print_tensor((*out)[0].tensor()), "f32[1,3]{2 4 6}");
  EXPECT_EQ(calls, 1);
  op.flags = kRandom;
  options.custom_ops = set_of(op);
  const auto random = Session::from_model(m, options);
  ASSERT_TRUE((*random)->run(std::vector<Value>{}).ok());
  EXPECT_EQ(calls, 2);
}

TEST(CustomOp, ModelsWithThemAreWritten) {
  const auto bytes = write_onnx_bytes(model_with("Scaled"));
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  SessionOptions options;
  options.custom_ops = set_of(scaled());
  const auto session = Session::load_bytes(std::as_bytes(std::span(bytes->data(), bytes->size())), nullptr, options);
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_EQ(run(**session, "f32[1,3]{1 2 3}"), "f32[1,3]{2 4 6}");
}

}  // namespace
}  // namespace anyrt
