#include "format/onnx/wire.h"

#include <gmock/gmock.h>

#include "format/onnx/wire_out.h"

namespace anyrt::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Reading {
  std::string bytes;
  Source source{bytes.data()};
  Wire wire() { return Wire(source, bytes, "Test"); }
};

TEST(Wire, reads_what_message_out_writes) {
  MessageOut nested;
  nested.text(1, "abc");
  MessageOut out;
  out.integer(1, -5);
  out.number(2, 1.5f);
  out.message(3, std::move(nested));
  const std::vector<int64_t> ints = {1, -1, 300};
  out.packed(4, ints);
  for (const int64_t v : ints) out.integer(5, v);
  const std::vector<float> floats = {1, 2};
  out.packed(6, floats);
  std::string bytes;
  ASSERT_TRUE(out.put([&](std::string_view s) {
    bytes += s;
    return Status();
  }));
  EXPECT_EQ(bytes.size(), out.size());
  Reading r{bytes};
  Wire w = r.wire();
  std::vector<int64_t> packed, unpacked;
  std::vector<float> fs;
  std::string text;
  while (w.next()) {
    switch (w.field()) {
      case 1: EXPECT_EQ(w.integer(), -5); break;
      case 2: EXPECT_EQ(w.f32(), 1.5f); break;
      case 3: {
        Wire inner = w.message("Inner");
        ASSERT_TRUE(inner.next());
        text = inner.bytes();
        break;
      }
      case 4: w.append(packed); break;
      case 5: w.append(unpacked); break;
      default: w.append(fs); break;
    }
  }
  EXPECT_TRUE(w.finish());
  EXPECT_EQ(text, "abc");
  EXPECT_EQ(packed, ints);
  EXPECT_EQ(unpacked, ints);
  EXPECT_THAT(fs, ElementsAre(1, 2));
}

std::string error_of(std::string bytes) {
  Reading r{std::move(bytes)};
  Wire w = r.wire();
  while (w.next()) w.integer();
  return w.finish().message();
}

TEST(Wire, names_the_byte_of_an_error) {
  EXPECT_THAT(error_of(std::string("\x08\x01\x12\x05"
                                   "ab",
                                   6)),
              HasSubstr("byte 2: Test: truncated: field 2 needs 5 bytes, 2 are left"));
  EXPECT_THAT(error_of("\x08"), HasSubstr("byte 0: Test: broken number in field 1"));
  EXPECT_THAT(error_of("\x80"), HasSubstr("broken field tag"));
  EXPECT_THAT(error_of("\x0b"), HasSubstr("wire type 3"));
  EXPECT_THAT(error_of(std::string(2, '\0')), HasSubstr("field number 0"));
  EXPECT_THAT(error_of("\x12\x01x"), HasSubstr("field 2 has wire type 2, expected 0"));
  EXPECT_THAT(error_of("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), HasSubstr("broken number"));
}

// Lengths beyond 32 bits are neither cut nor wrapped.
TEST(Wire, takes_lengths_as_64_bits) {
  EXPECT_THAT(error_of("\x12\x80\x80\x80\x80\x10"), HasSubstr("field 2 needs 4294967296 bytes"));
  EXPECT_THAT(error_of("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), HasSubstr("needs 18446744073709551615 bytes"));
}

TEST(Wire, counts_varints) {
  std::vector<uint64_t> out;
  EXPECT_TRUE(for_each_varint(std::string_view("\x01\x80\x01", 3), [&](uint64_t v) { out.push_back(v); }));
  EXPECT_THAT(out, ElementsAre(1u, 128u));
  EXPECT_FALSE(for_each_varint("\x80", [](uint64_t) {}));
}

}  // namespace
}  // namespace anyrt::onnx
