#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt::onnx {

// A message being written: pieces of text and tensors whose bytes are taken only when they are put out. Nested messages
// are moved in whole, so nothing large is ever copied and every length is known before it is written.
class MessageOut {
 public:
  void integer(uint32_t field, int64_t value);
  void number(uint32_t field, float value);
  void text(uint32_t field, std::string_view value);     // always written
  void text_if(uint32_t field, std::string_view value);  // left out when empty
  void message(uint32_t field, MessageOut&& nested);
  void raw(uint32_t field, const Tensor& tensor);  // the elements as in a file
  void packed(uint32_t field, std::span<const int64_t> values);
  void packed(uint32_t field, std::span<const float> values);

  uint64_t size() const { return size_; }

  using Sink = std::function<Status(std::string_view)>;
  Status put(const Sink& sink) const;

 private:
  struct Piece {
    std::string text;
    Tensor tensor;  // follows `text`
  };
  std::string& tail();
  void tag(uint32_t field, int wire_type);
  void varint(uint64_t value);

  std::vector<Piece> pieces_;
  uint64_t size_ = 0;
};

// Bytes that the tensor's elements take in a file, and the elements in that form, in blocks. Not for strings.
uint64_t tensor_file_bytes(const Tensor& tensor);
Status put_tensor(const Tensor& tensor, const MessageOut::Sink& sink);

}  // namespace anyrt::onnx
