#include "tensor/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace anyrt {
namespace {

TEST(MapFile, GivesTheBytesReadOnly) {
  const std::string path = testing::TempDir() + "map_file_test.bin";
  std::ofstream(path) << "hello";
  auto buffer = map_file(path);
  ASSERT_TRUE(buffer.ok()) << buffer.status().to_string();
  ASSERT_EQ((*buffer)->size(), 5u);
  EXPECT_EQ(std::memcmp((*buffer)->data(), "hello", 5), 0);
  EXPECT_FALSE((*buffer)->writable());
  unlink(path.c_str());
}

TEST(MapFile, LoadedBytesStayWhenTheFileIsCutShort) {
  const std::string path = testing::TempDir() + "load_file_test.bin";
  std::ofstream(path) << std::string(100000, 'x');
  auto buffer = load_file(path);
  ASSERT_TRUE(buffer.ok()) << buffer.status().to_string();
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  ASSERT_EQ((*buffer)->size(), 100000u);
  EXPECT_EQ((*buffer)->data()[99999], std::byte{'x'});
  unlink(path.c_str());
}

TEST(MapFile, EmptyFile) {
  const std::string path = testing::TempDir() + "map_file_empty.bin";
  std::ofstream(path).close();
  auto buffer = map_file(path);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ((*buffer)->size(), 0u);
  unlink(path.c_str());
}

TEST(MapFile, ReadsPipes) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "abc", 3), 3);
  close(ends[1]);
  auto buffer = map_file("/dev/fd/" + std::to_string(ends[0]));
  close(ends[0]);
  ASSERT_TRUE(buffer.ok()) << buffer.status().to_string();
  EXPECT_EQ((*buffer)->size(), 3u);
}

TEST(MapFile, NamesWhatIsWrong) {
  auto missing = map_file("/nonexistent/file");
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_NE(missing.status().message().find("/nonexistent/file"), std::string::npos);
  EXPECT_EQ(map_file("/").status().code(), Code::kIoError);
}

}  // namespace
}  // namespace anyrt
