#pragma once

#include <string>

#include "base/file.h"
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

class FileSink : public ByteSink {
 public:
  explicit FileSink(FileWriter& file) : file_(file) {}
  Status write(Bytes bytes) override { return file_.write(as_text(bytes)); }

 private:
  FileWriter& file_;
};

// Calls encode(sink); the file changes only when that succeeds.
template <class Encode>
Status encode_to_file(const std::string& path, Encode&& encode) {
  ANYRT_ASSIGN(auto file, FileWriter::create(path));
  FileSink sink(file);
  if (Status s = encode(static_cast<ByteSink&>(sink)); !s.ok()) return std::move(s).with_context(path);
  return file.commit();
}

}  // namespace anyrt
