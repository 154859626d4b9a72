#pragma once

#include "base/status.h"
#include "codec/bytes.h"
#include "tensor/tensor.h"

namespace anyrt {

// How an .npy file stores one element.
struct NpyElement {
  DType dtype = DType::kUndefined;
  size_t width = 0;      // bytes in the file
  bool swapped = false;  // byte order differs from this machine's
  enum class Text : uint8_t { kNone, kBytes, kUcs4 } text = Text::kNone;
};

struct NpyHeader {
  NpyElement element;
  bool fortran_order = false;
  Dims dims;
  size_t data_offset = 0;
};

// Reads and checks the header; `one_byte` is what <V1 stands for (kUndefined: refused).
Expected<NpyHeader> parse_npy_header(Bytes file, DType one_byte);

// The header of a C-order, little-endian file, padded so that the data begin at a multiple of 64.
std::string make_npy_header(std::string_view descr, const Dims& dims);

}  // namespace anyrt
