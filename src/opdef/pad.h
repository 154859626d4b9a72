#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "opdef/index_map.h"

namespace anyrt {

// Where in the order of `axes` (absent: all) each axis of a tensor is; -1 when Pad leaves it alone.
Expected<std::vector<int64_t>> pad_axis_slots(const std::optional<std::vector<int64_t>>& axes, int64_t rank);

// What Pad reads: for each axis of the result the index in a tensor of `dims`, or -1 for the constant. `pads` holds
// what comes before each of `axes` (absent: all), then what comes after; negative numbers crop.
Expected<IndexMaps> pad_maps(const Dims& dims, const std::vector<int64_t>& pads,
                             const std::optional<std::vector<int64_t>>& axes, const std::string& mode);

}  // namespace anyrt
