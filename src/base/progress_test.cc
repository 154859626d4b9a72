#include "base/progress.h"

#include <gtest/gtest.h>

namespace anyrt {
namespace {

TEST(Progress, LineFitsItsWidth) {
  EXPECT_EQ(Progress::line("load", 5, 10, 0.5, 40), "load [###########............]  50% 5/10");
  EXPECT_EQ(Progress::line("load", 7, 0, 1, 40), "load 7");
  for (int width = 1; width < 80; ++width) {
    const std::string text = Progress::line("calibrate", 123, 456, 12.5, width);
    EXPECT_LE(text.size(), static_cast<size_t>(width));
  }
}

TEST(Progress, LeftTime) {
  EXPECT_NE(Progress::line("x", 1, 4, 10, 80).find("30 s left"), std::string::npos);
  EXPECT_EQ(Progress::line("x", 4, 4, 10, 80).find("left"), std::string::npos);
  EXPECT_NE(Progress::line("x", 9, 4, 10, 80).find("100%"), std::string::npos);
}

TEST(Progress, IsQuietWithoutATerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("x", 100);
    for (int i = 0; i < 100; ++i) progress.add();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace anyrt
