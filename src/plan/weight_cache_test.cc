#include "plan/weight_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/temp_folder_testing.h"

namespace anyrt {
namespace {

namespace fs = std::filesystem;

class WeightCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = weight_cache_folder(root_.string());
    set_log_level(LogLevel::kOff);
  }
  void TearDown() override { set_log_level(LogLevel::kWarning); }

  // Blocks of some sizes, each filled with its name; how many of them `fill` had to make.
  int use(const std::string& key, const std::vector<size_t>& sizes, std::string* summary = nullptr) {
    WeightCache cache(folder_, "m", key);
    int made = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      const Expected<std::shared_ptr<Buffer>> b = cache.take(i + 1, sizes[i], [&](std::byte* to) {
        std::memset(to, static_cast<int>(i + 1), sizes[i]);
        ++made;
        return Status();
      });
      EXPECT_TRUE(b.ok());
      EXPECT_EQ(reinterpret_cast<uintptr_t>((*b)->data()) % 64, 0u);
      for (size_t k = 0; k < sizes[i]; ++k) EXPECT_EQ((*b)->data()[k], static_cast<std::byte>(i + 1)) << i << " " << k;
    }
    cache.save();
    if (summary) *summary = cache.summary();
    return made;
  }

  std::string path() const { return (fs::path(folder_) / "m.weights").string(); }
  std::string read() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) const { std::ofstream(path(), std::ios::binary) << bytes; }

  const TempFolder temp_;
  const fs::path root_ = temp_.path();
  std::string folder_;
};

const std::vector<size_t> kSizes = {1, 64, 100, 70000, 4096, 0, 200000};

TEST_F(WeightCacheTest, MapsWhatAnotherHasWritten) {
  std::string summary;
  EXPECT_EQ(use("key", kSizes, &summary), 7);
  EXPECT_NE(summary.find("0 B mapped"), std::string::npos) << summary;
  EXPECT_NE(summary.find("written"), std::string::npos) << summary;
  struct stat info = {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_EQ(use("key", kSizes, &summary), 0);
  EXPECT_EQ(summary.find("written"), std::string::npos) << summary;
  // Another state of the model, and blocks of other sizes.
  EXPECT_EQ(use("other", kSizes), 7);
  EXPECT_EQ(use("key", kSizes), 7);
  EXPECT_EQ(use("key", {1, 65, 100}), 1);
  EXPECT_EQ(use("key", {1, 65, 100}), 0);
  const auto files = list_weight_cache(folder_);
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 1u);
  EXPECT_EQ((*files)[0].key, "key");
}

TEST_F(WeightCacheTest, DamagedFilesAreReplaced) {
  use("key", kSizes);
  const std::string good = read();
  std::mt19937 random(7);
  for (size_t size : {size_t{0}, size_t{1}, size_t{39}, size_t{40}, size_t{200}, good.size() / 2, good.size() - 1}) {
    write(good.substr(0, size));
    EXPECT_EQ(use("key", kSizes), 7) << size;
    EXPECT_EQ(use("key", kSizes), 0) << size;
  }
  write(good + "x");
  EXPECT_EQ(use("key", kSizes), 7);
  // A flipped bit anywhere is found, or lies between the blocks.
  for (int round = 0; round < 200; ++round) {
    std::string bad = good;
    const size_t at = round < 100 ? random() % 400 : random() % bad.size();
    bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
    write(bad);
    use("key", kSizes);  // looks at every byte
  }
  // Of an older version, another byte order, and with a size that overflows.
  for (const auto& [at, value] : {std::pair<size_t, char>{8, 0}, {0, 'x'}, {15, '\x7f'}, {35, '\x7f'}}) {
    std::string bad = good;
    bad[at] = value;
    write(bad);
    EXPECT_EQ(use("key", kSizes), 7) << at;
  }
}

TEST_F(WeightCacheTest, HostileTablesAreRefused) {
  // A table whose checksum fits.
  const auto file_of = [&](WeightBlock block) {
    const std::string path = (root_ / "hostile").string();
    const std::string contents(64, 'x');
    const auto* const bytes = reinterpret_cast<const std::byte*>(contents.data());
    auto writer = FileWriter::create(path);
    EXPECT_TRUE(writer.ok());
    EXPECT_TRUE(write_weight_file(*writer, "k", {{.name = 1, .bytes = 64}}, {{bytes}}).ok());
    EXPECT_TRUE(writer->commit().ok());
    std::string file = *read_file(path);
    EXPECT_TRUE(read_weight_table(std::as_bytes(std::span(file))).ok());
    std::memcpy(file.data() + 48, &block, sizeof block);
    const uint64_t sum = hash_bytes(file.data() + 40, 40);
    std::memcpy(file.data() + 24, &sum, sizeof sum);
    return file;
  };
  const uint64_t size = file_of({}).size();
  for (const WeightBlock block :
       {WeightBlock{.offset = 0, .bytes = 64}, WeightBlock{.offset = 64, .bytes = 64},
        WeightBlock{.offset = size - 64, .bytes = 65}, WeightBlock{.offset = size - 63, .bytes = 1},
        WeightBlock{.offset = ~uint64_t{63}, .bytes = 128}, WeightBlock{.offset = size - 64, .bytes = ~uint64_t{0}}}) {
    const std::string file = file_of(block);
    EXPECT_FALSE(read_weight_table(std::as_bytes(std::span(file))).ok()) << block.offset << " " << block.bytes;
  }
}

TEST_F(WeightCacheTest, FoldersThatCannotBeUsedAreNotNeeded) {
  std::ofstream(folder_) << "a file";
  EXPECT_EQ(use("key", kSizes), 7);
  fs::remove(folder_);
  fs::create_directory(folder_);
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);  // others might plant a file
  EXPECT_EQ(use("key", kSizes), 7);
  EXPECT_TRUE(fs::is_empty(folder_));
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  use("key", kSizes);
  ASSERT_EQ(::chmod(path().c_str(), 0666), 0);
  EXPECT_EQ(use("key", kSizes), 7);
  EXPECT_EQ(use("key", kSizes), 0);
  // A folder in the file's place stays.
  fs::remove(path());
  fs::create_directory(path());
  EXPECT_EQ(use("key", kSizes), 7);
  EXPECT_TRUE(fs::is_directory(path()));
}

TEST_F(WeightCacheTest, FullDisksAreNotNeeded) {
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small = {100000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string summary;
  EXPECT_EQ(use("key", kSizes, &summary), 7);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(summary.find("cannot write"), std::string::npos) << summary;
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(WeightCacheTest, ManyAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 10; ++round) use(i % 2 ? "key" : "other", kSizes);
    });
  }
  for (std::thread& t : threads) t.join();
  const auto files = list_weight_cache(folder_);
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->size(), 1u);  // no temporary is left
}

TEST_F(WeightCacheTest, WhatDeadWritersLeftGoes) {
  use("key", kSizes);
  const std::string old = path() + ".1.0.tmp", young = path() + ".2.0.tmp";
  std::ofstream(old) << "part";
  std::ofstream(young) << "part";
  const struct timespec times[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, old.c_str(), times, 0), 0);
  use("other", kSizes);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young));
}

}  // namespace
}  // namespace anyrt
