#include "tools/check/check.h"

#include "engine/session.h"
#include "format/onnx/reader.h"
#include "opdef/inference.h"

namespace anyrt {

CheckResult check_model(const std::string& path, const std::shared_ptr<const OpSet>& custom_ops) {
  CheckResult result;
  Expected<Model> model = read_onnx_file(path);
  if (!model.ok()) {
    result.errors.push_back(model.status().message());
    return result;
  }
  result.nodes = model->graph.node_count();
  model->info.custom_ops = custom_ops;
  UpgradeReport report;
  report.collect_errors = true;
  Status s = upgrade_and_infer(*model, &report);
  result.errors = report.errors;
  result.upgraded = report.upgraded;
  if (!s.ok()) result.errors.push_back(s.message());
  if (result.errors.empty()) {
    SessionOptions options;
    options.custom_ops = custom_ops;
    const Expected<std::unique_ptr<Session>> session = Session::load(path, options);
    if (!session.ok()) result.errors.push_back(session.status().message());
  }
  return result;
}

}  // namespace anyrt
