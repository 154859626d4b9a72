#include "base/command.h"
#include "tools/convert_opset/convert_opset.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {
    {"model", OptionKind::kText, "model to read", "", true},
    {"output", OptionKind::kText, "model to write", "", true},
    {"--opset", OptionKind::kInteger, "ai.onnx opset to write; 0 = the model's own, where it can hold it", "0"},
    {"--ir-version", OptionKind::kInteger, "IR version to write; 0 = the lowest that holds the model", "0"},
    {"--external", OptionKind::kFlag, "put weights into files beside the model"},
    {"--external-threshold", OptionKind::kInteger, "bytes from which on a weight leaves the model", "1024"},
    {"--external-file", OptionKind::kText, "name of the file for weights (default: OUTPUT.data)"},
    {"--file-per-weight", OptionKind::kFlag, "one file for each weight"},
    {"--no-value-types", OptionKind::kFlag, "leave out the types of values inside the graph"},
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
  return report(convert_opset(args.text("model"), args.text("output"), options));
}

}  // namespace

extern const Command command_convert_opset = {
    .name = "convert-opset",
    .summary = "Write a model in another opset, IR version, or with its weights in files beside it",
    .example = "  anyrt convert-opset model.onnx model17.onnx --opset 17\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
