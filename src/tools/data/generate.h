#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"
#include "tensor/type.h"

namespace anyrt {

// The dims of data made up for a type: symbols take the sizes in `dims`, other open dimensions 1, which `notes` tells.
Expected<Dims> generated_dims(const Type& type, const Dim::Bindings& dims, std::vector<std::string>& notes);

struct RandomRange {
  double low = 0, high = 0;  // equal: floats in [-1, 1), integers in [0, 8)
};
// The same on every machine: uniform floats, integers, booleans; strings "s0" to "s7".
Expected<Tensor> random_tensor(DType dtype, Dims dims, uint64_t seed, const RandomRange& range = {});

// All elements are what `text` says (a number, true, false; any text for strings).
Expected<Tensor> filled_tensor(DType dtype, Dims dims, std::string_view text);

}  // namespace anyrt
