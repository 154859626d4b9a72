#include "tensor/file.h"

#include "base/file.h"
#include "base/mmap.h"

namespace anyrt {

Expected<std::shared_ptr<Buffer>> map_file(const std::string& path) {
  bool regular = false;
  if (path != "-") {
    ANYRT_ASSIGN(regular, is_regular_file(path));
  }
  if (regular) {
    ANYRT_ASSIGN(MappedFile mapped, MappedFile::open(path));
    auto file = std::make_shared<const MappedFile>(std::move(mapped));
    // Files of /proc and the like say they are empty and are not.
    if (file->size() > 0) return borrow_buffer(const_cast<std::byte*>(file->data()), file->size(), file, false);
  }
  ANYRT_ASSIGN(std::string text, read_file(path));
  auto owner = std::make_shared<std::string>(std::move(text));
  return borrow_buffer(reinterpret_cast<std::byte*>(owner->data()), owner->size(), owner, false);
}

}  // namespace anyrt
