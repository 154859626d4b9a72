#include <cstdio>

#include "base/command.h"
#include "tools/test/test.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {
    {"path", OptionKind::kList, "folders to search for tests, or model files", "", true},
    {"--rtol", OptionKind::kNumber, "relative tolerance (default: 1e-3, or what the test says)"},
    {"--atol", OptionKind::kNumber, "absolute tolerance (default: 1e-7, or what the test says)"},
    {"--device", OptionKind::kText, "run on this device"},
    {"--interpreter", OptionKind::kFlag, "run with the reference interpreter"},
    {"--no-optimize", OptionKind::kFlag, "leave out the graph passes"},
    {"--disable-pass", OptionKind::kList, "leave out this graph pass"},
    {"-q,--quiet", OptionKind::kFlag, "print failed tests and the closing line only"},
};

int run(const Args& args) {
  TestOptions options;
  if (args.given("rtol")) options.rtol = args.number("rtol");
  if (args.given("atol")) options.atol = args.number("atol");
  options.session.device = args.text("device");
  options.session.use_interpreter = args.flag("interpreter");
  options.session.optimize = !args.flag("no-optimize");
  options.session.disabled_passes = args.list("disable-pass");
  size_t passed = 0, failed = 0;
  for (const std::string& path : args.list("path")) {
    const Expected<std::vector<std::string>> folders = find_tests(path);
    if (!folders.ok()) {
      ++failed;
      std::printf("FAILED  %s\n", folders.status().message().c_str());
      continue;
    }
    for (const std::string& folder : *folders) {
      for (const TestResult& r : run_test(folder, options)) {
        (r.passed ? passed : failed)++;
        if (!r.passed) {
          std::printf("FAILED  %s: %s\n", r.path.c_str(), r.message.c_str());
        } else if (!args.flag("quiet")) {
          std::printf("passed  %s\n", r.path.c_str());
        }
      }
    }
  }
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 ? kExitOk : kExitFailed;
}

}  // namespace

extern const Command command_test = {
    .name = "test",
    .summary = "Run recorded tests: model.onnx with test_data_set_*/*.pb, or with meta.json and .npy files",
    .example = "  anyrt test path/to/onnx-backend-tests --rtol 1e-3\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
