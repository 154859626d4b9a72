#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"

namespace anyrt {

// What tells one state of a file from another, for keys of shared weights and caches.
struct FileIdentity {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified_ns = 0;
  bool operator==(const FileIdentity&) const = default;
  uint64_t hash() const;
};

// A regular file mapped read-only for as long as the object lives. An empty file has no bytes and maps nothing.
class MappedFile {
 public:
  static Expected<MappedFile> open(const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    swap(other);
    return *this;
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  const FileIdentity& identity() const { return identity_; }

  // Hints for the part [offset, offset + length): read ahead, or give the pages back.
  void will_need(size_t offset, size_t length) const;
  void release(size_t offset, size_t length) const;

 private:
  void swap(MappedFile& other) noexcept;
  void advise(size_t offset, size_t length, int advice, bool inner) const;

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
  FileIdentity identity_;
};

}  // namespace anyrt
