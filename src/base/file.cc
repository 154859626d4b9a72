#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace anyrt {
namespace {

constexpr size_t kPendingBytes = size_t{1} << 18;

Status write_all(int fd, const std::string& path, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error("cannot write", path, errno);
    data += written;
    size -= static_cast<size_t>(written);
  }
  return {};
}

std::string kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Status file_error(std::string_view action, const std::string& path, int error_number) {
  const bool missing = error_number == ENOENT || error_number == ENOTDIR;
  return make_error(missing ? Code::kNotFound : Code::kIoError, "{} '{}': {}", action, path,
                    std::generic_category().message(error_number));
}

Expected<bool> is_regular_file(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return file_error("cannot open", path, errno);
  if (S_ISDIR(info.st_mode)) return make_error(Code::kIoError, "'{}' is a directory, expected a file", path);
  return S_ISREG(info.st_mode);
}

Expected<FileDescriptor> open_regular_file(const std::string& path) {
  // Without O_NONBLOCK opening a pipe waits for a writer.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return file_error("cannot open", path, errno);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return file_error("cannot examine", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return make_error(Code::kIoError, "cannot read '{}': expected a regular file, found {}", path,
                      kind_of(info.st_mode));
  }
  return file;
}

Expected<std::string> read_file(const std::string& path, size_t max_bytes) {
  FileDescriptor file;
  int fd = STDIN_FILENO;
  if (path != "-") {
    file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file.valid()) return file_error("cannot open", path, errno);
    fd = file.get();
  }
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return file_error("cannot examine", path, errno);
  const auto too_large = [&] {
    return make_error(Code::kResourceExhausted, "'{}' is larger than the limit of {}", path,
                      human_bytes(static_cast<double>(max_bytes)));
  };
  size_t expected = 0;
  if (S_ISREG(info.st_mode)) {
    if (static_cast<uint64_t>(info.st_size) > max_bytes) return too_large();
    expected = static_cast<size_t>(info.st_size);
  }
  constexpr size_t kChunk = size_t{1} << 16;
  std::string contents;
  size_t size = 0;
  // One byte more than expected tells at once that the end is reached.
  contents.resize(expected + 1);
  for (;;) {
    const ssize_t got = ::read(fd, contents.data() + size, contents.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
    if (size > max_bytes) return too_large();
    if (size == contents.size()) contents.resize(size + std::max(kChunk, size / 2));
  }
  contents.resize(size);
  return contents;
}

Expected<FileWriter> FileWriter::create(const std::string& path, std::optional<unsigned> mode) {
  FileWriter writer;
  writer.path_ = path;
  struct stat info = {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return file_error("cannot write", path, EISDIR);
  if (exists && !S_ISREG(info.st_mode)) {
    writer.file_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!writer.file_.valid()) return file_error("cannot write", path, errno);
    return writer;
  }
  // A symbolic link stays one: what it points to is replaced.
  std::error_code failure;
  if (exists) {
    const auto target = std::filesystem::canonical(path, failure);
    if (!failure) writer.path_ = target.string();
  }
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    writer.temporary_ = fmt::format("{}.{}.{}.tmp", writer.path_, ::getpid(), counter.fetch_add(1));
    writer.file_ =
        FileDescriptor(::open(writer.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode.value_or(0666)));
    if (writer.file_.valid()) {
      if (exists && !mode) (void)!::fchmod(writer.file_.get(), info.st_mode & 07777);
      return writer;
    }
    if (errno != EEXIST) break;
  }
  const int reason = errno;
  writer.temporary_.clear();
  return file_error("cannot write", path, reason);
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      pending_(std::move(other.pending_)),
      position_(other.position_) {}

FileWriter::~FileWriter() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status FileWriter::flush() {
  ANYRT_TRY(write_all(file_.get(), path_, pending_.data(), pending_.size()));
  pending_.clear();
  return {};
}

Status FileWriter::write(const void* data, size_t size) {
  position_ += size;
  const auto* bytes = static_cast<const char*>(data);
  if (size >= kPendingBytes) {
    ANYRT_TRY(flush());
    return write_all(file_.get(), path_, bytes, size);
  }
  pending_.append(bytes, size);
  return pending_.size() >= kPendingBytes ? flush() : Status();
}

Status FileWriter::commit() {
  ANYRT_TRY(flush());
  // Some file systems report a full disk only here.
  if (::close(file_.release()) != 0) return file_error("cannot write", path_, errno);
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return file_error("cannot replace", path_, errno);
  temporary_.clear();
  return {};
}

Status write_file(const std::string& path, std::string_view contents) {
  ANYRT_ASSIGN(FileWriter writer, FileWriter::create(path));
  ANYRT_TRY(writer.write(contents));
  return writer.commit();
}

Expected<std::string> confine_path(const std::string& base_dir, std::string_view relative) {
  namespace fs = std::filesystem;
  const auto refuse = [&](std::string_view why) {
    return invalid_model("the file name '{}' {}", relative.substr(0, 200), why);
  };
  if (relative.empty()) return refuse("is empty");
  if (relative.find('\0') != std::string_view::npos) return refuse("holds a zero byte");
  const fs::path path(relative);
  if (path.is_absolute()) return refuse("is absolute, expected one relative to the model");
  for (const fs::path& part : path) {
    if (part == "..") return refuse("leaves the directory of the model");
  }
  std::error_code failure;
  const fs::path base = fs::canonical(base_dir.empty() ? "." : base_dir, failure);
  if (failure) return file_error("cannot find the directory", base_dir, failure.value());
  const fs::path target = fs::weakly_canonical(base / path, failure);
  if (failure) return file_error("cannot resolve", (base / path).string(), failure.value());
  const auto [end, unused] = std::mismatch(base.begin(), base.end(), target.begin(), target.end());
  if (end != base.end()) return refuse("is a link that leaves the directory of the model");
  return target.string();
}

}  // namespace anyrt
