#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace anyrt::onnx {

// What a message is read from: positions in errors count from `begin`.
struct Source {
  const char* begin = nullptr;
  // Sizes that open dimensions of a denotation take; may be null.
  const std::map<std::string, int64_t, std::less<>>* denoted = nullptr;
  uint64_t offset(const char* p) const { return static_cast<uint64_t>(p - begin); }
};

// Reads the fields of one protobuf message lying in memory. Lengths are 64 bits wide, wire types are checked, and the
// first error sticks: `next` then ends the loop and `finish` returns it. (protozero::pbf_reader keeps lengths in 32
// bits and trusts wire types, so only protozero's varint layer serves here.)
class Wire {
 public:
  Wire(const Source& source, std::string_view bytes, const char* message)
      : source_(&source), p_(bytes.data()), end_(bytes.data() + bytes.size()), message_(message) {}

  bool next();
  uint32_t field() const { return field_; }

  // The current field's value; a wire type that does not fit the accessor is an error.
  int64_t integer();
  float f32();
  std::string_view bytes();
  Wire message(const char* name) { return Wire(*source_, bytes(), name); }
  // One or, in packed form, several elements.
  void append(std::vector<int64_t>& out);
  void append(std::vector<float>& out);
  // The payload without tag and length: for repeated numbers an element reads like a packed run of one. `unit` is the
  // wire size of an element: 0 = varint, 4, 8.
  std::string_view run(int unit);

  void take(Status status);
  Status finish() { return std::move(error_); }

  const Source& source() const { return *source_; }

 private:
  void fail(std::string text);
  void expect(int wire_type);

  const Source* source_;
  const char* p_;
  const char* at_ = nullptr;  // start of the current field, for errors
  const char* end_;
  const char* message_;
  uint32_t field_ = 0;
  int wire_type_ = 0;
  uint64_t number_ = 0;       // varint or fixed bits
  std::string_view payload_;  // the field's bytes, without tag and length
  Status error_;
};

// Decodes a run of varints: calls f(uint64_t) for each; false when the last one is cut off or one is too long.
template <class F>
bool for_each_varint(std::string_view run, F&& f) {
  uint64_t value = 0;
  unsigned shift = 0;
  for (const char c : run) {
    const auto byte = static_cast<uint8_t>(c);
    if (shift > 63) return false;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte & 0x80) {
      shift += 7;
    } else {
      f(value);
      value = 0;
      shift = 0;
    }
  }
  return shift == 0;
}

}  // namespace anyrt::onnx
