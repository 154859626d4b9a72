#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/onnx/proto.h"
#include "format/onnx/reader.h"
#include "format/onnx/wire_out.h"

// Messages of onnx.proto for tests, made field by field.
namespace anyrt::onnx::testing {

inline std::string bytes_of(const MessageOut& message) {
  std::string out;
  const Status status = message.put([&](std::string_view piece) {
    out += piece;
    return Status();
  });
  return status.ok() ? out : status.message();
}

inline MessageOut tensor_header(std::string_view name, int dtype, std::initializer_list<int64_t> dims) {
  MessageOut out;
  for (const int64_t d : dims) out.integer(1, d);
  out.integer(2, dtype);
  out.text_if(8, name);
  return out;
}

inline MessageOut raw_tensor(std::string_view name, int dtype, std::initializer_list<int64_t> dims,
                             std::string_view raw) {
  MessageOut out = tensor_header(name, dtype, dims);
  out.text(9, raw);
  return out;
}

inline MessageOut entry(std::string_view key, std::string_view value) {
  MessageOut out;
  out.text(1, key);
  out.text(2, value);
  return out;
}

inline MessageOut external_tensor(std::string_view name, int dtype, std::initializer_list<int64_t> dims,
                                  std::initializer_list<std::pair<const char*, std::string>> entries) {
  MessageOut out = tensor_header(name, dtype, dims);
  for (const auto& [key, value] : entries) out.message(13, entry(key, value));
  out.integer(14, 1);
  return out;
}

inline MessageOut float_type(std::initializer_list<int64_t> dims) {
  MessageOut shape;
  for (const int64_t d : dims) {
    MessageOut dim;
    dim.integer(1, d);
    shape.message(1, std::move(dim));
  }
  MessageOut tensor;
  tensor.integer(1, 1);
  tensor.message(2, std::move(shape));
  MessageOut type;
  type.message(1, std::move(tensor));
  return type;
}

inline MessageOut value_info(std::string_view name, std::initializer_list<int64_t> dims = {2}) {
  MessageOut out;
  out.text(1, name);
  out.message(2, float_type(dims));
  return out;
}

using Names = std::initializer_list<std::string_view>;

inline MessageOut node(std::string_view op, Names inputs, Names outputs, std::vector<MessageOut> attrs = {},
                       std::string_view domain = "") {
  MessageOut out;
  for (const auto name : inputs) out.text(1, name);
  for (const auto name : outputs) out.text(2, name);
  out.text(4, op);
  for (MessageOut& attr : attrs) out.message(5, std::move(attr));
  out.text_if(7, domain);
  return out;
}

inline MessageOut graph_attr(std::string_view name, MessageOut graph) {
  MessageOut out;
  out.text(1, name);
  out.message(6, std::move(graph));
  out.integer(20, kAttrGraph);
  return out;
}

inline MessageOut int_attr(std::string_view name, int64_t value) {
  MessageOut out;
  out.text(1, name);
  out.integer(3, value);
  out.integer(20, kAttrInt);
  return out;
}

inline MessageOut ref_attr(std::string_view name, std::string_view refers_to, AttrType type) {
  MessageOut out;
  out.text(1, name);
  out.integer(20, type);
  out.text(21, refers_to);
  return out;
}

struct GraphParts {
  std::vector<MessageOut> nodes, initializers, sparse, inputs, outputs;
};

inline MessageOut graph(GraphParts parts) {
  MessageOut out;
  for (MessageOut& m : parts.nodes) out.message(1, std::move(m));
  out.text(2, "g");
  for (MessageOut& m : parts.initializers) out.message(5, std::move(m));
  for (MessageOut& m : parts.inputs) out.message(11, std::move(m));
  for (MessageOut& m : parts.outputs) out.message(12, std::move(m));
  for (MessageOut& m : parts.sparse) out.message(15, std::move(m));
  return out;
}

inline MessageOut opset(std::string_view domain, int64_t version) {
  MessageOut out;
  out.text(1, domain);
  out.integer(2, version);
  return out;
}

// The bytes of a model.
inline std::string model(GraphParts parts, std::vector<MessageOut> functions = {}, int64_t ir = 8) {
  MessageOut out;
  out.integer(1, ir);
  out.message(7, graph(std::move(parts)));
  out.message(8, opset("", 17));
  for (MessageOut& f : functions) out.message(25, std::move(f));
  return bytes_of(out);
}

inline std::span<const std::byte> as_bytes(const std::string& s) {
  return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}

}  // namespace anyrt::onnx::testing
