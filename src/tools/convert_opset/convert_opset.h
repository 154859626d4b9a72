#pragma once

#include <string>

#include "base/status.h"
#include "format/onnx/writer.h"

namespace anyrt {

// Reads the model `from` and writes it to `to` in the opset, IR version and data layout that `options` ask for. The
// file written is read and checked again before this returns.
Status convert_opset(const std::string& from, const std::string& to, const WriteOptions& options);

}  // namespace anyrt
