#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

// The bytes of a file, read-only: a memory mapping for a regular file; a pipe, a device or "-" (standard
// input) is read to its end.
Expected<std::shared_ptr<Buffer>> map_file(const std::string& path);

// The same for input data, which somebody may be writing: up to 256 MiB are read, so that a file that changes later
// does no harm; larger files are mapped.
Expected<std::shared_ptr<Buffer>> load_file(const std::string& path);

}  // namespace anyrt
