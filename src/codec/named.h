#pragma once

#include <string>

#include "tensor/tensor.h"

namespace anyrt {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

}  // namespace anyrt
