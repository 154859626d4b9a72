#include "format/onnx/wire_out.h"

#include <algorithm>
#include <cstring>
#include <protozero/buffer_string.hpp>
#include <protozero/types.hpp>
#include <protozero/varint.hpp>
#include <utility>

#include "format/onnx/packed_bits.h"

namespace anyrt::onnx {
namespace {

constexpr int kVarint = static_cast<int>(protozero::pbf_wire_type::varint);
constexpr int kBytes = static_cast<int>(protozero::pbf_wire_type::length_delimited);
constexpr int kFixed32 = static_cast<int>(protozero::pbf_wire_type::fixed32);

}  // namespace

std::string& MessageOut::tail() {
  if (pieces_.empty() || pieces_.back().tensor.defined()) pieces_.emplace_back();
  return pieces_.back().text;
}

void MessageOut::varint(uint64_t value) {
  std::string& out = tail();
  const size_t before = out.size();
  protozero::add_varint_to_buffer(&out, value);
  size_ += out.size() - before;
}

void MessageOut::tag(uint32_t field, int wire_type) { varint(uint64_t{field} << 3 | static_cast<uint64_t>(wire_type)); }

void MessageOut::integer(uint32_t field, int64_t value) {
  tag(field, kVarint);
  varint(static_cast<uint64_t>(value));
}

void MessageOut::number(uint32_t field, float value) {
  tag(field, kFixed32);
  char bytes[4];
  std::memcpy(bytes, &value, 4);
  tail().append(bytes, 4);
  size_ += 4;
}

void MessageOut::text(uint32_t field, std::string_view value) {
  tag(field, kBytes);
  varint(value.size());
  tail() += value;
  size_ += value.size();
}

void MessageOut::text_if(uint32_t field, std::string_view value) {
  if (!value.empty()) text(field, value);
}

void MessageOut::message(uint32_t field, MessageOut&& nested) {
  tag(field, kBytes);
  varint(nested.size_);
  size_ += nested.size_;
  for (Piece& piece : nested.pieces_) {
    tail() += piece.text;
    pieces_.back().tensor = std::move(piece.tensor);
  }
}

void MessageOut::raw(uint32_t field, const Tensor& tensor) {
  const uint64_t bytes = tensor_file_bytes(tensor);
  tag(field, kBytes);
  varint(bytes);
  size_ += bytes;
  if (bytes == 0) return;
  tail();
  pieces_.back().tensor = tensor;
}

void MessageOut::packed(uint32_t field, std::span<const int64_t> values) {
  std::string body;
  for (const int64_t v : values) protozero::add_varint_to_buffer(&body, static_cast<uint64_t>(v));
  text(field, body);
}

void MessageOut::packed(uint32_t field, std::span<const float> values) {
  text(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

Status MessageOut::put(const Sink& sink) const {
  for (const Piece& piece : pieces_) {
    if (!piece.text.empty()) ANYRT_TRY(sink(piece.text));
    if (piece.tensor.defined()) ANYRT_TRY(put_tensor(piece.tensor, sink));
  }
  return {};
}

uint64_t tensor_file_bytes(const Tensor& tensor) {
  const int bits = bits_in_file(tensor.dtype());
  if (bits < 8) return packed_bytes(static_cast<size_t>(tensor.size()), bits);
  return tensor.bytes();
}

Status put_tensor(const Tensor& tensor, const MessageOut::Sink& sink) {
  const int bits = bits_in_file(tensor.dtype());
  if (bits >= 8) return sink({reinterpret_cast<const char*>(tensor.raw()), tensor.bytes()});
  constexpr size_t kBlock = size_t{1} << 16;  // elements: a multiple of what shares a byte
  const auto* from = reinterpret_cast<const uint8_t*>(tensor.raw());
  const auto count = static_cast<size_t>(tensor.size());
  std::vector<uint8_t> block(packed_bytes(std::min(kBlock, count), bits));
  for (size_t done = 0; done < count; done += kBlock) {
    const size_t n = std::min(kBlock, count - done);
    pack_bits(from + done, n, tensor.dtype(), block.data());
    ANYRT_TRY(sink({reinterpret_cast<const char*>(block.data()), packed_bytes(n, bits)}));
  }
  return {};
}

}  // namespace anyrt::onnx
