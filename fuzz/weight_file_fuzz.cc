#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/hash.h"
#include "plan/weight_file.h"

using namespace anyrt;

namespace {

void read(std::span<const std::byte> file) {
  const Expected<WeightTable> table = read_weight_table(file);
  if (!table.ok()) return;
  if (table->key.size() > file.size()) std::abort();
  for (const WeightBlock& block : table->blocks) (void)is_intact(block, file);
}

// With a size and a checksum that fit, so that what lies behind them is reached.
void repair(std::vector<std::byte>& file) {
  uint32_t blocks = 0, key = 0;
  std::memcpy(&blocks, file.data() + 12, sizeof blocks);
  std::memcpy(&key, file.data() + 32, sizeof key);
  const uint64_t size = file.size(), covered = (uint64_t{key} + 7) / 8 * 8 + uint64_t{blocks} * sizeof(WeightBlock);
  std::memcpy(file.data() + 16, &size, sizeof size);
  if (covered > file.size() - 40) return;
  const uint64_t sum = hash_bytes(file.data() + 40, static_cast<size_t>(covered));
  std::memcpy(file.data() + 24, &sum, sizeof sum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> file(size);
  if (size > 0) std::memcpy(file.data(), data, size);
  read(file);
  if (size < 40) return 0;
  repair(file);
  read(file);
  return 0;
}
