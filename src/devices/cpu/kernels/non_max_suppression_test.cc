#include <random>

#include "devices/cpu/kernel_run_testing.h"

namespace anyrt::cpu {
namespace {

// Boxes that often touch, and scores that are often equal.
std::string boxes_and_scores(unsigned seed, int batches, int classes, int boxes, bool odd) {
  std::mt19937 random(seed);
  std::string x = fmt::format("f32[{},{},4]{{", batches, boxes),
              y = fmt::format("f32[{},{},{}]{{", batches, classes, boxes);
  for (int i = 0; i < batches * boxes; ++i) {
    for (int k = 0; k < 4; ++k)
      x += odd && random() % 40 == 0 ? "nan " : fmt::format("{} ", static_cast<double>(random() % 60) / 4);
  }
  for (int i = 0; i < batches * classes * boxes; ++i)
    y += odd && random() % 20 == 0 ? "nan " : fmt::format("{} ", static_cast<double>(random() % 50) / 50 - 0.3);
  return x + "}, " + y + "}";
}

TEST(NonMaxSuppression, AsTheReference) {
  on_every_isa([] {
    unsigned seed = 0;
    for (const int boxes : {1, 7, 64, 700}) {
      for (const bool odd : {false, true}) {
        for (const char* rest : {", i64[]{100000}, f32[]{0.5}", ", i64[1]{3}, f32[1]{0.25}, f32[1]{0.1}",
                                 ", i64[]{40}, f32[]{0}, f32[]{-1}", ", i64[]{20}, f32[]{1}", ""}) {
          const std::string in = boxes_and_scores(++seed, 2, 3, boxes, odd);
          check_kernel_run("", "NonMaxSuppression", fmt::format(": {}{} -> ?", in, rest));
          check_kernel_run("", "NonMaxSuppression", fmt::format("center_point_box=1 : {}{} -> ?", in, rest));
        }
      }
    }
  });
}

TEST(NonMaxSuppression, WrongInputs) {
  check_kernel_run("", "NonMaxSuppression", ": f32[1,2,4]{0 0 1 1 0 0 1 1}, f32[1,1,1]{0.9} -> ?", "do not fit");
  check_kernel_run("", "NonMaxSuppression", ": f32[1,1,4]{0 0 1 1}, f32[1,1,1]{0.9}, i64[]{1}, f32[]{2} -> ?",
                   "iou_threshold is 2");
  check_kernel_run("", "NonMaxSuppression", ": f32[1,0,4]{}, f32[1,2,0]{}, i64[]{1} -> ?");
}

}  // namespace
}  // namespace anyrt::cpu
