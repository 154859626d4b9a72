#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

// The bytes of a file, read-only: a memory mapping for a regular file; a pipe, a device or "-" (standard
// input) is read to its end.
Expected<std::shared_ptr<Buffer>> map_file(const std::string& path);

}  // namespace anyrt
