#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace anyrt {
namespace {

std::string round_trip(std::string_view text, int indent = -1) {
  const auto value = Json::parse(text);
  return value.ok() ? value->dump(indent) : value.status().message();
}

TEST(Json, RoundTrip) {
  for (const char* text : {"null", "true", "-7", "0.1", "1e+300", "\"a\\n\\u0001é\"", "[]", "{}", "[1,[2,{}],\"x\"]",
                           "{\"z\":1,\"a\":{\"b\":[null,false]}}", "9223372036854775807", "-9223372036854775808"}) {
    EXPECT_EQ(round_trip(text), text);
  }
  EXPECT_EQ(round_trip("{\"a\":[1,{}],\"b\":{\"c\":2}}", 2),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": 2\n  }\n}");
  EXPECT_EQ(round_trip("18446744073709551615"), "1.8446744073709552e+19");
}

TEST(Json, BuildsValues) {
  Json value;
  value.set("b", 1).set("a", Json::array_of(std::vector<int>{1, 2})).set("b", "two");
  value.set("list", Json().push_back(1.5).push_back(true).push_back(nullptr));
  EXPECT_EQ(value.dump(), "{\"b\":\"two\",\"a\":[1,2],\"list\":[1.5,true,null]}");
  EXPECT_EQ(value["a"].items()[1].as_int(), 2);
  EXPECT_EQ(value["list"].size(), 3u);
  EXPECT_TRUE(value["none"]["deeper"].is_null());
  EXPECT_TRUE(value.contains("b"));
  EXPECT_EQ(value["b"].as_int(-1), -1);
}

TEST(Json, NumbersConvertWithoutLoss) {
  EXPECT_EQ(Json(3.0).as_int(), 3);
  EXPECT_EQ(Json(3.5).as_int(-1), -1);
  EXPECT_EQ(Json(1e300).as_int(-1), -1);
  EXPECT_EQ(Json(7).as_double(), 7.0);
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<uint64_t>::max()).as_double(), 18446744073709551616.0);
}

TEST(Json, LastOfEqualNamesCounts) { EXPECT_EQ((*Json::parse("{\"a\":1,\"a\":2}"))["a"].as_int(), 2); }

TEST(Json, BrokenBytesAreReplaced) { EXPECT_EQ(Json("a\xff").dump(), "\"a\xef\xbf\xbd\""); }

TEST(Json, RefusesHostileText) {
  for (const char* text :
       {"", "{", "[1,", "{\"a\"}", "nan", "01", "[1]]", "\"\\q\"", "\"\xff\"", "1e999", "{1:2}", "'a'"}) {
    EXPECT_FALSE(Json::parse(text).ok()) << text;
  }
  const std::string deep(100000, '[');
  EXPECT_EQ(Json::parse(deep).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(Json::parse("[1,2,3]", 3).status().code(), Code::kResourceExhausted);
  const Status status = Json::parse("{\n  \"a\": ?\n}").status();
  EXPECT_NE(status.message().find("line 2 column 8"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace anyrt
