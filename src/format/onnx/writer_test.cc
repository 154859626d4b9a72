#include "format/onnx/writer.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "format/onnx/import.h"
#include "format/onnx/test_messages.h"

namespace anyrt::onnx {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

Model read(const std::string& bytes) {
  auto m = read_onnx_bytes(as_bytes(bytes));
  EXPECT_TRUE(m.ok()) << m.status().to_string();
  if (!m.ok()) return {};
  const Status structure = verify_structure(m->graph);
  EXPECT_TRUE(structure.ok()) << structure.to_string();
  return std::move(*m);
}

Model round_trip(const Model& model, const WriteOptions& options = {}) {
  auto bytes = write_onnx_bytes(model, options);
  EXPECT_TRUE(bytes.ok()) << bytes.status().to_string();
  return bytes.ok() ? read(*bytes) : Model();
}

std::string neg_of(MessageOut weight) {
  return model(
      {.nodes = {node("Neg", {"w"}, {"y"})}, .initializers = {std::move(weight)}, .outputs = {value_info("y")}});
}

TEST(Writer, what_is_written_reads_back) {
  MessageOut inner = graph({.nodes = {node("Add", {"x", "x"}, {"r"})}, .outputs = {value_info("r")}});
  Model m = read(model({.nodes = {node("If", {"c"}, {"y"}, {graph_attr("then_branch", std::move(inner))}),
                                  node("Clip", {"y", "", "w"}, {"z"}, {int_attr("k", -3)})},
                        .initializers = {raw_tensor("w", 22, {3}, "\x21\x03")},
                        .inputs = {value_info("c"), value_info("x")},
                        .outputs = {value_info("z")}}));
  m.info.metadata["key"] = "value";
  m.info.doc = "words";
  const Model back = round_trip(m);
  const Graph& g = back.graph;
  EXPECT_EQ(g.value(g.inputs[1]).name, "x");
  ASSERT_EQ(g.node_count(), 2u);
  const Node& branch = g.node(g.order()[0]);
  ASSERT_EQ(branch.captures.size(), 1u);
  EXPECT_EQ(g.value(branch.captures[0]).name, "x");
  const Node& clip = g.node(g.order()[1]);
  EXPECT_EQ(clip.inputs.size(), 3u);
  EXPECT_EQ(clip.inputs[1], kNoValue);
  EXPECT_EQ(std::get<int64_t>(clip.find_attr("k")->value), -3);
  EXPECT_TRUE(identical(g.value(g.find_value("w")).constant, m.graph.value(m.graph.find_value("w")).constant));
  EXPECT_EQ(back.info.metadata.at("key"), "value");
  EXPECT_EQ(back.info.doc, "words");
  EXPECT_EQ(back.info.opsets.at(""), 17);
  EXPECT_EQ(back.info.ir_version, 10);  // int4
}

TEST(Writer, names_in_subgraphs_do_not_clash) {
  MessageOut inner =
      graph({.nodes = {node("Abs", {"c"}, {"x"}), node("Neg", {"x"}, {"y"})}, .outputs = {value_info("y")}});
  const Model m = read(model({.nodes = {node("If", {"c"}, {"y"}, {graph_attr("then_branch", std::move(inner))})},
                              .inputs = {value_info("c"), value_info("x")},
                              .outputs = {value_info("y")}}));
  const Model back = round_trip(m);
  const Graph& sub = *back.graph.node(back.graph.order()[0]).subgraphs()[0];
  EXPECT_EQ(sub.find_value("x"), kNoValue);
  EXPECT_EQ(sub.find_value("y"), kNoValue);
  EXPECT_EQ(back.graph.value(back.graph.outputs[0]).name, "y");
}

TEST(Writer, results_of_subgraphs_are_results_of_nodes) {
  MessageOut inner = graph({.outputs = {value_info("x")}});
  const Model m = read(model({.nodes = {node("If", {"c"}, {"y"}, {graph_attr("then_branch", std::move(inner))})},
                              .inputs = {value_info("c"), value_info("x")},
                              .outputs = {value_info("y")}}));
  const Model back = round_trip(m);
  const Graph& sub = *back.graph.node(back.graph.order()[0]).subgraphs()[0];
  ASSERT_EQ(sub.node_count(), 1u);
  EXPECT_EQ(sub.node(sub.order()[0]).op, "Identity");
}

TEST(Writer, chooses_and_checks_versions) {
  const Model m = read(neg_of(raw_tensor("w", 25, {1}, "\x01")));
  EXPECT_EQ(round_trip(m).info.ir_version, 13);
  EXPECT_THAT(write_onnx_bytes(m, {.ir_version = 9}).status().message(), HasSubstr("at least 13 is needed"));
  EXPECT_THAT(write_onnx_bytes(m, {.opset = 1000}).status().message(), HasSubstr("opset 1000 cannot be written"));
  EXPECT_THAT(write_onnx_bytes(m, {.opset = 9}).status().message(), HasSubstr("must be imported first"));
  const Model plain = read(neg_of(raw_tensor("w", 2, {1}, "a")));
  const Model old = round_trip(plain, {.ir_version = 3});
  EXPECT_EQ(old.info.ir_version, 3);
  EXPECT_TRUE(old.graph.value(old.graph.find_value("w")).is_constant());
}

TEST(Writer, external_data_comes_back) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("anyrt_writer_{}", getpid());
  fs::create_directories(folder);
  const std::string path = (folder / "m.onnx").string();
  const Model m = read(neg_of(raw_tensor("w", 2, {5000}, std::string(5000, 'q'))));
  for (const bool one_file : {true, false}) {
    WriteOptions options;
    options.external = WriteOptions::External::kAlways;
    options.one_external_file = one_file;
    options.overwrite = !one_file;
    const Status written = write_onnx_file(m, path, options);
    ASSERT_TRUE(written.ok()) << written.to_string();
    EXPECT_LT(fs::file_size(path), 1000u);
    EXPECT_EQ(fs::file_size(one_file ? path + ".data" : path + ".data.0"), 5000u);
    auto back = read_onnx_file(path);
    ASSERT_TRUE(back.ok()) << back.status().to_string();
    EXPECT_TRUE(identical(back->graph.value(back->graph.find_value("w")).constant,
                          m.graph.value(m.graph.find_value("w")).constant));
  }
  EXPECT_THAT(write_onnx_file(m, path).message(), HasSubstr("overwriting was not asked for"));
  // Over the very file that the weights are mapped from.
  auto mapped = read_onnx_file(path);
  ASSERT_TRUE(mapped.ok());
  const Status again = write_onnx_file(*mapped, path, {.overwrite = true});
  ASSERT_TRUE(again.ok()) << again.to_string();
  EXPECT_TRUE(read_onnx_file(path).ok());
  EXPECT_THAT(write_onnx_file(m, path, {.external_file = "../x"}).message(),
              HasSubstr("must be a name beside the model"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace anyrt::onnx
