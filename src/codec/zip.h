#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/bytes.h"
#include "codec/sink.h"
#include "tensor/tensor.h"

namespace anyrt {

enum class ZipMethod : uint16_t { kStored = 0, kDeflate = 8 };

struct ZipEntry {
  std::string name;
  uint16_t method = 0;
  uint64_t packed_size = 0;
  uint64_t size = 0;
  uint32_t crc = 0;
  uint64_t offset = 0;  // of the content in the file
};

struct ZipLimits {
  size_t max_entries = 1 << 20;
  uint64_t max_total_size = uint64_t{1} << 38;  // of all entries unpacked
};

// Reads zip files (also zip64) with stored and deflated entries. open() checks the whole directory: every entry lies
// inside of the file, none overlaps another (as decompression bombs do), and sizes are possible for the method.
class ZipReader {
 public:
  static Expected<ZipReader> open(std::shared_ptr<Buffer> file, const ZipLimits& limits = {});

  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;
  // The content, checked by its CRC. Stored content is a part of the file, not a copy.
  Expected<std::shared_ptr<Buffer>> read(const ZipEntry& entry) const;

 private:
  std::shared_ptr<Buffer> file_;
  std::vector<ZipEntry> entries_;
};

// Writes a zip file; zip64 records only where sizes need them. Stored content begins at a multiple of 64 bytes, so that
// readers can map it.
class ZipWriter {
 public:
  explicit ZipWriter(ByteSink& sink) : sink_(sink) {}
  Status add(std::string_view name, Bytes content, ZipMethod method);
  Status finish();

 private:
  Status put(std::string_view bytes);

  ByteSink& sink_;
  uint64_t position_ = 0;
  std::vector<std::pair<ZipEntry, uint64_t>> entries_;  // with the offset of the local header
};

// False where the build has no zlib: only stored entries then.
bool zip_can_deflate();

}  // namespace anyrt
