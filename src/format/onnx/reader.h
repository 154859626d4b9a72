#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "graph/graph.h"
#include "tensor/value.h"

namespace anyrt {

struct ReadOptions {
  // For models in memory: the folder of external data files, and a name for messages.
  std::string base_dir;
  std::string name = "model in memory";
  // External data given by location instead of by file; `keep_alive` as in read_onnx_bytes.
  struct Blob {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> keep_alive;
  };
  std::map<std::string, Blob> external;
  // Initializers of the main graph that take the place of the file's, which may then lack its external data. An unknown
  // name, another element type or shape is an error.
  std::map<std::string, Tensor, std::less<>> initializers;
  // Sizes for open dimensions of inputs, outputs and values, by denotation ("DATA_BATCH").
  std::map<std::string, int64_t, std::less<>> denoted_dims;
  // Limits against files that are small but ask for much.
  size_t max_dense_bytes = size_t{1} << 30;    // of a sparse initializer made dense
  size_t max_inlined_nodes = size_t{1} << 21;  // of all model-local function calls together
};

// The model as it stands in the file, with model-local functions inlined: `Node::def` is not set, no operator is looked
// up, and node forms are those of the opsets in `ModelInfo::opsets`. import_model (format/onnx/import.h) does the rest.
// Weights are views of the mapped file wherever they are aligned.
Expected<Model> read_onnx_file(const std::string& path, const ReadOptions& options = {});
// Without `keep_alive` weights are copied; with it they are views of `bytes` and hold `keep_alive`.
Expected<Model> read_onnx_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive = nullptr,
                                const ReadOptions& options = {});

// A value as in the .pb files of test data: the message kind follows from `expected` (undefined = a tensor).
Expected<Value> read_value_pb(std::span<const std::byte> bytes, const Type& expected);
Expected<Tensor> read_tensor_pb(std::span<const std::byte> bytes);

}  // namespace anyrt
