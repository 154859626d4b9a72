#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace anyrt {

// Owns an open file.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

// "cannot open 'x.onnx': No such file or directory", kNotFound for missing files, else kIoError.
Status file_error(std::string_view action, const std::string& path, int error_number);

// Whether a path names a regular file; an error when there is nothing or a directory.
Expected<bool> is_regular_file(const std::string& path);
// Opens for reading; refuses directories, pipes and devices, on which reading could block.
Expected<FileDescriptor> open_regular_file(const std::string& path);

// The whole contents of a file or a pipe ("-" is standard input). ResourceExhausted beyond `max_bytes`.
Expected<std::string> read_file(const std::string& path, size_t max_bytes = size_t{1} << 32);

// Writes a file so that readers see the old contents or the new, never a part: into a temporary file beside it, which
// commit() renames. Without commit nothing changes. Existing pipes and devices are written directly.
class FileWriter {
 public:
  // `mode`: permissions of the file; by default those of the file that it replaces, or what the umask leaves.
  static Expected<FileWriter> create(const std::string& path, std::optional<unsigned> mode = {});
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Status write(const void* data, size_t size);
  Status write(std::string_view text) { return write(text.data(), text.size()); }
  uint64_t position() const { return position_; }  // bytes written so far
  Status commit();

 private:
  FileWriter() = default;
  Status flush();

  FileDescriptor file_;
  std::string path_, temporary_;  // no temporary: `path_` itself is written
  std::string pending_;
  uint64_t position_ = 0;
};

Status write_file(const std::string& path, std::string_view contents);

// The path of `relative` below the directory `base_dir`, for file names that come out of models. Refuses absolute
// paths,
// '..', and symbolic links that lead out of the directory. The last component need not exist.
Expected<std::string> confine_path(const std::string& base_dir, std::string_view relative);

}  // namespace anyrt
