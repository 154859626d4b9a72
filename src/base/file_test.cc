#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/mmap.h"
#include "base/temp_folder_testing.h"

namespace anyrt {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  static void make_file(const std::string& file, std::string_view text) { std::ofstream(file) << text; }
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  const TempFolder temp_;
  const std::string folder_ = temp_.path().string();
};

TEST_F(FileTest, ReadsWhatItWrites) {
  const std::string large(1000000, 'x');
  for (const std::string& text : {std::string(), std::string("abc\0d", 5), large}) {
    ASSERT_TRUE(write_file(path("a"), text).ok());
    const auto contents = read_file(path("a"));
    ASSERT_TRUE(contents.ok());
    EXPECT_EQ(*contents, text);
  }
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, ReadErrorsNameTheFile) {
  const auto missing = read_file(path("none"));
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_NE(missing.status().message().find(path("none")), std::string::npos);
  EXPECT_EQ(read_file(folder_).status().code(), Code::kIoError);
  make_file(path("a"), "12345");
  EXPECT_EQ(read_file(path("a"), 4).status().code(), Code::kResourceExhausted);
  EXPECT_TRUE(read_file(path("a"), 5).ok());
  EXPECT_EQ(read_file("/dev/zero", 1000).status().code(), Code::kResourceExhausted);
}

TEST_F(FileTest, ReadsFilesThatHideTheirSizeAndPipes) {
  const auto status = read_file("/proc/self/status");
  ASSERT_TRUE(status.ok());
  EXPECT_GT(status->size(), 10u);
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { make_file(path("pipe"), std::string(200000, 'p')); });
  const auto piped = read_file(path("pipe"));
  writer.join();
  ASSERT_TRUE(piped.ok());
  EXPECT_EQ(piped->size(), 200000u);
}

TEST_F(FileTest, NothingChangesWithoutCommit) {
  make_file(path("a"), "old");
  {
    auto writer = FileWriter::create(path("a"));
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->write("new").ok());
    EXPECT_EQ(writer->position(), 3u);
    EXPECT_EQ(*read_file(path("a")), "old");
  }
  EXPECT_EQ(*read_file(path("a")), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, KeepsModeAndLink) {
  make_file(path("a"), "old");
  ASSERT_EQ(chmod(path("a").c_str(), 0640), 0);
  fs::create_symlink("a", path("link"));
  ASSERT_TRUE(write_file(path("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(*read_file(path("a")), "new");
  struct stat info = {};
  ASSERT_EQ(stat(path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(FileTest, WriteErrors) {
  EXPECT_FALSE(write_file(folder_, "x").ok());
  EXPECT_EQ(write_file(path("no/such/folder"), "x").code(), Code::kNotFound);
  EXPECT_TRUE(write_file("/dev/null", "x").ok());
  EXPECT_EQ(write_file("/dev/full", "x").code(), Code::kIoError);
}

TEST_F(FileTest, ConfinesPaths) {
  fs::create_directory(path("model"));
  fs::create_directory(path("model/sub"));
  make_file(path("model/weights"), "w");
  make_file(path("secret"), "s");
  fs::create_symlink("../secret", path("model/out"));
  fs::create_symlink("..", path("model/up"));
  fs::create_symlink("weights", path("model/alias"));
  const std::string base = path("model");
  for (const char* good : {"weights", "./weights", "sub/new.bin", "alias", "sub//x"}) {
    const auto confined = confine_path(base, good);
    ASSERT_TRUE(confined.ok()) << good << ": " << confined.status().message();
    EXPECT_EQ(confined->rfind(base + "/", 0), 0u) << *confined;
  }
  for (const std::string_view bad :
       {std::string_view(""), std::string_view("/etc/passwd"), std::string_view("../secret"),
        std::string_view("sub/../../secret"), std::string_view("out"), std::string_view("up/secret"),
        std::string_view("up/new"), std::string_view("a\0b", 3)}) {
    EXPECT_EQ(confine_path(base, bad).status().code(), Code::kInvalidModel) << bad;
  }
  EXPECT_EQ(confine_path(path("nowhere"), "x").status().code(), Code::kNotFound);
}

TEST_F(FileTest, MapsFiles) {
  make_file(path("a"), "hello");
  auto mapped = MappedFile::open(path("a"));
  ASSERT_TRUE(mapped.ok()) << mapped.status().message();
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(mapped->data()), mapped->size()), "hello");
  mapped->will_need(0, 100);
  mapped->release(1, 3);
  mapped->release(100, 3);
  const MappedFile moved = std::move(*mapped);
  EXPECT_EQ(moved.size(), 5u);
  EXPECT_EQ(moved.path(), path("a"));
  EXPECT_EQ(moved.identity(), MappedFile::open(path("a"))->identity());
  make_file(path("a"), "hello!");
  EXPECT_NE(moved.identity().hash(), MappedFile::open(path("a"))->identity().hash());
}

TEST_F(FileTest, MapsEmptyFilesAndRefusesOthers) {
  make_file(path("empty"), "");
  const auto empty = MappedFile::open(path("empty"));
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->size(), 0u);
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  for (const std::string& bad : {folder_, path("pipe"), path("none"), std::string("/dev/zero")}) {
    const auto mapped = MappedFile::open(bad);
    ASSERT_FALSE(mapped.ok()) << bad;
    EXPECT_NE(mapped.status().message().find(bad), std::string::npos) << mapped.status().message();
  }
}

}  // namespace
}  // namespace anyrt
