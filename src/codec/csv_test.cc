#include "codec/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Csv parsed(std::string_view text, const CsvOptions& options = {}) {
  auto csv = decode_csv(text, options);
  EXPECT_TRUE(csv.ok()) << csv.status().to_string();
  return csv.ok() ? *csv : Csv{};
}

template <class T>
std::vector<T> elements(const Csv& csv) {
  return {csv.values.span<T>().begin(), csv.values.span<T>().end()};
}

std::string error_of(std::string_view text, const CsvOptions& options = {}) {
  auto csv = decode_csv(text, options);
  EXPECT_FALSE(csv.ok());
  return csv.status().message();
}

TEST(Csv, FindsTheType) {
  EXPECT_THAT(elements<int64_t>(parsed("1,2\n-3,+4\n")), ElementsAre(1, 2, -3, 4));
  EXPECT_THAT(parsed("1,2,3\n4,5,6").values.dims(), ElementsAre(2, 3));
  EXPECT_THAT(elements<float>(parsed("1, 2.5\r\n3e1,inf\r\n")), ElementsAre(1, 2.5, 30, INFINITY));
  EXPECT_TRUE(std::isnan(elements<float>(parsed("1,\n2,3"))[1]));
  EXPECT_THAT(elements<std::string>(parsed("1,a\n2,b", {.header = CsvOptions::Header::kNo})),
              ElementsAre("1", "a", "2", "b"));
}

TEST(Csv, FindsTheHeader) {
  const Csv csv = parsed("\xef\xbb\xbfwidth, \"a,b\"\n1,2\n3,4");
  EXPECT_EQ(csv.columns.size(), 2u);
  EXPECT_EQ(csv.columns[0], "width");
  EXPECT_THAT(elements<int64_t>(csv), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(parsed("7,8\n1,2", {.header = CsvOptions::Header::kYes}).columns, ElementsAre("7", "8"));
  EXPECT_THAT(parsed("a,b", {.header = CsvOptions::Header::kYes}).values.dims(), ElementsAre(0, 2));
}

TEST(Csv, OtherSeparatorsAndComments) {
  EXPECT_THAT(elements<int64_t>(parsed("# made by hand\n1\t2\n\n3\t4\n")), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(elements<int64_t>(parsed("1;2")), ElementsAre(1, 2));
  EXPECT_THAT(elements<float>(parsed("  1.0   2.5 \n3 4\n")), ElementsAre(1, 2.5, 3, 4));
  EXPECT_THAT(elements<int64_t>(parsed("5\n6\n")), ElementsAre(5, 6));
}

TEST(Csv, Quotes) {
  const CsvOptions strings{.header = CsvOptions::Header::kNo, .dtype = DType::kString};
  EXPECT_THAT(elements<std::string>(parsed("\"a \"\"b\"\"\",\"line\nbreak\"\n,x", strings)),
              ElementsAre("a \"b\"", "line\nbreak", "", "x"));
  EXPECT_THAT(error_of("1,2\n\"x,2"), HasSubstr("line 2: a quote is not closed"));
  EXPECT_THAT(error_of("\"x\"y,2"), HasSubstr("line 1: text after a closing quote"));
}

TEST(Csv, TypesOnRequest) {
  EXPECT_EQ(parsed("1,2", {.dtype = DType::kFloat64}).values.dtype(), DType::kFloat64);
  EXPECT_THAT(elements<uint8_t>(parsed("1,255", {.dtype = DType::kUInt8})), ElementsAre(1, 255));
  EXPECT_THAT(error_of("1,x\n2,y", {.dtype = DType::kFloat32}),
              HasSubstr("line 1, cell 2: 'x' is not a number of type float64"));
  EXPECT_THAT(error_of("1,\n2,3", {.dtype = DType::kInt32}), HasSubstr("cell 2"));
}

TEST(Csv, RefusesRaggedRows) {
  EXPECT_THAT(error_of("1,2\n3"), HasSubstr("line 2 has 1 cells, line 1 has 2"));
  EXPECT_THAT(error_of(""), HasSubstr("no rows"));
}

TEST(Csv, RoundTrips) {
  StringSink sink;
  const Csv csv = parsed("a,\"b,c\"\n1,2.5\n-3,4\n");
  ASSERT_TRUE(encode_csv(csv.values, csv.columns, sink).ok());
  const std::string text = sink.take();
  EXPECT_EQ(text, "a,\"b,c\"\n1,2.5\n-3,4\n");
}

}  // namespace
}  // namespace anyrt
