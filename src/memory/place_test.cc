#include "memory/place.h"

#include <gtest/gtest.h>

#include <random>

namespace anyrt {
namespace {

TEST(Place, SequentialBuffersShare) {
  const std::vector<Lifetime> l = {{100, 0, 1}, {100, 2, 3}};
  const Placement p = place_buffers(l);
  EXPECT_EQ(p.offsets[0], p.offsets[1]);
  EXPECT_EQ(p.total, 128u);
}

TEST(Place, EmptyBuffersTakeNothing) {
  const std::vector<Lifetime> l = {{0, 0, 9}, {0, 0, 9}};
  EXPECT_EQ(place_buffers(l).total, 0u);
}

TEST(Place, RandomLifetimesNeverOverlap) {
  std::mt19937 rng(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> l(rng() % 40);
    for (Lifetime& one : l) {
      one.first = rng() % 30;
      one.last = one.first + rng() % 10;
      one.bytes = rng() % 5000;
    }
    const Placement p = place_buffers(l);
    for (size_t a = 0; a < l.size(); ++a) {
      EXPECT_EQ(p.offsets[a] % 64, 0u);
      EXPECT_LE(p.offsets[a] + l[a].bytes, p.total + (l[a].bytes == 0 ? p.offsets[a] : 0));
      for (size_t b = 0; b < a; ++b) {
        const bool live_together = l[a].first <= l[b].last && l[b].first <= l[a].last;
        const bool apart = p.offsets[a] + l[a].bytes <= p.offsets[b] || p.offsets[b] + l[b].bytes <= p.offsets[a];
        EXPECT_TRUE(!live_together || apart || l[a].bytes == 0 || l[b].bytes == 0);
      }
    }
    EXPECT_GE(p.total, peak_live_bytes(l));
  }
}

}  // namespace
}  // namespace anyrt
