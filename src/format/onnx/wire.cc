#include "format/onnx/wire.h"

#include <bit>
#include <cstring>
#include <protozero/exception.hpp>
#include <protozero/types.hpp>
#include <protozero/varint.hpp>

namespace anyrt::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "protobuf's fixed-width numbers are used in place");

constexpr int kVarint = static_cast<int>(protozero::pbf_wire_type::varint);
constexpr int kFixed64 = static_cast<int>(protozero::pbf_wire_type::fixed64);
constexpr int kBytes = static_cast<int>(protozero::pbf_wire_type::length_delimited);
constexpr int kFixed32 = static_cast<int>(protozero::pbf_wire_type::fixed32);
constexpr uint64_t kMaxField = (1u << 29) - 1;

bool decode(const char*& p, const char* end, uint64_t& value) {
  try {
    value = protozero::decode_varint(&p, end);
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

}  // namespace

void Wire::fail(std::string text) {
  if (!error_.ok()) return;
  error_ = invalid_model("byte {}: {}: {}", source_->offset(at_), message_, text);
}

void Wire::take(Status status) {
  if (error_.ok()) error_ = std::move(status);
}

bool Wire::next() {
  if (p_ == end_ || !error_.ok()) return false;
  at_ = p_;
  const char* p = p_;
  uint64_t tag = 0;
  if (!decode(p, end_, tag)) {
    fail("broken field tag");
    return false;
  }
  wire_type_ = static_cast<int>(tag & 7);
  if (tag >> 3 == 0 || tag >> 3 > kMaxField) {
    fail(fmt::format("field number {} is out of range", tag >> 3));
    return false;
  }
  field_ = static_cast<uint32_t>(tag >> 3);
  const auto left = [&] { return static_cast<uint64_t>(end_ - p); };
  uint64_t length = 0;
  if (wire_type_ == kVarint) {
    const char* start = p;
    if (!decode(p, end_, number_)) {
      fail(fmt::format("broken number in field {}", field_));
      return false;
    }
    payload_ = {start, static_cast<size_t>(p - start)};
    p_ = p;
    return true;
  }
  if (wire_type_ == kFixed64) {
    length = 8;
  } else if (wire_type_ == kFixed32) {
    length = 4;
  } else if (wire_type_ != kBytes) {
    fail(fmt::format("field {} has wire type {}, which ONNX does not use", field_, wire_type_));
    return false;
  } else if (!decode(p, end_, length)) {
    fail(fmt::format("broken length of field {}", field_));
    return false;
  }
  if (length > left()) {
    fail(fmt::format("truncated: field {} needs {} bytes, {} are left", field_, length, left()));
    return false;
  }
  payload_ = {p, static_cast<size_t>(length)};
  if (wire_type_ == kFixed64) std::memcpy(&number_, p, 8);
  if (wire_type_ == kFixed32) {
    uint32_t bits = 0;
    std::memcpy(&bits, p, 4);
    number_ = bits;
  }
  p_ = p + length;
  return true;
}

void Wire::expect(int wire_type) {
  if (wire_type_ != wire_type) {
    fail(fmt::format("field {} has wire type {}, expected {}", field_, wire_type_, wire_type));
  }
}

int64_t Wire::integer() {
  expect(kVarint);
  return error_.ok() ? static_cast<int64_t>(number_) : 0;
}

float Wire::f32() {
  expect(kFixed32);
  return error_.ok() ? std::bit_cast<float>(static_cast<uint32_t>(number_)) : 0.0f;
}

std::string_view Wire::bytes() {
  expect(kBytes);
  return error_.ok() ? payload_ : std::string_view();
}

std::string_view Wire::run(int unit) {
  if (wire_type_ == kBytes) {
    if (unit != 0 && payload_.size() % static_cast<size_t>(unit) != 0) {
      fail(fmt::format("packed field {} has {} bytes, which is no multiple of {}", field_, payload_.size(), unit));
      return {};
    }
    return payload_;
  }
  expect(unit == 0 ? kVarint : unit == 4 ? kFixed32 : kFixed64);
  return error_.ok() ? payload_ : std::string_view();
}

void Wire::append(std::vector<int64_t>& out) {
  if (!for_each_varint(run(0), [&](uint64_t v) { out.push_back(static_cast<int64_t>(v)); })) {
    fail(fmt::format("broken number in packed field {}", field_));
  }
}

void Wire::append(std::vector<float>& out) {
  const std::string_view data = run(4);
  const size_t old_size = out.size();
  out.resize(old_size + data.size() / 4);
  if (!data.empty()) std::memcpy(out.data() + old_size, data.data(), data.size());
}

}  // namespace anyrt::onnx
