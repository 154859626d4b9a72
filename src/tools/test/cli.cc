#include <cstdio>

#include "base/command.h"
#include "base/json.h"
#include "tools/data/options.h"
#include "tools/data/session_flags.h"
#include "tools/test/test.h"

namespace anyrt::cli {

namespace {

constexpr Option kOwnOptions[] = {
    {"path", OptionKind::kList, "folders to search for tests, or model files", "", true},
    kThreadsFlag,
    {"--rtol", OptionKind::kNumber, "relative tolerance (default: 1e-3, or what the test says)"},
    {"--atol", OptionKind::kNumber, "absolute tolerance (default: 1e-7, or what the test says)"},
    {"--interpreter", OptionKind::kFlag, "run with the reference interpreter"},
    {"--no-optimize", OptionKind::kFlag, "leave out the graph passes"},
    {"--disable-pass", OptionKind::kList, "leave out this graph pass"},
    {"--json", OptionKind::kFlag, "print JSON"},
    {"-q,--quiet", OptionKind::kFlag, "print failed tests and the closing line only"},
};
constexpr auto kOptions = joined(kOwnOptions, kSessionFlags);

int run(const Args& args) {
  TestOptions options;
  if (args.given("rtol")) options.rtol = args.number("rtol");
  if (args.given("atol")) options.atol = args.number("atol");
  const Expected<SessionOptions> session = session_options_from(args);
  if (!session.ok()) return report(session.status());
  options.session = *session;
  options.session.optimize = !args.flag("no-optimize");
  const bool json = args.flag("json"), quiet = args.flag("quiet");
  Json results = Json::array();
  const auto tell = [&](const TestResult& r) {
    if (json && (!quiet || !r.passed)) {
      Json one = Json::object();
      one.set("path", r.path).set("passed", r.passed).set("message", r.message).set("seconds", r.seconds);
      one.set("max_abs_diff", r.max_abs_diff);
      results.push_back(std::move(one));
    } else if (!json && !r.passed) {
      std::printf("FAILED  %s: %s\n", r.path.c_str(), r.message.c_str());
    } else if (!json && !quiet) {
      std::printf("passed  %s\n", r.path.c_str());
    }
  };
  size_t passed = 0, failed = 0;
  for (const std::string& path : args.list("path")) {
    const Expected<std::vector<std::string>> folders = find_tests(path);
    if (!folders.ok()) {
      ++failed;
      tell({path, false, folders.status().message()});
      continue;
    }
    for (const std::string& folder : *folders) {
      for (const TestResult& r : run_test(folder, options)) {
        (r.passed ? passed : failed)++;
        tell(r);
      }
    }
  }
  if (json) {
    Json out = Json::object();
    out.set("results", std::move(results)).set("passed", passed).set("failed", failed);
    std::printf("%s\n", out.dump(2).c_str());
    return failed == 0 ? kExitOk : kExitFailed;
  }
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 ? kExitOk : kExitFailed;
}

}  // namespace

extern const Command command_test = {
    .name = "test",
    .summary = "Run recorded tests: model.onnx with test_data_set_*/*.pb, or with meta.json and .npy files",
    .example = "  anyrt test path/to/onnx-backend-tests --rtol 1e-3\n  anyrt test model/ --json\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
