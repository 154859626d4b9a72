#pragma once

#include <string_view>

namespace anyrt {

// Levenshtein distance, for "did you mean". Long inputs give a large number without work.
int edit_distance(std::string_view a, std::string_view b);

}  // namespace anyrt
