#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "codec/bytes.h"
#include "codec/sink.h"
#include "tensor/tensor.h"

namespace anyrt {

// NumPy's .npy files, format versions 1 to 3.
//
// Read: bool, signed and unsigned integers, float16/32/64, complex64/128 of either byte order, |S and <U strings (to
// UTF-8), C and Fortran order. NumPy has no name for the ml_dtypes: bfloat16 is written as <V2 and float8_e5m2 as <f1,
// which read back; the other one-byte types are all written as <V1 and read back only where `one_byte` says which is
// meant. Objects (pickle), records, dates and long double are refused.
struct NpyOptions {
  DType one_byte = DType::kUndefined;
};

// The elements are copied.
Expected<Tensor> decode_npy(Bytes file, const NpyOptions& options = {});
// A view of `file` without a copy where byte order, element order and alignment allow it.
Expected<Tensor> decode_npy(const std::shared_ptr<Buffer>& file, const NpyOptions& options = {});
Expected<Tensor> read_npy(const std::string& path, const NpyOptions& options = {});

// Version 1 (or 3 for long headers), little endian, C order, data aligned at 64 bytes. Strings are written as <U, or as
// |S where one of them is not UTF-8.
Status encode_npy(const Tensor& tensor, ByteSink& sink);
Expected<std::string> encode_npy(const Tensor& tensor);
Status write_npy(const std::string& path, const Tensor& tensor);

}  // namespace anyrt
