#include "base/mmap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/hash.h"

namespace anyrt {

uint64_t FileIdentity::hash() const {
  return hash_combine(hash_combine(device, inode), hash_combine(size, static_cast<uint64_t>(modified_ns)));
}

Expected<MappedFile> MappedFile::open(const std::string& path) {
  ANYRT_ASSIGN(const FileDescriptor file, open_regular_file(path));
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return file_error("cannot examine", path, errno);
  MappedFile mapped;
  mapped.path_ = path;
  mapped.identity_ = {static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino),
                      static_cast<uint64_t>(info.st_size),
                      static_cast<int64_t>(info.st_mtim.tv_sec) * 1000000000 + info.st_mtim.tv_nsec};
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return mapped;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return file_error("cannot map", path, errno);
  mapped.data_ = static_cast<const std::byte*>(data);
  mapped.size_ = size;
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::swap(MappedFile& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  path_.swap(other.path_);
  std::swap(identity_, other.identity_);
}

void MappedFile::advise(size_t offset, size_t length, int advice, bool inner) const {
  if (offset >= size_) return;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  size_t end = offset + std::min(length, size_ - offset);
  // Pages that the part shares with its neighbours may be read ahead, not given back.
  const size_t begin = inner ? (offset + page - 1) / page * page : offset / page * page;
  if (inner && end != size_) end = end / page * page;
  if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, advice);
}

void MappedFile::will_need(size_t offset, size_t length) const { advise(offset, length, MADV_WILLNEED, false); }
void MappedFile::release(size_t offset, size_t length) const { advise(offset, length, MADV_DONTNEED, true); }

}  // namespace anyrt
