#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "format/onnx/wire.h"
#include "tensor/type.h"

// The messages of onnx.proto with one level decoded: strings and nested messages are views of the file's bytes, decoded
// when they are needed. Fields that are not listed here are skipped.
namespace anyrt::onnx {

inline constexpr int kMaxDepth = 64;  // of nested subgraphs, types, functions and values
inline constexpr int kMaxRank = 64;
inline constexpr int kNewestIrVersion = 13;      // that is written
inline constexpr int kNewestReadIrVersion = 14;  // fields that are not known are skipped

using Entries = std::vector<std::pair<std::string_view, std::string_view>>;

enum TypedData : uint8_t { kFloatData, kInt32Data, kInt64Data, kDoubleData, kUint64Data, kTypedDataCount };

struct TensorMsg {
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  std::string_view name;
  std::optional<std::string_view> raw;
  // Runs of elements as they stand in the file; see Wire::run.
  std::array<std::vector<std::string_view>, kTypedDataCount> typed;
  std::vector<std::string_view> strings;
  Entries external;
  int64_t location = 0;  // 1 = external
  bool has_segment = false;
};

struct SparseMsg {
  std::optional<std::string_view> values, indices;
  std::vector<int64_t> dims;
};

struct AttrMsg {
  std::string_view name, ref_name;
  int64_t type = 0;
  uint32_t present = 0;  // bit k: a field of AttributeType k was there
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  std::vector<std::pair<int, std::string_view>> messages;  // (AttrType, bytes) of every nested message
};

struct ValueInfoMsg {
  std::string_view name, doc;
  std::optional<std::string_view> type;
};

struct NodeMsg {
  std::vector<std::string_view> inputs, outputs;
  std::string_view name, op, domain, overload, doc;
  std::vector<std::string_view> attrs;
};

struct GraphMsg {
  std::string_view name, doc;
  std::vector<std::string_view> nodes, initializers, sparse_initializers, inputs, outputs, value_infos;
};

struct FunctionMsg {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs, attrs, default_attrs, nodes;
  std::vector<std::pair<std::string_view, int64_t>> opsets;
};

struct ModelMsg {
  int64_t ir_version = 0, model_version = 0;
  std::string_view producer_name, producer_version, domain, doc;
  std::optional<std::string_view> graph;
  std::vector<std::pair<std::string_view, int64_t>> opsets;
  Entries metadata;
  std::vector<std::string_view> functions;
  bool has_training_info = false;
};

// ONNX's numbers of attribute kinds.
enum AttrType : uint8_t {
  kAttrUndefined,
  kAttrFloat,
  kAttrInt,
  kAttrString,
  kAttrTensor,
  kAttrGraph,
  kAttrFloats,
  kAttrInts,
  kAttrStrings,
  kAttrTensors,
  kAttrGraphs,
  kAttrSparse,
  kAttrSparses,
  kAttrType,
  kAttrTypes,
  kAttrTypeCount
};

Status decode(Wire w, TensorMsg& out);
Status decode(Wire w, SparseMsg& out);
Status decode(Wire w, AttrMsg& out);
Status decode(Wire w, ValueInfoMsg& out);
Status decode(Wire w, NodeMsg& out);
Status decode(Wire w, GraphMsg& out);
Status decode(Wire w, FunctionMsg& out);
Status decode(Wire w, ModelMsg& out);
Status decode_node_outputs(Wire w, std::vector<std::string_view>& out);
Status decode_type(Wire w, Type& out, int depth = 0);

// Decodes a message that lies in `bytes`.
template <class Msg>
Status decode_message(const Source& source, std::string_view bytes, const char* name, Msg& out) {
  return decode(Wire(source, bytes, name), out);
}

}  // namespace anyrt::onnx
