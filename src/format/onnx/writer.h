#pragma once

#include <cstddef>
#include <string>

#include "base/status.h"
#include "graph/graph.h"
#include "tensor/value.h"

namespace anyrt {

struct WriteOptions {
  // ai.onnx opset to write; nodes are brought into its forms. 0 = the model's own, or the nearest after it that can
  // hold the model.
  int opset = 0;
  int ir_version = 0;  // 0 = the lowest that holds the model and suits the opset
  enum class External {
    kAuto,  // in the model file, unless it would grow beyond what protobuf readers take (2 GB)
    kNever,
    kAlways,  // tensors of at least `external_threshold` bytes
  };
  External external = External::kAuto;
  size_t external_threshold = 1024;
  std::string external_file;      // beside the model; "" = "<model file>.data"
  bool one_external_file = true;  // false: one file a tensor, with a number after the name
  bool overwrite = false;
  bool value_types = true;  // types of values inside the graph
};

// Files appear under their names only when they are complete, so a model may be written over the one it was read from.
Status write_onnx_file(const Model& model, const std::string& path, const WriteOptions& options = {});
// The file's bytes; external data is not possible here.
Expected<std::string> write_onnx_bytes(const Model& model, const WriteOptions& options = {});

// A value as a TensorProto, SequenceProto, OptionalProto, MapProto or SparseTensorProto, as `type` says (undefined: as
// the value is). read_value_pb reads it back.
Expected<std::string> write_value_pb(const Value& value, const Type& type = {});

}  // namespace anyrt
