#pragma once

#include <cstdio>
#include <vector>

#include "base/status.h"
#include "engine/session.h"

namespace anyrt {

// Answers commands read from `in`, one a line, so that another program can time several engines in turns:
//   run K      K runs; answers "MEAN MIN", nanoseconds a run
//   save PATH  one run whose outputs are written to PATH (.npz …); answers "saved"
//   peak       answers the most memory that this process has used, in bytes
// Ends with `in`, or with an error at anything else.
Status serve_rounds(const Session& session, const std::vector<Value>& inputs, std::FILE* in, std::FILE* out);

}  // namespace anyrt
