#include "plan/weight_file.h"

#include <cstring>

#include "base/hash.h"

namespace anyrt {
namespace {

struct Header {
  uint64_t magic = kWeightMagic;
  uint32_t version = kWeightVersion;
  uint32_t blocks = 0;
  uint64_t size = 0;
  uint64_t checksum = 0;
  uint32_t key_bytes = 0;
  uint32_t zero = 0;
};
static_assert(sizeof(Header) == 40 && sizeof(WeightBlock) == 32);

constexpr uint64_t kAlignment = 64, kPage = 4096, kLarge = 64 << 10;
constexpr uint32_t kMostKeyBytes = 1 << 20;

uint64_t round_up(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }

}  // namespace

Expected<WeightTable> read_weight_table(std::span<const std::byte> file) {
  Header h;
  if (file.size() < sizeof h) return invalid_argument("{} bytes are no header", file.size());
  std::memcpy(&h, file.data(), sizeof h);
  if (h.magic != kWeightMagic) return invalid_argument("it does not begin as a weight cache of this machine does");
  if (h.version != kWeightVersion) return invalid_argument("its version is {}, expected {}", h.version, kWeightVersion);
  if (h.size != file.size()) return invalid_argument("it has {} bytes, expected {}", file.size(), h.size);
  if (h.key_bytes > kMostKeyBytes) return invalid_argument("a key of {} bytes", h.key_bytes);
  const uint64_t key_bytes = round_up(h.key_bytes, 8), table_bytes = uint64_t{h.blocks} * sizeof(WeightBlock);
  const uint64_t end = sizeof h + key_bytes + table_bytes;
  if (end > file.size()) return invalid_argument("its table of {} blocks does not fit into it", h.blocks);
  if (hash_bytes(file.data() + sizeof h, static_cast<size_t>(key_bytes + table_bytes)) != h.checksum)
    return invalid_argument("the checksum of its table does not fit");
  WeightTable table;
  table.key = {reinterpret_cast<const char*>(file.data()) + sizeof h, h.key_bytes};
  table.blocks.resize(h.blocks);
  if (h.blocks > 0)
    std::memcpy(table.blocks.data(), file.data() + sizeof h + key_bytes, static_cast<size_t>(table_bytes));
  for (const WeightBlock& b : table.blocks) {
    if (b.offset < end || b.offset % kAlignment != 0 || b.offset > file.size() || b.bytes > file.size() - b.offset)
      return invalid_argument("a block of {} bytes at {} lies outside of it", b.bytes, b.offset);
  }
  return table;
}

bool is_intact(const WeightBlock& block, std::span<const std::byte> file) {
  return hash_bytes(file.data() + block.offset, static_cast<size_t>(block.bytes)) == block.checksum;
}

Status write_weight_file(FileWriter& file, std::string_view key, std::vector<WeightBlock> blocks,
                         std::span<const std::byte* const> contents) {
  Header h;
  h.blocks = static_cast<uint32_t>(blocks.size());
  h.key_bytes = static_cast<uint32_t>(key.size());
  std::string head(key);
  head.resize(static_cast<size_t>(round_up(key.size(), 8)), '\0');
  h.size = sizeof h + head.size() + blocks.size() * sizeof(WeightBlock);
  for (size_t i = 0; i < blocks.size(); ++i) {
    WeightBlock& b = blocks[i];
    b.checksum = hash_bytes(contents[i], static_cast<size_t>(b.bytes));
    b.offset = round_up(h.size, b.bytes >= kLarge ? kPage : kAlignment);
    h.size = b.offset + b.bytes;
  }
  head.append(reinterpret_cast<const char*>(blocks.data()), blocks.size() * sizeof(WeightBlock));
  h.checksum = hash_bytes(head.data(), head.size());
  ANYRT_TRY(file.write(&h, sizeof h));
  ANYRT_TRY(file.write(head));
  const std::string zeros(kPage, '\0');
  for (size_t i = 0; i < blocks.size(); ++i) {
    ANYRT_TRY(file.write(zeros.data(), static_cast<size_t>(blocks[i].offset - file.position())));
    ANYRT_TRY(file.write(contents[i], static_cast<size_t>(blocks[i].bytes)));
  }
  return {};
}

}  // namespace anyrt
