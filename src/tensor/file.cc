#include "tensor/file.h"

#include <map>
#include <mutex>
#include <utility>

#include "base/file.h"
#include "base/mmap.h"

namespace anyrt {

namespace {

class MappedBuffer final : public Buffer {
 public:
  explicit MappedBuffer(MappedFile file) : file_(std::move(file)) {
    data_ = const_cast<std::byte*>(file_.data());  // never written: the buffer is read-only
    size_ = file_.size();
    writable_ = false;
  }
  uint64_t identity() const override { return file_.identity().hash(); }
  bool release(size_t offset, size_t bytes) const override {
    file_.release(offset, bytes);
    return true;
  }

 private:
  MappedFile file_;
};

// Files mapped now: one mapping serves all who read the same state of a file.
struct Mappings {
  std::mutex mutex;
  std::map<uint64_t, std::weak_ptr<Buffer>> live;
};
Mappings& mappings() {
  static Mappings all;
  return all;
}

std::shared_ptr<Buffer> shared_mapping(MappedFile file) {
  Mappings& all = mappings();
  const std::lock_guard<std::mutex> lock(all.mutex);
  std::erase_if(all.live, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Buffer>& place = all.live[file.identity().hash()];
  std::shared_ptr<Buffer> buffer = place.lock();
  if (!buffer) {
    buffer = std::make_shared<MappedBuffer>(std::move(file));
    place = buffer;
  }
  return buffer;
}

Expected<std::shared_ptr<Buffer>> read_whole(const std::string& path) {
  ANYRT_ASSIGN(std::string text, read_file(path));
  auto owner = std::make_shared<std::string>(std::move(text));
  return borrow_buffer(reinterpret_cast<std::byte*>(owner->data()), owner->size(), owner, false);
}

}  // namespace

Expected<std::shared_ptr<Buffer>> map_file(const std::string& path) {
  bool regular = false;
  if (path != "-") {
    ANYRT_ASSIGN(regular, is_regular_file(path));
  }
  if (regular) {
    ANYRT_ASSIGN(MappedFile mapped, MappedFile::open(path));
    // Files of /proc and the like say they are empty and are not.
    if (mapped.size() > 0) return shared_mapping(std::move(mapped));
  }
  return read_whole(path);
}

Expected<std::shared_ptr<Buffer>> load_file(const std::string& path) {
  constexpr size_t kReadLimit = size_t{256} << 20;
  ANYRT_ASSIGN(auto mapped, map_file(path));
  return mapped->size() <= kReadLimit && path != "-" && mapped->identity() != 0 ? read_whole(path) : mapped;
}

}  // namespace anyrt
