#include <cstdio>

#include "base/command.h"
#include "base/cpu.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "device/device.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {{"--json", OptionKind::kFlag, "print JSON"}};

int run(const Args& args) {
  Json all = Json::array();
  Table table({"device", "kind", "memory", "description"});
  for (const DeviceDef* def : all_devices()) {
    const Expected<std::vector<DeviceInfo>> present = def->probe();
    if (!present.ok()) {
      table.add({std::string(def->name), "not usable", "", present.status().message()});
      continue;
    }
    for (const DeviceInfo& d : *present) {
      Json one = Json::object();
      one.set("name", d.name).set("kind", def->name).set("description", d.description).set("doc", def->doc);
      one.set("memory_bytes", static_cast<uint64_t>(d.memory_bytes)).set("host_memory", d.host_memory);
      all.push_back(std::move(one));
      table.add(
          {d.name, def->name, d.memory_bytes ? human_bytes(static_cast<double>(d.memory_bytes)) : "", d.description});
    }
  }
  std::printf("%s\n", args.flag("json") ? all.dump(2).c_str() : table.to_string().c_str());
  return kExitOk;
}

}  // namespace

extern const Command command_devices = {
    .name = "devices",
    .summary = "List the devices that are present",
    .example = "  anyrt devices --json\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
