#include "device/device.h"

#include <charconv>

namespace anyrt {

const BoundTensor BindQuery::kOmitted;

std::span<const DeviceDef* const> all_devices() { return {kDeviceRegistry, kDeviceRegistrySize}; }

const DeviceDef* find_device(std::string_view name) {
  for (const DeviceDef* d : all_devices()) {
    if (name == d->name) return d;
  }
  return nullptr;
}

Expected<std::unique_ptr<Device>> open_device(std::string_view name, DeviceOptions options) {
  const size_t colon = name.find(':');
  const std::string_view kind = name.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view number = name.substr(colon + 1);
    const auto r = std::from_chars(number.data(), number.data() + number.size(), options.index);
    if (r.ec != std::errc() || r.ptr != number.data() + number.size() || options.index < 0) {
      return invalid_argument("device '{}': expected a number after ':'", name);
    }
  }
  const DeviceDef* def = find_device(kind);
  if (!def) {
    std::string known;
    for (const DeviceDef* d : all_devices()) known += (known.empty() ? "" : ", ") + std::string(d->name);
    return make_error(Code::kNotFound, "no device '{}'; known are: {}", name, known);
  }
  ANYRT_ASSIGN(const std::vector<DeviceInfo> present, def->probe());
  if (static_cast<size_t>(options.index) >= present.size()) {
    return make_error(Code::kNotFound, "device '{}' is not present: {} of its kind found", name, present.size());
  }
  return def->open(options);
}

}  // namespace anyrt
