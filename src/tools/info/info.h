#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "engine/session.h"
#include "tensor/dim.h"

namespace anyrt {

// What a model is: interface, operators, parameters, flops, memory, symbolic dims, which devices can run how much of
// it. Keys: file, ir_version, producer, opsets, metadata, inputs, outputs, symbols, nodes, operators, parameters,
// weight_bytes, flops, activation_bytes, unknown_cost_nodes, devices (only options.device where it is given).
Expected<Json> model_info(const std::string& path, const Dim::Bindings& dims, const SessionOptions& options = {});
std::string info_text(const Json& info);

}  // namespace anyrt
