#include "plan/weight_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "tensor/file.h"

namespace anyrt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSuffix = ".weights";
constexpr uint64_t kMostBytes = uint64_t{16} << 30;                      // of all files; the least lately used ones go
constexpr int64_t kForgottenNs = int64_t{60} * 60 * 1000 * 1000 * 1000;  // after which nobody writes a file any more

// Whether nobody else can have written to it. A missing one is safe.
Status check_owner(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return {};
  if (info.st_uid != ::geteuid() && info.st_uid != 0) return invalid_argument("'{}' belongs to another user", path);
  if ((info.st_mode & 022) != 0) return invalid_argument("other users may write to '{}'", path);
  return {};
}

Status make_folder(const std::string& folder) {
  std::error_code failure;
  fs::create_directories(fs::path(folder).parent_path(), failure);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return file_error("cannot make the folder", folder, errno);
  return check_owner(folder);
}

bool by_name(const WeightBlock& a, const WeightBlock& b) { return a.name < b.name; }

int64_t nanoseconds(const struct timespec& t) { return static_cast<int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec; }

// Removes what is left of writers that have died, and the least lately used files where `bytes` more are too many.
void make_room(const std::string& folder, uint64_t bytes) {
  const Expected<std::vector<WeightCacheFile>> files = list_weight_cache(folder);
  if (!files.ok()) return;
  struct timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  for (const WeightCacheFile& f : *files) {
    const bool unfinished = !f.path.ends_with(kSuffix);
    if (unfinished && nanoseconds(now) - f.used_ns < kForgottenNs) continue;
    bytes += f.bytes;
    if (unfinished || bytes > kMostBytes) ::unlink(f.path.c_str());
  }
}

}  // namespace

std::string weight_cache_folder(const std::string& cache_dir) { return (fs::path(cache_dir) / "weights").string(); }

WeightCache::WeightCache(std::string folder, const std::string& name, std::string key)
    : folder_(std::move(folder)), path_((fs::path(folder_) / (name + kSuffix)).string()), key_(std::move(key)) {
  Status safe = check_owner(folder_);
  if (!safe.ok()) {
    skipped_ = safe.message();
    log_warning("weight cache: {}", skipped_);
    return;
  }
  safe = check_owner(path_);
  if (!safe.ok()) {
    log_warning("weight cache: {}; it is replaced", safe.message());
    return;
  }
  Expected<std::shared_ptr<Buffer>> file = map_file(path_);
  if (!file.ok()) {
    if (file.status().code() != Code::kNotFound) log_warning("weight cache: {}", file.status().message());
    return;
  }
  const std::span<const std::byte> bytes((*file)->data(), (*file)->size());
  Expected<WeightTable> table = read_weight_table(bytes);
  if (!table.ok()) {
    log_warning("weight cache: '{}' is replaced: {}", path_, table.status().message());
    return;
  }
  if (table->key != key_) {
    log_info("weight cache: '{}' is of another state of the model and is replaced", path_);
    return;
  }
  std::sort(table->blocks.begin(), table->blocks.end(), by_name);
  table_ = std::move(*table);
  file_ = std::move(*file);
  (void)::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);
}

const WeightBlock* WeightCache::find(uint64_t name, size_t bytes) const {
  const auto it = std::lower_bound(table_.blocks.begin(), table_.blocks.end(), WeightBlock{.name = name}, by_name);
  return it != table_.blocks.end() && it->name == name && it->bytes == bytes ? &*it : nullptr;
}

Expected<std::shared_ptr<Buffer>> WeightCache::take(uint64_t name, size_t bytes, const PackedStore::Fill& fill) {
  std::shared_ptr<Buffer> buffer;
  const WeightBlock* kept = file_ ? find(name, bytes) : nullptr;
  if (kept && !is_intact(*kept, {file_->data(), file_->size()})) {
    log_warning("weight cache: a block of '{}' is damaged and is made again", path_);
    kept = nullptr;
  }
  if (kept) {
    buffer = borrow_buffer(file_->data() + kept->offset, bytes, file_, false);
  } else {
    ANYRT_ASSIGN(buffer, take_packed(nullptr, bytes, fill));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  (kept ? mapped_bytes_ : new_bytes_) += bytes;
  taken_.push_back({{.name = name, .bytes = bytes}, buffer});
  return buffer;
}

void WeightCache::save() {
  if (new_bytes_ > 0 && skipped_.empty()) {
    std::sort(taken_.begin(), taken_.end(), [](const Taken& a, const Taken& b) { return by_name(a.block, b.block); });
    std::vector<WeightBlock> blocks;
    std::vector<const std::byte*> contents;
    for (const Taken& t : taken_) {
      blocks.push_back(t.block);
      contents.push_back(t.bytes->data());
    }
    const auto write = [&]() -> Status {
      ANYRT_TRY(make_folder(folder_));
      make_room(folder_, mapped_bytes_ + new_bytes_);
      ANYRT_ASSIGN(FileWriter file, FileWriter::create(path_, 0600));
      ANYRT_TRY(write_weight_file(file, key_, std::move(blocks), contents));
      return file.commit();
    };
    const Status done = write();
    written_ = done.ok();
    if (!written_) {
      skipped_ = done.message();
      log_warning("weight cache: {}", skipped_);
    }
  }
  taken_.clear();
  log_info("{}", summary());
}

std::string WeightCache::summary() const {
  const auto human = [](size_t bytes) { return human_bytes(static_cast<double>(bytes)); };
  std::string line =
      fmt::format("weight cache: {} mapped from '{}', {} packed", human(mapped_bytes_), path_, human(new_bytes_));
  if (written_) line += " and written to it";
  if (!skipped_.empty()) line += ": " + skipped_;
  return line;
}

Expected<std::vector<WeightCacheFile>> list_weight_cache(const std::string& folder) {
  std::vector<WeightCacheFile> files;
  std::error_code failure;
  fs::directory_iterator it(folder, failure);
  if (failure == std::errc::no_such_file_or_directory) return files;
  if (failure) return file_error("cannot list", folder, failure.value());
  for (; it != fs::directory_iterator(); it.increment(failure)) {
    const std::string path = it->path().string();
    if (path.find(kSuffix) == std::string::npos) continue;
    struct stat info = {};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    WeightCacheFile& file = files.emplace_back();
    file.path = path;
    file.bytes = static_cast<uint64_t>(info.st_size);
    file.used_ns = nanoseconds(info.st_mtim);
    if (!path.ends_with(kSuffix)) continue;
    const Expected<std::shared_ptr<Buffer>> mapped = map_file(path);
    if (!mapped.ok()) continue;
    const Expected<WeightTable> table = read_weight_table({(*mapped)->data(), (*mapped)->size()});
    if (table.ok()) file.key = table->key;
  }
  std::sort(files.begin(), files.end(),
            [](const WeightCacheFile& a, const WeightCacheFile& b) { return a.used_ns > b.used_ns; });
  return files;
}

}  // namespace anyrt
