#pragma once

namespace anyrt {

bool is_name_char(char c);  // may stand in a name without quotes

}  // namespace anyrt
