#pragma once

#include "device/bound.h"
#include "opdef/window.h"

namespace anyrt::cpu {

// Pools over all axes but the last one, whose `lanes` elements lie side by side: x is `planes` times [in..., lanes].
// `divisors` of the average, by output position; empty: the largest.
std::unique_ptr<BoundStep> pool_lanes(int64_t planes, const WindowAxes& axes, int64_t lanes,
                                      std::vector<float> divisors);

}  // namespace anyrt::cpu
