#include "base/log.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace anyrt {
namespace {

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = log_level();
    set_log_sink([this](LogLevel level, std::string_view message) {
      messages_.push_back(std::string(log_level_name(level)) + " " + std::string(message));
    });
  }
  void TearDown() override {
    set_log_sink({});
    set_log_level(before_);
  }
  LogLevel before_ = LogLevel::kWarning;
  std::vector<std::string> messages_;
};

TEST_F(LogTest, PassesOnWhatReachesTheLevel) {
  set_log_level(LogLevel::kInfo);
  log_debug("a {}", 1);
  log_info("b {}", 2);
  log_error("c {}", "x");
  set_log_level(LogLevel::kOff);
  log_error("d");
  EXPECT_EQ(messages_, (std::vector<std::string>{"info b 2", "error c x"}));
  EXPECT_FALSE(log_enabled(LogLevel::kError));
}

TEST_F(LogTest, AThrowingSinkIsHarmless) {
  set_log_sink([](LogLevel, std::string_view) { throw std::runtime_error("sink"); });
  EXPECT_NO_THROW(log_error("x"));
}

TEST_F(LogTest, ScopesHaveLevelsAndSinksOfTheirOwn) {
  set_log_level(LogLevel::kError);
  std::vector<std::string> own;
  const LogSink sink = [&](LogLevel, std::string_view message) { own.emplace_back(message); };
  const LogSink none;
  {
    const LogScope outer(LogLevel::kDebug, sink);
    log_debug("a");
    {
      const LogScope inner(LogLevel::kOff, none);
      log_error("b");
    }
    {
      const LogScope inner(std::nullopt, none);
      log_info("c");
    }
    std::thread([] { log_error("elsewhere"); }).join();
  }
  log_info("d");
  log_error("e");
  EXPECT_EQ(own, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(messages_, (std::vector<std::string>{"error elsewhere", "error e"}));
}

TEST(LogLevelText, Parses) {
  EXPECT_EQ(parse_log_level("debug"), LogLevel::kDebug);
  EXPECT_EQ(parse_log_level("4"), LogLevel::kError);
  EXPECT_EQ(parse_log_level("off"), LogLevel::kOff);
  EXPECT_FALSE(parse_log_level("loud").has_value());
  EXPECT_FALSE(parse_log_level("0").has_value());
  EXPECT_FALSE(parse_log_level("").has_value());
}

}  // namespace
}  // namespace anyrt
