#include "codec/sink.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace anyrt {

namespace {
Status io_error(const std::string& path, const char* what) {
  return make_error(Code::kIoError, "{}: {}: {}", path, what, std::strerror(errno));
}
}  // namespace

Expected<FileSink> FileSink::create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) return io_error(path, "cannot open for writing");
  return FileSink(path, file);
}

FileSink::~FileSink() {
  if (!file_) return;
  struct stat info;
  const bool regular = fstat(fileno(file_), &info) == 0 && S_ISREG(info.st_mode);
  std::fclose(file_);
  if (regular) unlink(path_.c_str());
}

Status FileSink::write(Bytes bytes) {
  if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) {
    return io_error(path_, "cannot write");
  }
  return ok_status();
}

Status FileSink::close() {
  if (std::fflush(file_) != 0) return io_error(path_, "cannot write");
  if (std::fclose(std::exchange(file_, nullptr)) != 0) return io_error(path_, "cannot write");
  return ok_status();
}

}  // namespace anyrt
