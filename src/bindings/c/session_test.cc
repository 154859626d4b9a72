#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "anyrt/anyrt.hpp"
#include "bindings/c/test_models.h"

namespace {

using anyrt::Session;
using anyrt::Value;
using Floats = std::vector<float>;

Session from(const std::string& bytes, const anyrt::Options& options = {}) {
  return Session::from_bytes(bytes.data(), bytes.size(), options);
}

Floats floats(const Value& v) { return v.data<float>(); }

std::string error_of(const std::function<void()>& call, anyrt_code code = ANYRT_INVALID_ARGUMENT) {
  try {
    call();
  } catch (const anyrt::Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(CSession, LoadsFromPathBytesAndStream) {
  const std::string bytes = test_models::add_model();
  const std::string path = ::testing::TempDir() + "/anyrt_c_session.onnx";
  std::ofstream(path, std::ios::binary) << bytes;
  const Session by_path(path);
  std::ifstream file(path, std::ios::binary);
  const Session by_stream = Session::from_stream(file);
  const Value x = Value::tensor<float>({1, 2}, {10, 20});
  for (const Session* s : {&by_path, &by_stream}) EXPECT_EQ(floats(s->run({{"x", x}})[0]), (Floats{11, 22}));
  std::remove(path.c_str());

  int released = 0;
  anyrt_session* session = nullptr;
  const anyrt_release_fn release = [](void* user) { ++*static_cast<int*>(user); };
  anyrt::check(anyrt_session_load_bytes(bytes.data(), bytes.size(), release, &released, nullptr, &session));
  EXPECT_EQ(released, 0);
  anyrt_session_free(session);
  EXPECT_EQ(released, 1);
  anyrt_status* status = anyrt_session_load_bytes("rubbish", 7, release, &released, nullptr, &session);
  EXPECT_EQ(anyrt_status_code(status), ANYRT_INVALID_MODEL);
  EXPECT_EQ(session, nullptr);
  EXPECT_EQ(released, 2);
  anyrt_status_free(status);

  status = anyrt_session_load_stream([](void*, void*, size_t) -> int64_t { return -1; }, nullptr, nullptr, &session);
  EXPECT_EQ(anyrt_status_code(status), ANYRT_IO_ERROR);
  anyrt_status_free(status);
}

TEST(CSession, TellsWhatTheModelIs) {
  const Session s = from(test_models::add_model(true));
  ASSERT_EQ(s.inputs().size(), 1u);
  EXPECT_STREQ(s.inputs()[0].name, "x");
  EXPECT_STREQ(s.inputs()[0].type.text(), "float32[n,2]");
  EXPECT_STREQ(s.inputs()[0].type.symbol(0), "n");
  ASSERT_EQ(s.initializers().size(), 1u);
  EXPECT_STREQ(s.initializers()[0].name, "b");
  EXPECT_EQ(s.initializers()[0].type.dim(0), 2);
  std::string names;
  for (const anyrt::ValueInfo info : s.outputs()) names += info.name;
  EXPECT_EQ(names, "yz");
  EXPECT_STREQ(s.info("producer_name"), "test writer");
  EXPECT_STREQ(s.info("producer_version"), "7");
  EXPECT_STREQ(s.info("domain"), "org.example");
  EXPECT_STREQ(s.info("description"), "a small model");
  EXPECT_STREQ(s.info("graph_name"), "sums");
  EXPECT_STREQ(s.info("model_version"), "3");
  EXPECT_STREQ(s.info("ir_version"), "10");
  EXPECT_EQ(s.info("colour"), nullptr);
  EXPECT_STREQ(s.metadata("author"), "somebody");
  EXPECT_EQ(s.metadata("publisher"), nullptr);
  EXPECT_NE(s.explain<std::string>().find("cpu"), std::string::npos);
  EXPECT_EQ(anyrt_session_input_name(s.get(), 1), nullptr);
  EXPECT_EQ(anyrt_session_metadata_key(s.get(), 1), nullptr);
  ASSERT_GE(anyrt_device_count(), 1u);
  EXPECT_EQ(anyrt_device_name(1000), nullptr);
}

TEST(CSession, RunsByNameAndPosition) {
  const Session s = from(test_models::add_model(true));
  const Value x = Value::tensor<float>({2, 2}, {1, 2, 3, 4}), b = Value::tensor<float>({2}, {100, 200});
  anyrt::Values all = s.run({{"x", x}});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(floats(all[0]), (Floats{2, 4, 4, 6}));
  EXPECT_EQ(floats(all[1]), (Floats{-1, -2, -3, -4}));
  EXPECT_EQ(floats(s.run({x})[0]), (Floats{2, 4, 4, 6}));
  EXPECT_EQ(floats(s.run({{"b", b}, {"x", x}}, {"z", "y"})[1]), (Floats{101, 202, 103, 204}));
  const std::vector<anyrt::Input> inputs = {{"x", x}};
  const std::vector<std::string> wanted = {"z"};
  const std::vector<anyrt::Output> outputs(wanted.begin(), wanted.end());
  EXPECT_EQ(floats(s.run(inputs, outputs)[0])[3], -4);

  EXPECT_EQ(error_of([&] { s.run({{"q", x}}); }), "the model has no input 'q'; its inputs are: x, b");
  EXPECT_EQ(error_of([&] { s.run({{"x", x}}, {"q"}); }), "the model has no output 'q'; its outputs are: y, z");
  EXPECT_EQ(error_of([&] { s.run({{"x", x}, {"x", x}}); }), "input 'x' is given twice");
  EXPECT_EQ(error_of([&] { s.run({x, x}); }), "the model takes 1 inputs, found 2");
  EXPECT_NE(error_of([&] { s.run({}); }).find("input 'x': no value given, expected float32[n,2]"), std::string::npos);
  EXPECT_NE(error_of([&] { s.run({{"x", b}}); }).find("expected rank 2"), std::string::npos);
  EXPECT_NE(error_of([&] { s.run({Value::scalar(1)}); }).find("expected float32[n,2], found int32"), std::string::npos);
  EXPECT_EQ(error_of([&] { s.run({Value()}); }), "input 'x' is NULL");
}

TEST(CSession, WritesIntoTheCallersMemory) {
  const Session s = from(test_models::add_model());
  const Value x = Value::tensor<float>({2, 2}, {1, 2, 3, 4});
  Floats mine(4), other(4);
  Value place = Value::borrow({2, 2}, mine.data(), mine.size());
  Value owned = Value::zeros(ANYRT_FLOAT32, {2, 2});
  const void* where = owned.raw();
  anyrt::Values out = s.run({{"x", x}}, {{"y", place}, {"z", owned}});
  EXPECT_EQ(mine, (Floats{2, 4, 4, 6}));
  EXPECT_EQ(out[0].raw(), mine.data());
  EXPECT_EQ(out[1].raw(), where);
  EXPECT_EQ(floats(owned), (Floats{-1, -2, -3, -4}));

  Value wrong_shape = Value::zeros(ANYRT_FLOAT32, {4}), wrong_type = Value::zeros(ANYRT_FLOAT64, {2, 2});
  EXPECT_EQ(error_of([&] {
              s.run({{"x", x}}, {{"y", wrong_shape}});
            }),
            "output 'y': the result is float32[2,2], the tensor to write into is float32[4]");
  EXPECT_EQ(error_of([&] {
              s.run({{"x", x}}, {{"y", wrong_type}});
            }),
            "output 'y': the result is float32[2,2], the tensor to write into is float64[2,2]");
  Value sequence = Value::sequence({x});
  EXPECT_NE(error_of([&] {
              s.run({{"x", x}}, {{"y", sequence}});
            }).find("only a tensor can be written into"),
            std::string::npos);
  // Of two outputs in one place one wins; neither may break the other's kernel.
  EXPECT_EQ(s.run({{"x", x}}, {{"y", place}, {"z", place}}).size(), 2u);
  // The input's own memory.
  s.run({{"x", x}}, {{"y", place}});
  Value both = Value::borrow({2, 2}, mine.data(), mine.size());
  s.run({{"x", both}}, {{"y", both}});
  EXPECT_EQ(mine, (Floats{3, 6, 5, 8}));
}

TEST(CSession, ResultsOutliveTheSession) {
  Value y;
  {
    const Session s = from(test_models::add_model());
    y = s.run({Value::tensor<float>({1, 2}, {1, 2})})[0];
  }
  EXPECT_EQ(floats(y), (Floats{2, 4}));
}

TEST(CSession, OptionsByKey) {
  anyrt::Options o{
      {"threads", "1"}, {"accuracy", "strict"}, {"optimize", "0"}, {"dims", "n=2"}, {"memory_cap", "1GiB"}};
  o.set("device", "cpu").set("disabled_passes", "fold_constants,");
  const Session s = from(test_models::add_model(), o);
  EXPECT_EQ(s.run({Value::tensor<float>({2, 2}, {1, 2, 3, 4})}).size(), 2u);
  const std::string unknown = error_of([] { anyrt::Options{{"color", "red"}}; });
  EXPECT_EQ(unknown.find("there is no option 'color'; the options are: device, devices"), 0u) << unknown;
  EXPECT_NE(error_of([] { anyrt::Options{{"threads", "many"}}; }).find("'many', expected a number"), std::string::npos);
  EXPECT_NE(error_of([] { anyrt::Options{{"optimize", "2"}}; }).find("expected 0 or 1"), std::string::npos);
  EXPECT_NE(error_of([] { anyrt::Options{{"dims", "n"}}; }).find("expected SYMBOL=SIZE"), std::string::npos);
  const anyrt::Options bad_pass{{"disabled_passes", "no_such_pass"}};
  EXPECT_NE(error_of([&] { from(test_models::add_model(), bad_pass); }).find("no pass 'no_such_pass'"),
            std::string::npos);
  setenv("ANYRT_THREADS", "lots", 1);
  EXPECT_NE(error_of([] { anyrt::Options{}; }).find("environment variable ANYRT_THREADS"), std::string::npos);
  unsetenv("ANYRT_THREADS");
}

TEST(CSession, KindsOfValuesRun) {
  using test_models::Message;
  const Message f = test_models::tensor_type(1, {2});
  const auto sequence_of = [](const Message& elem) { return Message().message(4, Message().message(1, elem)); };
  const auto optional_of = [](const Message& elem) { return Message().message(9, Message().message(1, elem)); };
  const Value a = Value::tensor<float>({2}, {1, 2}), b = Value::tensor<float>({2}, {3, 4});
  {
    const Session s = from(test_models::unary_model("SequenceLength", sequence_of(f), test_models::tensor_type(7, {})));
    EXPECT_EQ(s.run({Value::sequence({a, b})})[0].data<std::int64_t>()[0], 2);
    EXPECT_STREQ(s.inputs()[0].type.text(), "seq(float32[2])");
  }
  {
    const Session s =
        from(test_models::unary_model("OptionalHasElement", optional_of(f), test_models::tensor_type(9, {})));
    EXPECT_TRUE(s.run({a})[0].data<bool>()[0]);
    EXPECT_FALSE(s.run({Value::none()})[0].data<bool>()[0]);
    EXPECT_EQ(s.inputs()[0].type.kind(), ANYRT_KIND_OPTIONAL);
  }
  {
    const Message text = test_models::tensor_type(8, {2});
    const Session s = from(test_models::unary_model("Identity", text, text));
    Value place = Value::zeros(ANYRT_STRING, {2});
    s.run({Value::strings({2}, {"one", "two"})}, {{"y", place}});
    EXPECT_EQ(static_cast<std::string>(place.string(1)), "two");
  }
  {
    const Session s = from(test_models::unary_model("Identity", sequence_of(f), sequence_of(f)));
    const Value y = s.run({Value::sequence({a, b})})[0];
    EXPECT_EQ(floats(y[1]), (Floats{3, 4}));
  }
}

TEST(CSession, BindingRunsAgainAndAgain) {
  const Session s = from(test_models::add_model());
  Floats in = {1, 2}, out(2);
  const Value x = Value::borrow({1, 2}, in.data(), 2);
  Value place = Value::borrow({1, 2}, out.data(), 2);
  anyrt::Binding b(s);
  b.set_input("x", x);
  b.run();
  EXPECT_EQ(floats(b.output("z")), (Floats{-1, -2}));
  b.set_output("y", place);
  b.set_output("z");
  for (float step = 1; step < 4; ++step) {
    in[0] = step;
    b.run();
    EXPECT_EQ(out[0], step + 1);
    EXPECT_EQ(b.output("y").raw(), out.data());
    EXPECT_EQ(floats(b.output("z"))[0], -step);
  }
  EXPECT_EQ(error_of([&] { b.set_input("q", x); }), "the model has no input 'q'; its inputs are: x");
  EXPECT_NE(error_of([&] { b.set_input("x", Value::scalar(1)); }).find("input 'x': expected float32[n,2]"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { b.output("q"); }), "the model has no output 'q'; its outputs are: y, z");
  b.clear();
  EXPECT_NE(error_of([&] { b.output("y"); }, ANYRT_NOT_FOUND).find("no result for output 'y'"), std::string::npos);
  EXPECT_NE(error_of([&] { b.run(); }).find("no value given"), std::string::npos);
}

}  // namespace
