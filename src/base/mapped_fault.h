#pragma once

namespace anyrt {

// For programs, not for the library: from now on a mapped file that another process cuts short while it is in use ends
// the process with one line that names the file and with `exit_code`, not with a bus error. Other faults stay as they
// are.
void exit_on_lost_mapping(int exit_code);

}  // namespace anyrt
