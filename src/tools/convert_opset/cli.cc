#include <cstdio>
#include <filesystem>

#include "base/command.h"
#include "base/json.h"
#include "format/onnx/reader.h"
#include "tools/convert_opset/convert_opset.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {
    {"model", OptionKind::kText, "model to read", "", true},
    {"-o,--output,output", OptionKind::kText, "model to write", "", true},
    {"--opset", OptionKind::kInteger, "ai.onnx opset to write; 0 = the model's own, where it can hold it", "0"},
    {"--ir-version", OptionKind::kInteger, "IR version to write; 0 = the lowest that holds the model", "0"},
    {"--external", OptionKind::kFlag, "put weights into files beside the model"},
    {"--external-threshold", OptionKind::kInteger, "bytes from which on a weight leaves the model", "1024"},
    {"--external-file", OptionKind::kText, "name of the file for weights (default: OUTPUT.data)"},
    {"--file-per-weight", OptionKind::kFlag, "one file for each weight"},
    {"--no-value-types", OptionKind::kFlag, "leave out the types of values inside the graph"},
    {"--json", OptionKind::kFlag, "print what was written as JSON"},
    {"-f,--force", OptionKind::kFlag, "overwrite files that exist"},
};

int run(const Args& args) {
  WriteOptions options;
  options.opset = static_cast<int>(args.integer("opset"));
  options.ir_version = static_cast<int>(args.integer("ir-version"));
  if (args.flag("external")) options.external = WriteOptions::External::kAlways;
  options.external_threshold = static_cast<size_t>(args.integer("external-threshold"));
  options.external_file = args.text("external-file");
  options.one_external_file = !args.flag("file-per-weight");
  options.value_types = !args.flag("no-value-types");
  options.overwrite = args.flag("force");
  const std::string target = args.text("output");
  if (const Status s = convert_opset(args.text("model"), target, options); !s.ok() || !args.flag("json"))
    return report(s);
  const Expected<Model> written = read_onnx_file(target);
  if (!written.ok()) return report(written.status());
  Json opsets = Json::object();
  for (const auto& [domain, version] : written->info.opsets) opsets.set(domain.empty() ? "ai.onnx" : domain, version);
  std::error_code error;
  Json out = Json::object();
  out.set("output", target).set("ir_version", written->info.ir_version).set("opsets", std::move(opsets));
  out.set("bytes", static_cast<uint64_t>(std::filesystem::file_size(target, error)));
  std::printf("%s\n", out.dump(2).c_str());
  return kExitOk;
}

}  // namespace

extern const Command command_convert_opset = {
    .name = "convert-opset",
    .summary = "Write a model in another opset, IR version, or with its weights in files beside it",
    .example =
        "  anyrt convert-opset model.onnx model17.onnx --opset 17\n  anyrt convert-opset model.onnx split.onnx "
        "--external --json\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
