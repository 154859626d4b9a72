#include "format/onnx/import.h"

#include <utility>

namespace anyrt {

Status import_model(Model& model, UpgradeReport* report) {
  ANYRT_TRY(verify_structure(model.graph));
  return upgrade_and_infer(model, report);
}

Expected<Model> import_onnx_file(const std::string& path, const ReadOptions& options) {
  ANYRT_ASSIGN(Model model, read_onnx_file(path, options));
  if (Status s = import_model(model); !s.ok()) return std::move(s).with_context(path);
  return model;
}

}  // namespace anyrt
