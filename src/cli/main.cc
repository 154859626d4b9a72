#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "anyrt_version.h"
#include "base/command.h"
#include "base/mapped_fault.h"
#include "base/text.h"

namespace {

using namespace anyrt::cli;

// "-k,--top-k" -> "top-k"
std::string long_name(const char* name) {
  std::string s(name);
  if (const size_t comma = s.rfind(','); comma != std::string::npos) s = s.substr(comma + 1);
  return s.substr(s.find_first_not_of('-'));
}

void add_option(CLI::App& app, const Option& row, Args& args) {
  const std::string key = long_name(row.name);
  if (*row.fallback) args.fallbacks[key] = row.fallback;
  if (row.kind == OptionKind::kFlag) {
    app.add_flag_callback(
        row.name, [&args, key] { args.values[key] = {"1"}; }, row.help);
    return;
  }
  CLI::Option* o = app.add_option_function<std::vector<std::string>>(
      row.name, [&args, key](const std::vector<std::string>& v) { args.values[key] = v; }, row.help);
  o->type_name(row.kind == OptionKind::kInteger ? "INT" : row.kind == OptionKind::kNumber ? "NUMBER" : "TEXT");
  if (row.kind == OptionKind::kList) {
    o->expected(1, 1 << 20)->allow_extra_args(row.name[0] != '-');
  } else {
    o->expected(1)->allow_extra_args(false);
  }
  if (row.kind == OptionKind::kInteger) o->check(CLI::TypeValidator<int64_t>());
  if (row.kind == OptionKind::kNumber) o->check(CLI::Number);
  if (*row.fallback) o->default_str(row.fallback);
  if (row.required) o->required();
}

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 the answer is no (a test failed, a check found something); 2 wrong arguments;\n"
    "3 the model cannot be read or is broken; 4 inputs do not fit, or a file is missing; 5 not supported;\n"
    "6 out of memory or time, or cancelled; 7 an error of anyrt itself.";

}  // namespace

int main(int argc, char** argv) {
  anyrt::exit_on_lost_mapping(kExitBadInput);
  CLI::App app("anyrt: run any ONNX model on any device, right and fast", "anyrt");
  app.set_version_flag("--version", ANYRT_VERSION_STRING);
  app.require_subcommand(1);
  app.footer("Every command has --help with examples, and --json for machines.");
  std::vector<Args> args(kCommandsSize);
  std::vector<CLI::App*> subs;
  const bool named = argc > 1 && argv[1][0] != '-';
  for (size_t i = 0; i < kCommandsSize; ++i) {
    const Command& command = *kCommands[i];
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer(std::string("Examples:\n") + command.example + "\n" + kExitCodes);
    // The options of all commands take a third of a short command's time.
    if (!named || std::strcmp(argv[1], command.name) == 0) {
      for (const Option& row : command.options) add_option(*sub, row, args[i]);
    }
    subs.push_back(sub);
  }
  app.failure_message([named, argv](const CLI::App*, const CLI::Error& e) {
    const std::string command = named ? std::string(" ") + argv[1] : "";
    return "anyrt: error: " + std::string(e.what()) + "; 'anyrt" + command + " --help' shows what is expected\n";
  });
  std::vector<std::string> names;
  for (size_t i = 0; i < kCommandsSize; ++i) names.emplace_back(kCommands[i]->name);
  if (named && std::find(names.begin(), names.end(), argv[1]) == names.end()) {
    std::fprintf(stderr, "anyrt: no command '%s'%s; anyrt --help lists them\n", argv[1],
                 anyrt::did_you_mean(argv[1], names).c_str());
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return kExitUsage;
  }
  for (size_t i = 0; i < kCommandsSize; ++i) {
    if (subs[i]->parsed()) return kCommands[i]->run(args[i]);
  }
  return kExitUsage;
}
