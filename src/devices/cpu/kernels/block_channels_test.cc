#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(BlockChannels, BothWays) {
  for (const int block : {1, 4, 6, 8, 16}) {
    for (const int channels : {1, 3, 4, 16, 19, 37}) {
      for (const char* spatial : {"", "1", "7", "5,5", "33,17", "2,3,5", "0,4", "300"}) {
        const std::string comma = *spatial ? "," : "";
        const int blocks = (channels + block - 1) / block;
        for (const int last : {0, 1}) {
          const std::string plain = last ? fmt::format("2{}{},{}", comma, spatial, channels)
                                         : fmt::format("2,{}{}{}", channels, comma, spatial);
          const std::string blocked = fmt::format("2,{}{}{},{}", blocks, comma, spatial, block);
          EXPECT_TRUE(check_kernel(
              {.domain = "anyrt", .op = "BlockChannels", .kernel = "f32_block_channels", .tolerance = {0, 0}},
              fmt::format("block={} channels_last={} : f32[{}]{{rand:1}} -> ?", block, last, plain)));
          EXPECT_TRUE(check_kernel(
              {.domain = "anyrt", .op = "UnblockChannels", .kernel = "f32_unblock_channels", .tolerance = {0, 0}},
              fmt::format("channels={} channels_last={} : f32[{}]{{rand:1}} -> ?", channels, last, blocked)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace anyrt::cpu
