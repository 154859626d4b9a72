#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "format/onnx/reader.h"
#include "format/onnx/test_messages.h"

namespace anyrt::onnx {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class External : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() / fmt::format("anyrt_external_{}_{}", getpid(), info->name());
    fs::create_directories(root_ / "model" / "sub");
    put(root_ / "secret.bin", "abcdefgh");
    put(root_ / "model" / "w.bin", "abcdefgh");
  }
  void TearDown() override { fs::remove_all(root_); }

  static void put(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

  std::string model_with(std::initializer_list<std::pair<const char*, std::string>> entries) {
    return model({.nodes = {node("Neg", {"w"}, {"y"})},
                  .initializers = {external_tensor("w", 2, {4}, entries)},
                  .outputs = {value_info("y")}});
  }

  Expected<Model> read(std::initializer_list<std::pair<const char*, std::string>> entries) {
    const fs::path path = root_ / "model" / "m.onnx";
    put(path, model_with(entries));
    return read_onnx_file(path.string());
  }
  std::string error_of(std::initializer_list<std::pair<const char*, std::string>> entries) {
    return read(entries).status().message();
  }
  static std::string weight(const Model& m) {
    const Tensor& t = m.graph.value(m.graph.find_value("w")).constant;
    return {reinterpret_cast<const char*>(t.raw()), t.bytes()};
  }

  fs::path root_;
};

TEST_F(External, is_read_with_and_without_length) {
  auto m = read({{"location", "w.bin"}, {"offset", "2"}, {"length", "4"}});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_EQ(weight(*m), "cdef");
  m = read({{"location", "w.bin"}, {"checksum", "ignored"}});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_EQ(weight(*m), "abcd");
}

TEST_F(External, stays_in_the_folder_of_the_model) {
  EXPECT_THAT(error_of({{"location", "../secret.bin"}}), HasSubstr("leaves the directory"));
  EXPECT_THAT(error_of({{"location", "sub/../../secret.bin"}}), HasSubstr("leaves the directory"));
  EXPECT_THAT(error_of({{"location", (root_ / "secret.bin").string()}}), HasSubstr("absolute"));
  fs::create_symlink(root_ / "secret.bin", root_ / "model" / "link.bin");
  EXPECT_THAT(error_of({{"location", "link.bin"}}), HasSubstr("link"));
  fs::create_directory_symlink(root_, root_ / "model" / "up");
  EXPECT_THAT(error_of({{"location", "up/secret.bin"}}), HasSubstr("link"));
  fs::create_symlink("w.bin", root_ / "model" / "inside.bin");
  EXPECT_TRUE(read({{"location", "inside.bin"}}).ok());
}

TEST_F(External, follows_a_model_that_is_a_link_itself) {
  const fs::path store = root_ / "store";
  fs::create_directories(store);
  put(store / "0001", model_with({{"location", "w2.bin"}}));
  put(store / "0002", "stuv");
  fs::create_symlink(store / "0001", root_ / "model" / "linked.onnx");
  fs::create_symlink(store / "0002", root_ / "model" / "w2.bin");
  auto m = read_onnx_file((root_ / "model" / "linked.onnx").string());
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_EQ(weight(*m), "stuv");
}

TEST_F(External, checks_numbers_and_sizes) {
  EXPECT_THAT(error_of({{"location", "w.bin"}, {"offset", "-1"}}), HasSubstr("offset '-1'"));
  EXPECT_THAT(error_of({{"location", "w.bin"}, {"offset", "1x"}}), HasSubstr("offset '1x'"));
  EXPECT_THAT(error_of({{"location", "w.bin"}, {"offset", "99999999999999999999"}}), HasSubstr("64-bit"));
  EXPECT_THAT(error_of({{"location", "w.bin"}, {"offset", "18446744073709551615"}}), HasSubstr("has 8 bytes"));
  EXPECT_THAT(error_of({{"location", "w.bin"}, {"offset", "5"}}), HasSubstr("has 8 bytes, expected 4 from offset 5"));
  EXPECT_THAT(error_of({{"location", "w.bin"}, {"length", "5"}}), HasSubstr("length is 5 bytes, expected 4"));
  EXPECT_THAT(error_of({{"offset", "0"}}), HasSubstr("without a location"));
  EXPECT_THAT(error_of({{"location", "none.bin"}}), HasSubstr("none.bin"));
  EXPECT_THAT(error_of({{"location", "sub"}}), HasSubstr("sub"));
}

TEST_F(External, comes_from_memory_for_models_in_memory) {
  const std::string bytes = model_with({{"location", "w.bin"}});
  EXPECT_THAT(read_onnx_bytes(as_bytes(bytes)).status().message(), HasSubstr("was not given with the model"));
  const std::string data = "wxyz";
  ReadOptions options;
  options.external["w.bin"] = {as_bytes(data), nullptr};
  auto m = read_onnx_bytes(as_bytes(bytes), nullptr, options);
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_EQ(weight(*m), "wxyz");
  ReadOptions folder;
  folder.base_dir = (root_ / "model").string();
  m = read_onnx_bytes(as_bytes(bytes), nullptr, folder);
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_EQ(weight(*m), "abcd");
}

}  // namespace
}  // namespace anyrt::onnx
