#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "device/packed_store.h"
#include "plan/weight_file.h"

namespace anyrt {

// Packed weights of one model in one configuration, kept in a file that later sessions and other processes map. A file
// that is missing, damaged, foreign or of another key is as good as none and is replaced; nothing here fails for it.
class WeightCache {
 public:
  // `key` says all that the packed bytes depend on. The file is `folder`/`name`.
  WeightCache(std::string folder, const std::string& name, std::string key);

  // The block of this name and size, or fresh memory that `fill` has written. Any thread.
  Expected<std::shared_ptr<Buffer>> take(uint64_t name, size_t bytes, const PackedStore::Fill& fill);
  // Writes the file where blocks are new, and makes room for it. Once, after the last `take`.
  void save();
  // One line for people: what was mapped and what was written.
  std::string summary() const;

 private:
  struct Taken {
    WeightBlock block;
    std::shared_ptr<Buffer> bytes;
  };

  const WeightBlock* find(uint64_t name, size_t bytes) const;

  std::string folder_, path_, key_;
  std::shared_ptr<Buffer> file_;  // mapped; null where there is none
  WeightTable table_;             // sorted by name
  std::string skipped_;           // why nothing is read or written
  mutable std::mutex mutex_;
  std::vector<Taken> taken_;
  size_t mapped_bytes_ = 0, new_bytes_ = 0;
  bool written_ = false;
};

// The folder of these files below a cache folder.
std::string weight_cache_folder(const std::string& cache_dir);

// A file of a weight cache, for people who look at it and clear it.
struct WeightCacheFile {
  std::string path, key;  // no key: it is damaged, or being written
  uint64_t bytes = 0;
  int64_t used_ns = 0;  // when it was last written or mapped, since 1970
};
// Those in the folder, the last used one first. None where there is no folder.
Expected<std::vector<WeightCacheFile>> list_weight_cache(const std::string& folder);

}  // namespace anyrt
