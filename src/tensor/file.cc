#include "tensor/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace anyrt {
namespace {

constexpr size_t kMaxStream = size_t{1} << 32;

class MappedBuffer final : public Buffer {
 public:
  MappedBuffer(void* data, size_t size) {
    data_ = static_cast<std::byte*>(data);
    size_ = size;
    writable_ = false;
  }
  ~MappedBuffer() override { munmap(data_, size_); }
};

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

Status io_error(const std::string& path, const char* what) {
  const int error = errno;
  return make_error(error == ENOENT ? Code::kNotFound : Code::kIoError, "{} '{}': {}", what, path,
                    std::strerror(error));
}

Expected<std::shared_ptr<Buffer>> read_stream(const std::string& path, int fd) {
  auto bytes = std::make_shared<std::vector<std::byte>>();
  constexpr size_t kStep = 1 << 16;
  for (;;) {
    const size_t have = bytes->size();
    if (have > kMaxStream) {
      return make_error(Code::kResourceExhausted, "'{}' gives more than {} bytes", path, kMaxStream);
    }
    bytes->resize(have + kStep);
    const ssize_t got = read(fd, bytes->data() + have, kStep);
    if (got < 0 && errno != EINTR) return io_error(path, "cannot read");
    bytes->resize(have + static_cast<size_t>(got > 0 ? got : 0));
    if (got == 0) return borrow_buffer(bytes->data(), have, bytes, false);
  }
}

}  // namespace

Expected<std::shared_ptr<Buffer>> map_file(const std::string& path) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return io_error(path, "cannot open");
  struct stat info = {};
  if (fstat(file.fd, &info) != 0) return io_error(path, "cannot open");
  if (S_ISDIR(info.st_mode)) return make_error(Code::kIoError, "'{}' is a folder, a file was expected", path);
  // Files of /proc and the like say they are empty and are not.
  if (!S_ISREG(info.st_mode) || info.st_size == 0) return read_stream(path, file.fd);
  const auto size = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) return io_error(path, "cannot map");
  return std::shared_ptr<Buffer>(std::make_shared<MappedBuffer>(data, size));
}

}  // namespace anyrt
