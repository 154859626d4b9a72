#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/sink.h"
#include "tensor/tensor.h"

namespace anyrt {

struct CsvOptions {
  char separator = '\0';  // '\0': the first of tab, ';', ',' and blank that the first line has
  enum class Header : uint8_t { kAuto, kYes, kNo } header = Header::kAuto;
  // kUndefined: int64 when every cell is an integer, else float32 when every cell is a number or empty (NaN), else
  // string.
  DType dtype = DType::kUndefined;
};

struct Csv {
  std::vector<std::string> columns;  // of the header row; empty without one
  Tensor values;                     // [rows, columns]
};

// Comma-separated values as in RFC 4180: cells may be "quoted" with "" for a quote, and hold line breaks then. Lines
// that begin with
// '#' and empty lines are skipped. kAuto takes the first row for a header when it has a cell that is no number and all
// others are numbers. Rows of different lengths are an error.
Expected<Csv> decode_csv(std::string_view text, const CsvOptions& options = {});
Expected<Csv> read_csv(const std::string& path, const CsvOptions& options = {});

// One row a line; [n] is one column, more axes than two are folded into the rows.
Status encode_csv(const Tensor& values, const std::vector<std::string>& columns, ByteSink& sink);

}  // namespace anyrt
