#pragma once

#include "base/status.h"
#include "format/onnx/reader.h"
#include "graph/graph.h"
#include "opdef/inference.h"

namespace anyrt {

// Turns a model as read into anyrt's form: structure checked, operators looked up (all unknown ones in one error),
// every node in its newest form with verified attributes, types and shapes inferred.
Status import_model(Model& model, UpgradeReport* report = nullptr);

// read_onnx_file, then import_model.
Expected<Model> import_onnx_file(const std::string& path, const ReadOptions& options = {});

}  // namespace anyrt
