#include "codec/npz.h"

#include <set>

#include "tensor/file.h"

namespace anyrt {

namespace {
constexpr std::string_view kSuffix = ".npy";
}

Expected<std::vector<NamedTensor>> decode_npz(const std::shared_ptr<Buffer>& file, const NpyOptions& options,
                                              const ZipLimits& limits) {
  ANYRT_ASSIGN(const ZipReader zip, ZipReader::open(file, limits));
  std::vector<NamedTensor> out;
  std::set<std::string_view> seen;
  for (const ZipEntry& entry : zip.entries()) {
    if (!entry.name.ends_with(kSuffix))
      return invalid_argument("entry '{}' of the .npz file is not an .npy file", entry.name);
    if (!seen.insert(entry.name).second)
      return invalid_argument("entry '{}' of the .npz file is there twice", entry.name);
    ANYRT_ASSIGN(const auto content, zip.read(entry));
    auto tensor = decode_npy(content, options);
    if (!tensor.ok()) return std::move(tensor).status().with_context(fmt::format("entry '{}'", entry.name));
    out.push_back({entry.name.substr(0, entry.name.size() - kSuffix.size()), *std::move(tensor)});
  }
  return out;
}

Expected<std::vector<NamedTensor>> read_npz(const std::string& path, const NpyOptions& options) {
  ANYRT_ASSIGN(const auto file, load_file(path));
  auto tensors = decode_npz(file, options);
  if (!tensors.ok()) return std::move(tensors).status().with_context(path);
  return tensors;
}

Status encode_npz(std::span<const NamedTensor> tensors, ByteSink& sink, ZipMethod method) {
  ZipWriter zip(sink);
  std::set<std::string_view> seen;
  for (const NamedTensor& t : tensors) {
    if (!seen.insert(t.name).second) return invalid_argument("two tensors are named '{}'", t.name);
    auto content = encode_npy(t.tensor);
    if (!content.ok()) return std::move(content).status().with_context(t.name);
    ANYRT_TRY(zip.add(t.name + std::string(kSuffix), as_bytes(*content), method));
  }
  return zip.finish();
}

Status write_npz(const std::string& path, std::span<const NamedTensor> tensors, ZipMethod method) {
  return encode_to_file(path, [&](ByteSink& sink) { return encode_npz(tensors, sink, method); });
}

}  // namespace anyrt
