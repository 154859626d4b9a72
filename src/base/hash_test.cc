#include "base/hash.h"

#include <gtest/gtest.h>

#include <bitset>
#include <set>
#include <string>
#include <vector>

namespace anyrt {
namespace {

TEST(Hash, StaysTheSame) {
  // Caches on disk are keyed by these: a change makes all of them stale.
  EXPECT_EQ(hash_text(""), 0x14fa1d50314a042bull);
  EXPECT_EQ(hash_text("anyrt"), 0x86f35212b702b0full);
  EXPECT_EQ(hash_text(std::string(200, 'x')), 0x2290eb9f9dd9a778ull);
}

TEST(Hash, SeparatesLengthsSeedsAndPositions) {
  std::set<uint64_t> seen;
  const std::vector<char> zeros(300, 0);
  for (size_t n = 0; n <= zeros.size(); ++n) seen.insert(hash_bytes(zeros.data(), n));
  for (size_t i = 0; i < 200; ++i) {
    std::vector<char> bytes(200, 0);
    bytes[i] = 1;
    seen.insert(hash_bytes(bytes.data(), bytes.size()));
  }
  for (uint64_t seed = 1; seed < 100; ++seed) seen.insert(hash_bytes(zeros.data(), 64, seed));
  EXPECT_EQ(seen.size(), 301u + 200u + 99u);
}

TEST(Hash, OneBitChangesHalfOfTheHash) {
  std::vector<unsigned char> bytes(96, 7);
  const uint64_t before = hash_bytes(bytes.data(), bytes.size());
  double flipped = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
    flipped += static_cast<double>(std::bitset<64>(before ^ hash_bytes(bytes.data(), bytes.size())).count());
    bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
  }
  EXPECT_NEAR(flipped / (96 * 8), 32, 1.5);
}

TEST(Hash, CombineDependsOnTheOrder) { EXPECT_NE(hash_combine(1, 2), hash_combine(2, 1)); }

}  // namespace
}  // namespace anyrt
