#pragma once

#include <cstdio>
#include <string>

#include "base/status.h"
#include "codec/bytes.h"

namespace anyrt {

// Where encoders put their bytes.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status write(Bytes bytes) = 0;
};

class StringSink : public ByteSink {
 public:
  Status write(Bytes bytes) override {
    text_.append(as_text(bytes));
    return ok_status();
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// A file that is removed again unless close() succeeds.
class FileSink : public ByteSink {
 public:
  static Expected<FileSink> create(const std::string& path);
  FileSink(FileSink&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, nullptr)) {}
  FileSink& operator=(FileSink&&) = delete;
  ~FileSink() override;
  Status write(Bytes bytes) override;
  Status close();

 private:
  FileSink(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  std::string path_;
  std::FILE* file_;
};

// Encodes to `path`: the file is complete or absent.
template <class Encode>
Status write_file(const std::string& path, Encode&& encode) {
  ANYRT_ASSIGN(auto sink, FileSink::create(path));
  if (Status s = encode(static_cast<ByteSink&>(sink)); !s.ok()) return std::move(s).with_context(path);
  return sink.close();
}

}  // namespace anyrt
