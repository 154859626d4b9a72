#include "codec/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/deflate.h"

namespace anyrt {
namespace {

using testing::HasSubstr;

std::shared_ptr<Buffer> buffer_of(const std::string& text) {
  auto owner = std::make_shared<std::string>(text);
  return borrow_buffer(reinterpret_cast<std::byte*>(owner->data()), owner->size(), owner, false);
}

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& files, ZipMethod method) {
  StringSink sink;
  ZipWriter zip(sink);
  for (const auto& [name, content] : files) EXPECT_TRUE(zip.add(name, as_bytes(content), method).ok());
  EXPECT_TRUE(zip.finish().ok());
  return sink.take();
}

std::string first_content(const std::string& file) {
  auto zip = ZipReader::open(buffer_of(file));
  if (!zip.ok()) return zip.status().message();
  auto content = zip->read(zip->entries().at(0));
  if (!content.ok()) return content.status().message();
  return std::string(as_text({(*content)->data(), (*content)->size()}));
}

void put32(std::string& file, size_t at, uint32_t value) { std::memcpy(file.data() + at, &value, 4); }

size_t central(const std::string& file) { return file.find("PK\x01\x02"); }

TEST(Deflate, RoundTrips) {
  if (!have_deflate()) GTEST_SKIP() << "built without zlib";
  std::string text;
  for (int i = 0; i < 100000; ++i) text += static_cast<char>('a' + (i % 7) * (i % 7) % 7);
  const std::string packed = *deflate_bytes(as_bytes(text));
  EXPECT_LT(packed.size(), text.size() / 2);
  std::string out(text.size(), '\0');
  auto span = [](std::string& s) { return std::span(reinterpret_cast<std::byte*>(s.data()), s.size()); };
  ASSERT_TRUE(inflate_bytes(as_bytes(packed), span(out)).ok());
  EXPECT_EQ(out, text);
  std::string shorter(text.size() - 1, '\0'), longer(text.size() + 1, '\0'), none;
  EXPECT_FALSE(inflate_bytes(as_bytes(packed), span(shorter)).ok());
  EXPECT_FALSE(inflate_bytes(as_bytes(packed), span(longer)).ok());
  EXPECT_FALSE(inflate_bytes(as_bytes(packed).first(packed.size() - 1), span(out)).ok());
  EXPECT_TRUE(inflate_bytes(as_bytes(*deflate_bytes({})), span(none)).ok());
}

TEST(Deflate, Crc32) { EXPECT_EQ(crc32_of(as_bytes("123456789")), 0xcbf43926u); }

TEST(Zip, RoundTripsBothMethods) {
  for (ZipMethod method : {ZipMethod::kStored, ZipMethod::kDeflate}) {
    if (method == ZipMethod::kDeflate && !zip_can_deflate()) continue;
    const std::string file = zip_of({{"a", "hello"}, {"b/c", std::string(1000, 'x')}, {"empty", ""}}, method);
    auto zip = ZipReader::open(buffer_of(file));
    ASSERT_TRUE(zip.ok()) << zip.status().to_string();
    ASSERT_EQ(zip->entries().size(), 3u);
    EXPECT_EQ(first_content(file), "hello");
    auto content = zip->read(*zip->find("b/c"));
    ASSERT_TRUE(content.ok());
    EXPECT_EQ(as_text({(*content)->data(), (*content)->size()}), std::string(1000, 'x'));
    EXPECT_TRUE(zip->read(*zip->find("empty")).ok());
    EXPECT_EQ(zip->find("d"), nullptr);
    if (method == ZipMethod::kStored) {
      for (const ZipEntry& e : zip->entries()) EXPECT_EQ(e.offset % 64, 0u);
    }
  }
}

TEST(Zip, ReadsZip64Records) {
  // The same entry with its sizes and offset in a zip64 extra field, as files over 4 GB have them.
  std::string file = zip_of({{"a", "hello"}}, ZipMethod::kStored);
  const size_t at = central(file);
  std::string entry = file.substr(at, 46 + 1), local = file.substr(0, at);
  for (size_t field : {20, 24, 42}) put32(entry, field, 0xffffffff);
  entry[30] = 28;
  append_le<uint16_t>(entry, 1);
  append_le<uint16_t>(entry, 24);
  append_le<uint64_t>(entry, 5);
  append_le<uint64_t>(entry, 5);
  append_le<uint64_t>(entry, 0);
  std::string end;
  append_le<uint32_t>(end, 0x06064b50);
  append_le<uint64_t>(end, 44);
  append_le<uint32_t>(end, 45 << 16 | 45);
  append_le<uint64_t>(end, 0);
  append_le<uint64_t>(end, 1);
  append_le<uint64_t>(end, 1);
  append_le<uint64_t>(end, entry.size());
  append_le<uint64_t>(end, local.size());
  append_le<uint32_t>(end, 0x07064b50);
  append_le<uint32_t>(end, 0);
  append_le<uint64_t>(end, local.size() + entry.size());
  append_le<uint32_t>(end, 1);
  append_le<uint32_t>(end, 0x06054b50);
  append_le<uint32_t>(end, 0);
  append_le<uint32_t>(end, 0xffffffff);
  append_le<uint64_t>(end, ~uint64_t{0});
  append_le<uint16_t>(end, 0);
  EXPECT_EQ(first_content(local + entry + end), "hello");
  EXPECT_THAT(first_content(local + entry.substr(0, entry.size() - 8) + end), HasSubstr("zip"));
}

TEST(Zip, RefusesDamage) {
  const std::string good = zip_of({{"a", "hello"}, {"b", "world"}}, ZipMethod::kStored);
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(ZipReader::open(buffer_of(good.substr(0, n))).ok()) << n;
  std::string bad = good;
  bad[good.find("hello")] ^= 1;
  EXPECT_THAT(first_content(bad), HasSubstr("checksum of entry 'a'"));
  bad = good;
  put32(bad, central(bad) + 20, 1 << 30);
  put32(bad, central(bad) + 24, 1 << 30);
  EXPECT_THAT(first_content(bad), HasSubstr("beyond the end"));
  bad = good;
  put32(bad, central(bad) + 42, 1 << 30);
  EXPECT_THAT(first_content(bad), HasSubstr("no header at offset"));
  bad = good;
  bad[central(bad) + 8] |= 1;
  EXPECT_THAT(first_content(bad), HasSubstr("encrypted"));
  bad = good;
  bad[central(bad) + 10] = 12;
  EXPECT_THAT(first_content(bad), HasSubstr("method 12"));
}

TEST(Zip, RefusesBombs) {
  if (!zip_can_deflate()) GTEST_SKIP() << "built without zlib";
  std::string huge = zip_of({{"a", std::string(10000, 'x')}}, ZipMethod::kDeflate);
  put32(huge, central(huge) + 24, 0x7fffffff);
  EXPECT_THAT(first_content(huge), HasSubstr("cannot unpack"));
  const std::string file = zip_of({{"a", std::string(10000, 'x')}}, ZipMethod::kDeflate);
  EXPECT_EQ(ZipReader::open(buffer_of(file), {.max_total_size = 9999}).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(ZipReader::open(buffer_of(file), {.max_entries = 0}).status().code(), Code::kResourceExhausted);
  // Both directory entries name the same content.
  std::string twice = zip_of({{"a", "hello"}, {"b", "world"}}, ZipMethod::kStored);
  put32(twice, twice.find("PK\x01\x02", central(twice) + 4) + 42, 0);
  EXPECT_THAT(first_content(twice), HasSubstr("overlap"));
}

TEST(Npz, RoundTrips) {
  const std::vector<NamedTensor> tensors = {
      {"x", Tensor::int64s({1, 2, 3})}, {"y.z", Tensor::scalar(2.5)}, {"s", Tensor::string_scalar("text")}};
  for (ZipMethod method : {ZipMethod::kStored, ZipMethod::kDeflate}) {
    if (method == ZipMethod::kDeflate && !zip_can_deflate()) continue;
    const std::string path = testing::TempDir() + "npz_test.npz";
    ASSERT_TRUE(write_npz(path, tensors, method).ok());
    auto back = read_npz(path);
    ASSERT_TRUE(back.ok()) << back.status().to_string();
    ASSERT_EQ(back->size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ((*back)[i].name, tensors[i].name);
      EXPECT_TRUE(identical((*back)[i].tensor, tensors[i].tensor));
    }
  }
}

TEST(Npz, RefusesForeignContent) {
  EXPECT_THAT(decode_npz(buffer_of(zip_of({{"a.txt", "x"}}, ZipMethod::kStored))).status().message(),
              HasSubstr("'a.txt' of the .npz file is not an .npy file"));
  EXPECT_THAT(decode_npz(buffer_of(zip_of({{"a.npy", "x"}}, ZipMethod::kStored))).status().message(),
              HasSubstr("entry 'a.npy': not an .npy file"));
  const std::string npy = *encode_npy(Tensor::scalar(1.0f));
  EXPECT_THAT(decode_npz(buffer_of(zip_of({{"a.npy", npy}, {"a.npy", npy}}, ZipMethod::kStored))).status().message(),
              HasSubstr("twice"));
  StringSink sink;
  const std::vector<NamedTensor> same = {{"x", Tensor::scalar(1.0f)}, {"x", Tensor::scalar(1.0f)}};
  EXPECT_FALSE(encode_npz(same, sink).ok());
}

}  // namespace
}  // namespace anyrt
