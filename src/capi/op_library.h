#pragma once

#include <string>

#include "base/status.h"
#include "opdef/custom_op.h"

namespace anyrt {

// Loads a shared library of operators (include/anyrt/custom_op.h) and asks it for them. The library stays loaded as
// long as one of its operators is in use. NotFound when there is no such file, InvalidArgument when it is no library of
// operators or refuses, NotImplemented when it is for a newer interface or for ONNX Runtime.
Expected<OpSet> load_op_library(const std::string& path);

}  // namespace anyrt
