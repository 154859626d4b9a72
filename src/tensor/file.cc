#include "tensor/file.h"

#include "base/file.h"
#include "base/mmap.h"

namespace anyrt {
namespace {

class MappedBuffer final : public Buffer {
 public:
  explicit MappedBuffer(MappedFile file) : file_(std::move(file)) {
    data_ = const_cast<std::byte*>(file_.data());
    size_ = file_.size();
    writable_ = false;
  }

 private:
  MappedFile file_;
};

}  // namespace

Expected<std::shared_ptr<Buffer>> map_file(const std::string& path) {
  ANYRT_ASSIGN(const bool regular, is_regular_file(path));
  if (regular) {
    ANYRT_ASSIGN(MappedFile file, MappedFile::open(path));
    // Files of /proc and the like say they are empty and are not.
    if (file.size() != 0) return std::shared_ptr<Buffer>(std::make_shared<MappedBuffer>(std::move(file)));
  }
  ANYRT_ASSIGN(std::string contents, read_file(path));
  auto bytes = std::make_shared<std::string>(std::move(contents));
  return borrow_buffer(bytes->data(), bytes->size(), bytes, false);
}

}  // namespace anyrt
