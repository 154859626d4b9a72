#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

// Output of a command, and its exit status.
std::pair<std::string, int> shell(const std::string& command) {
  std::string out;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return {"", -1};
  char part[4096];
  while (size_t n = fread(part, 1, sizeof part, pipe)) out.append(part, n);
  return {out, pclose(pipe)};
}

struct Case {
  const char* header;
  const char* compiler;
  const char* flags;
  int most_lines;  // without blank ones, after the preprocessor; standard headers are counted too
};
// In C++20 the standard headers alone are half as long again.
constexpr Case kCases[] = {
    {"anyrt.h", ANYRT_TEST_CC, "-std=c99 -x c", 1000},
    {"anyrt.h", ANYRT_TEST_CC, "-std=c11 -x c", 1000},
    {"anyrt.h", ANYRT_TEST_CXX, "-std=c++17 -x c++", 1000},
    {"anyrt.hpp", ANYRT_TEST_CXX, "-std=c++17 -x c++", 10000},
    {"anyrt.hpp", ANYRT_TEST_CXX, "-std=c++20 -x c++", 10000},
    {"error.hpp", ANYRT_TEST_CXX, "-std=c++17 -x c++", 10000},
    {"value.hpp", ANYRT_TEST_CXX, "-std=c++17 -x c++", 10000},
    {"session.hpp", ANYRT_TEST_CXX, "-std=c++17 -x c++", 10000},
};

TEST(CHeaders, SelfContainedAndLight) {
  const std::string root = getenv("ANYRT_SOURCE_DIR");
  for (const Case& c : kCases) {
    if (system((std::string(c.compiler) + " --version >/dev/null 2>&1").c_str()) != 0) GTEST_SKIP() << "no compiler";
    const std::string call = std::string(c.compiler) + " " + c.flags + " -pedantic -Wall -Wextra -Werror -I" + root +
                             "/include -include anyrt/" + c.header + " ";
    const auto [messages, status] = shell(call + "-fsyntax-only /dev/null");
    EXPECT_EQ(status, 0) << c.header << " " << c.flags << ": " << messages;
    const auto [count, counted] = shell(call + "-E -P /dev/null | grep -vc '^[[:space:]]*$'");
    EXPECT_EQ(counted, 0);
    EXPECT_GT(std::stoi(count), 100);
    EXPECT_LT(std::stoi(count), c.most_lines) << c.header << " " << c.flags;
  }
}

}  // namespace
