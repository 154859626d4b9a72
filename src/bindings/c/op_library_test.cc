#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "anyrt/anyrt.hpp"
#include "anyrt/custom_op.h"
#include "bindings/c/test_models.h"

namespace {

using anyrt::Session;
using anyrt::Value;
using test_models::Message;
using Floats = std::vector<float>;

// Operator libraries that were built before go on working: what is there keeps its place.
static_assert(sizeof(void*) != 8 || (sizeof(anyrt_op_param) == 32 && sizeof(anyrt_op_attr) == 64 &&
                                     sizeof(anyrt_op_types) == 16 && sizeof(anyrt_op_def) == 144));
static_assert(sizeof(void*) != 8 || (offsetof(anyrt_op_api, add_op) == 32 && offsetof(anyrt_op_api, input) == 184 &&
                                     offsetof(anyrt_op_api, type_elem) == 368));
static_assert(ANYRT_INTERNAL == 10 && ANYRT_INT2 == 26 && ANYRT_KIND_MAP == 5 && ANYRT_LOG_OFF == 5);

std::string library(const char* name) {
  std::string path = ANYRT_TEST_LIBRARIES "/";
  path.append(name).append(".so");
  return path;
}

Session from(const std::string& bytes, const char* name) {
  return Session::from_bytes(bytes.data(), bytes.size(), {{"op_library", library(name)}});
}

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

std::string load_error(const std::string& path, anyrt_code code) {
  return error_of([&] { anyrt::Options{{"op_library", path}}; }, code);
}

std::string running_max(bool reverse = false) {
  Message n = test_models::node("RunningMax", {"x"}, {"y"}, "example.ops");
  if (reverse) n.message(5, Message().text(1, "reverse").integer(3, 1).integer(20, 2));
  Message g;
  g.message(1, n).text(2, "one").message(11, test_models::value_info("x", test_models::tensor_type(1, {-1, 3})));
  g.message(12, test_models::value_info("y", test_models::tensor_type(1, {-1, 3})));
  return test_models::model(g, 21, "example.ops");
}

std::string unary(const char* op, int from = 1, int to = 1) {
  return test_models::unary_model(op, test_models::tensor_type(from, {2}), test_models::tensor_type(to, {2}),
                                  "test.ops");
}

TEST(COpLibrary, TheExampleRuns) {
  const Value x = Value::tensor<float>({2, 3}, {1, 3, 2, 5, 4, 6});
  const Session forward = from(running_max(), "running_max"), backward = from(running_max(true), "running_max");
  EXPECT_STREQ(forward.outputs()[0].type.text(), "float32[n,3]");
  EXPECT_EQ(static_cast<Floats>(forward.run({x})[0].data<float>()), (Floats{1, 3, 3, 5, 5, 6}));
  EXPECT_EQ(static_cast<Floats>(backward.run({x})[0].data<float>()), (Floats{3, 3, 2, 6, 6, 6}));
  Floats many(300 * 3);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i * 7919 % 100);
  const Value big = Value::tensor({300, 3}, many);
  const Floats y = forward.run({big})[0].data<float>();
  for (size_t row = 0; row < 300; ++row) EXPECT_EQ(y[row * 3 + 1], std::max(many[row * 3], many[row * 3 + 1]));
}

TEST(COpLibrary, StringsSequencesConstantsAndState) {
  const Session mark = from(unary("Mark", 8, 8), "many");
  EXPECT_EQ(static_cast<std::string>(mark.run({Value::strings({2}, {"a", "b"})})[0].string(1)), "<b");
  const Message f = test_models::tensor_type(1, {2});
  const Message sequence = Message().message(4, Message().message(1, test_models::tensor_type(1, {2})));
  const Session twice = from(test_models::unary_model("Twice", f, sequence, "test.ops"), "many");
  EXPECT_EQ(twice.run({Value::tensor<float>({2}, {1, 2})})[0][1].data<float>()[1], 2);
  Message g;
  g.message(1, test_models::node("State", {"c"}, {"y"}, "test.ops")).text(2, "g");
  g.message(5, test_models::tensor<float>("c", 1, {1}, {7})).message(12, test_models::value_info("y", f));
  const Session state = from(test_models::model(g, 21, "test.ops"), "many");
  EXPECT_EQ(static_cast<Floats>(state.run({})[0].data<float>()), (Floats{7, 42}));
  EXPECT_NE(error_of([] { from(unary("State"), "many"); }).find("x must be a constant"), std::string::npos);
}

TEST(COpLibrary, WrongKernelsAreErrorsOfTheRun) {
  const Value x = Value::tensor<float>({2}, {1, 2});
  EXPECT_NE(error_of([&] { from(unary("Nothing"), "many").run({x}); }).find("did not set output 0"), std::string::npos);
  EXPECT_NE(error_of([&] { from(unary("Fails"), "many").run({x}); }, ANYRT_OUT_OF_RANGE).find("beyond the end"),
            std::string::npos);
  EXPECT_NE(error_of([&] { from(unary("Confused"), "many").run({x}); }).find("set by infer, not by eval"),
            std::string::npos);
}

TEST(COpLibrary, OperatorsAndLibraryGoWithTheirLastUser) {
  void* handle = dlopen(library("many").c_str(), RTLD_NOW);
  ASSERT_NE(handle, nullptr);
  const auto destroyed = reinterpret_cast<int (*)()>(dlsym(handle, "destroyed_count"));
  const int before = destroyed();
  {
    const Session s = from(unary("Fails"), "many");
    EXPECT_EQ(destroyed(), before);
  }
  EXPECT_EQ(destroyed(), before + 6);
  dlclose(handle);
  EXPECT_EQ(dlopen(library("many").c_str(), RTLD_NOW | RTLD_NOLOAD), nullptr);
}

TEST(COpLibrary, OfTheProcess) {
  const Value x = Value::tensor<float>({1, 3}, {1, 3, 2});
  const std::string model = running_max();
  const auto load = [&] { return Session::from_bytes(model.data(), model.size()); };
  EXPECT_NE(error_of([&] { load(); }, ANYRT_NOT_IMPLEMENTED).find("RunningMax"), std::string::npos);
  anyrt::register_op_library(library("running_max"));
  EXPECT_EQ(load().run({x})[0].data<float>()[2], 3);
  error_of([] { anyrt::check(anyrt_register_op_library(nullptr)); });
}

TEST(COpLibrary, WhatIsNoOperatorLibraryIsAnError) {
  const auto has = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  has(load_error("/no/such/library.so", ANYRT_NOT_FOUND), "/no/such/library.so");
  const std::string text = ::testing::TempDir() + "/anyrt_no_library.so";
  std::ofstream(text) << "just text";
  has(load_error(text, ANYRT_INVALID_ARGUMENT), "cannot be loaded as a shared library");
  has(load_error(library("no_entry"), ANYRT_INVALID_ARGUMENT), "does not export anyrt_register_ops");
  has(load_error(library("future_version"), ANYRT_NOT_IMPLEMENTED), "built for version 2");
  for (const char* name : {"onnxruntime_ops", "onnxruntime_ops_unresolved"}) {
    const std::string message = load_error(library(name), ANYRT_NOT_IMPLEMENTED);
    has(message, "custom-operator library for ONNX Runtime");
    has(message, "build its kernels with anyrt/custom_op.h");
  }
  has(load_error(library("empty"), ANYRT_INVALID_ARGUMENT), "registers no operators");
  has(load_error(library("refusing"), ANYRT_RESOURCE_EXHAUSTED), "no licence left");
  std::remove(text.c_str());
}

}  // namespace
