#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace anyrt {

// What models need of anyrt, for builds that hold no more (docs/selective-builds.md).
struct UsedParts {
  std::set<std::string> ops;      // "ai.onnx/Conv"
  std::set<std::string> kernels;  // of the CPU, for each instruction set that this machine has
  std::set<std::string> passes;   // those that changed something
  std::set<std::string> types;    // element types of values: "float32"

  // One part a line, as CMake reads it: "ai.onnx/Conv", "kernel/f32_conv", "pass/fuse_gelu", "type/float32".
  std::string to_string() const;
};

// Makes a session of each model, with every accuracy class and instruction set, and notes what comes up on the way.
Expected<UsedParts> find_used_parts(const std::vector<std::string>& paths);

}  // namespace anyrt
