#include "base/table.h"

#include <gtest/gtest.h>

namespace anyrt {
namespace {

TEST(Table, TextLeftNumbersRight) {
  Table t({"name", "bytes"});
  t.add({"a", "5"});
  t.add({"long", "1234567"});
  EXPECT_EQ(t.to_string(), "name    bytes\na           5\nlong  1234567\n");
}

TEST(Table, ShortRowsAndWideLetters) {
  Table t({"n", "x"});
  t.add({"ä"});
  EXPECT_EQ(t.to_string(), "n  x\nä\n");
}

}  // namespace
}  // namespace anyrt
