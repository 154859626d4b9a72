#pragma once

#include <cstdint>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "engine/session.h"

namespace anyrt {

// Where the time of `runs` runs goes. Keys: total_ns (median of runs without observation), nodes: for each node of the
// graph as it runs op, name, ns (median; null where it runs inside of another step), flops, bytes (activations),
// weight_bytes (null where sizes are not known), bound_ns (what the measured roofline of `threads` threads allows); and
// weight_bytes of the whole model, roofline_flops and roofline_bytes (a second).
Expected<Json> profile_session(const Session& session, const std::vector<Value>& inputs, int64_t runs, int threads);

// Operators by time, then the slowest nodes.
std::string profile_text(const Json& profile, size_t slowest);

}  // namespace anyrt
