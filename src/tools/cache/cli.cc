#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/command.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "engine/config.h"
#include "plan/weight_cache.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {{"--cache-dir", OptionKind::kText, "folder instead of the user's cache folder"},
                               {"--clear", OptionKind::kFlag, "remove the files"},
                               {"--json", OptionKind::kFlag, "print JSON"}};

Expected<std::string> folder_of(const Args& args) {
  SessionOptions options;
  ANYRT_TRY(read_environment(options));
  if (args.given("cache-dir")) options.cache_dir = args.text("cache-dir");
  ANYRT_ASSIGN(options, resolve_options(std::move(options)));
  if (options.cache_dir.empty()) return invalid_argument("there is no home folder: give --cache-dir");
  return weight_cache_folder(options.cache_dir);
}

Status show(const Args& args) {
  ANYRT_ASSIGN(const std::string folder, folder_of(args));
  ANYRT_ASSIGN(const std::vector<WeightCacheFile> files, list_weight_cache(folder));
  Json rows = Json::array();
  Table table({"size", "model", "file"});
  uint64_t total = 0;
  for (const WeightCacheFile& f : files) {
    total += f.bytes;
    // The first line of a key is the model.
    const std::string model = f.key.substr(0, f.key.find('\n'));
    Json row = Json::object();
    row.set("path", f.path).set("model", model).set("bytes", f.bytes);
    rows.push_back(std::move(row));
    table.add({human_bytes(static_cast<double>(f.bytes)), f.key.empty() ? "(not usable)" : model, f.path});
    if (args.flag("clear") && ::unlink(f.path.c_str()) != 0 && errno != ENOENT)
      return file_error("cannot remove", f.path, errno);
  }
  const char* const did = args.flag("clear") ? "removed" : "kept";
  if (args.flag("json")) {
    Json all = Json::object();
    all.set("folder", folder).set("bytes", total).set("cleared", args.flag("clear")).set("files", std::move(rows));
    std::printf("%s\n", all.dump(2).c_str());
  } else {
    if (!files.empty()) std::printf("%s\n", table.to_string().c_str());
    std::printf("%zu files, %s, %s in %s\n", files.size(), human_bytes(static_cast<double>(total)).c_str(), did,
                folder.c_str());
  }
  return {};
}

int run(const Args& args) { return report(show(args)); }

}  // namespace

extern const Command command_cache = {
    .name = "cache",
    .summary = "List or clear the packed weights that option weight_cache keeps",
    .example = "  anyrt cache\n  anyrt cache --clear\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
