#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "anyrt/anyrt.hpp"
#include "bindings/c/test_models.h"

namespace {

using test_models::Message;

anyrt_code take(anyrt_status* status) {
  const anyrt_code code = anyrt_status_code(status);
  EXPECT_EQ(status == nullptr, code == ANYRT_OK);
  if (status) {
    EXPECT_STRNE(anyrt_status_message(status), "");
  }
  anyrt_status_free(status);
  return code;
}

anyrt_code load(const std::string& bytes) {
  anyrt_session* session = nullptr;
  const anyrt_code code =
      take(anyrt_session_load_bytes(bytes.data(), bytes.size(), nullptr, nullptr, nullptr, &session));
  EXPECT_EQ(session == nullptr, code != ANYRT_OK);
  anyrt_session_free(session);
  return code;
}

TEST(CStatus, Version) {
  EXPECT_EQ(anyrt_api_version(), static_cast<uint32_t>(ANYRT_API_VERSION));
  EXPECT_NE(std::string(anyrt_version()).find('.'), std::string::npos);
}

TEST(CStatus, OfOwnMaking) {
  EXPECT_EQ(anyrt_status_create(ANYRT_OK, "fine"), nullptr);
  anyrt_status* s = anyrt_status_create(ANYRT_IO_ERROR, "disk");
  EXPECT_EQ(anyrt_status_code(s), ANYRT_IO_ERROR);
  EXPECT_STREQ(anyrt_status_message(s), "disk");
  anyrt_status_free(s);
  s = anyrt_status_create(static_cast<anyrt_code>(1000), nullptr);
  EXPECT_EQ(anyrt_status_code(s), ANYRT_INTERNAL);
  anyrt_status_free(s);
  EXPECT_STREQ(anyrt_code_name(ANYRT_CANCELLED), "cancelled");
  EXPECT_STREQ(anyrt_code_name(static_cast<anyrt_code>(1000)), "unknown");
  const anyrt::Error error(ANYRT_NOT_FOUND, "gone");
  anyrt::Error copy(ANYRT_INTERNAL, "");
  copy = error;
  EXPECT_STREQ(copy.what(), "gone");
  EXPECT_STREQ(copy.code_name(), "not found");
}

// Cancelled and deadline exceeded stand in async_test.cc.
TEST(CStatus, EveryErrorOfASession) {
  anyrt_session* session = nullptr;
  EXPECT_EQ(take(anyrt_session_load("/no/such/model.onnx", nullptr, &session)), ANYRT_NOT_FOUND);
  EXPECT_EQ(take(anyrt_session_load("/", nullptr, &session)), ANYRT_IO_ERROR);
  EXPECT_EQ(load("this is no model"), ANYRT_INVALID_MODEL);
  EXPECT_EQ(load(""), ANYRT_INVALID_MODEL);
  EXPECT_EQ(load(test_models::add_model().substr(0, 60)), ANYRT_INVALID_MODEL);
  const Message f = test_models::tensor_type(1, {2});
  EXPECT_EQ(load(test_models::unary_model("NoSuchOperator", f, f)), ANYRT_NOT_IMPLEMENTED);
  EXPECT_EQ(load(test_models::unary_model("Relu", test_models::tensor_type(8, {2}), f)), ANYRT_INVALID_MODEL);
  anyrt_options* options = nullptr;
  ASSERT_EQ(take(anyrt_options_create(&options)), ANYRT_OK);
  ASSERT_EQ(take(anyrt_options_set(options, "device", "warp")), ANYRT_OK);
  const std::string model = test_models::add_model();
  EXPECT_EQ(take(anyrt_session_load_bytes(model.data(), model.size(), nullptr, nullptr, options, &session)),
            ANYRT_NOT_FOUND);
  anyrt_options_free(options);
}

TEST(CStatus, NullsAreErrorsOrNothing) {
  anyrt_session* session = nullptr;
  anyrt_value* value = nullptr;
  anyrt_type* type = nullptr;
  EXPECT_EQ(take(anyrt_session_load(nullptr, nullptr, &session)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_session_load("x", nullptr, nullptr)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_session_run(nullptr, nullptr, nullptr, nullptr, 0, nullptr, nullptr, 0)),
            ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_session_load_bytes(nullptr, 5, nullptr, nullptr, nullptr, &session)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_session_load_stream(nullptr, nullptr, nullptr, &session)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_tensor_create(ANYRT_FLOAT32, nullptr, 2, &value)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_tensor_from_strings(nullptr, 0, nullptr, nullptr, &value)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_sequence_create(nullptr, nullptr, 2, &value)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_value_clone(nullptr, &value)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_value_type(nullptr, &type)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_type_parse(nullptr, &type)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_options_set(nullptr, "threads", "1")), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_binding_create(nullptr, nullptr)), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(take(anyrt_set_log_level(static_cast<anyrt_log_level>(9))), ANYRT_INVALID_ARGUMENT);
  EXPECT_EQ(anyrt_status_code(nullptr), ANYRT_OK);
  EXPECT_STREQ(anyrt_status_message(nullptr), "");
  EXPECT_EQ(anyrt_value_kind(nullptr), ANYRT_KIND_NONE);
  EXPECT_EQ(anyrt_tensor_data(nullptr), nullptr);
  EXPECT_EQ(anyrt_session_input_count(nullptr), 0u);
  EXPECT_EQ(anyrt_type_rank(nullptr), -1);
  anyrt_status_free(nullptr);
  anyrt_value_free(nullptr);
  anyrt_type_free(nullptr);
  anyrt_session_free(nullptr);
  anyrt_options_free(nullptr);
  anyrt_run_options_free(nullptr);
  anyrt_run_options_cancel(nullptr);
  anyrt_binding_free(nullptr);
  anyrt_text_free(nullptr);
}

TEST(CStatus, LogGoesToTheCallback) {
  using Lines = std::vector<std::pair<anyrt_log_level, std::string>>;
  Lines lines;
  anyrt::set_log_callback([](void* user, anyrt_log_level level,
                             const char* message) { static_cast<Lines*>(user)->emplace_back(level, message); },
                          &lines);
  const std::string model = test_models::add_model();
  const anyrt::Options options{{"devices", "warp,cpu"}};  // a missing device of a list is a warning
  anyrt::Session::from_bytes(model.data(), model.size(), options);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].first, ANYRT_LOG_WARNING);
  EXPECT_NE(lines[0].second.find("warp"), std::string::npos);
  anyrt::set_log_level(ANYRT_LOG_ERROR);
  anyrt::Session::from_bytes(model.data(), model.size(), options);
  EXPECT_EQ(lines.size(), 1u);
  anyrt::set_log_level(ANYRT_LOG_WARNING);
  anyrt::set_log_callback(nullptr);
}

}  // namespace
