#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"

// The file of a weight cache: a header, the key, a table of blocks, and the blocks, in the byte order of the machine.
//
//   0   u64 magic      kWeightMagic as this machine writes it: another byte order is another number
//   8   u32 version    kWeightVersion
//   12  u32 blocks     number of them
//   16  u64 size       of the file
//   24  u64 checksum   hash_bytes of key and table
//   32  u32 key bytes
//   36  u32 zero
//   40  key, filled up with zeros to a multiple of 8
//   ..  table: {u64 name, u64 offset, u64 bytes, u64 hash_bytes of the block} for each block
//
// Blocks lie one after the other, each on a multiple of 64, large ones on a multiple of 4096.

namespace anyrt {

inline constexpr uint64_t kWeightMagic = 0x31304b4350545241;  // "ARTPCK01"
// Raised when the file or the packed form of any weight changes.
inline constexpr uint32_t kWeightVersion = 1;

struct WeightBlock {
  uint64_t name = 0;
  uint64_t offset = 0, bytes = 0;
  uint64_t checksum = 0;
};

struct WeightTable {
  std::string_view key;  // inside of the file's bytes
  std::vector<WeightBlock> blocks;
};

// Checks everything but the blocks' own checksums: a block of the table lies inside of the file. The error says what is
// wrong and does not name the file.
Expected<WeightTable> read_weight_table(std::span<const std::byte> file);
bool is_intact(const WeightBlock& block, std::span<const std::byte> file);

// `contents` has the bytes of each block; offsets are worked out and checksums computed here.
Status write_weight_file(FileWriter& file, std::string_view key, std::vector<WeightBlock> blocks,
                         std::span<const std::byte* const> contents);

}  // namespace anyrt
