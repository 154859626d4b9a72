#include "codec/resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

Tensor row(std::vector<uint8_t> values) {
  Tensor t = *Tensor::make(DType::kUInt8, {1, static_cast<int64_t>(values.size()), 1});
  std::copy(values.begin(), values.end(), t.mutable_data<uint8_t>());
  return t;
}

std::vector<int> ints(const Expected<Tensor>& t) {
  EXPECT_TRUE(t.ok()) << t.status().to_string();
  if (!t.ok()) return {};
  return {t->span<uint8_t>().begin(), t->span<uint8_t>().end()};
}

TEST(Resize, Nearest) {
  EXPECT_THAT(ints(resize_image(row({1, 2, 3}), 1, 6, {Resample::kNearest})), ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_THAT(ints(resize_image(row({1, 2, 3, 4, 5, 6}), 1, 2, {Resample::kNearest})), ElementsAre(2, 5));
}

TEST(Resize, BilinearUp) {
  EXPECT_THAT(ints(resize_image(row({0, 100}), 1, 4)), ElementsAre(0, 25, 75, 100));
  EXPECT_THAT(ints(resize_image(row({0, 100}), 1, 4, {Resample::kBilinear, false})), ElementsAre(0, 25, 75, 100));
}

TEST(Resize, AntialiasCountsEveryPixel) {
  const Tensor x = row({0, 0, 0, 255, 0, 0, 0, 0});
  // The triangle spans four pixels to either side; beyond the border its weights are dropped.
  EXPECT_THAT(ints(resize_image(x, 1, 2)), ElementsAre(46, 27));
  EXPECT_THAT(ints(resize_image(x, 1, 2, {Resample::kBilinear, false})), ElementsAre(0, 0));
  EXPECT_THAT(ints(resize_image(x, 1, 2, {Resample::kBox})), ElementsAre(64, 0));
}

TEST(Resize, CubicOvershootIsClamped) {
  const std::vector<int> up = ints(resize_image(row({0, 0, 255, 255}), 1, 8, {Resample::kBicubic}));
  EXPECT_EQ(up.front(), 0);
  EXPECT_EQ(up.back(), 255);
  Tensor x = *Tensor::make(DType::kFloat32, {1, 4, 1});
  std::copy_n(std::vector<float>{0, 0, 1, 1}.begin(), 4, x.mutable_data<float>());
  const Tensor soft = *resize_image(x, 1, 8, {Resample::kBicubic, false});
  // The sharper cubic (a = -0.75) at a quarter: weights of distances 1.25, 0.25, 0.75, 1.75.
  EXPECT_THAT(soft.data<float>()[5], FloatEq(1.0f + 0.10546875f));
  EXPECT_GT(soft.data<float>()[5], resize_image(x, 1, 8, {Resample::kBicubic})->data<float>()[5]);
}

TEST(Resize, ConstantsStayConstant) {
  for (Resample filter :
       {Resample::kNearest, Resample::kBox, Resample::kBilinear, Resample::kBicubic, Resample::kLanczos}) {
    for (bool antialias : {true, false}) {
      Tensor x = *Tensor::make(DType::kUInt8, {5, 7, 3});
      std::fill_n(x.mutable_data<uint8_t>(), x.size(), uint8_t{201});
      for (auto [h, w] : {std::pair{1, 1}, {3, 20}, {11, 2}, {5, 7}}) {
        EXPECT_THAT(ints(resize_image(x, h, w, {filter, antialias})), testing::Each(201));
      }
    }
  }
}

TEST(Resize, ShorterSide) {
  const Tensor x = *Tensor::zeros(DType::kUInt8, {30, 41, 3});
  EXPECT_THAT(resize_shorter_side(x, 20)->dims(), ElementsAre(20, 27, 3));
  const Tensor y = *Tensor::zeros(DType::kUInt8, {41, 30, 3});
  EXPECT_THAT(resize_shorter_side(y, 20)->dims(), ElementsAre(27, 20, 3));
}

TEST(Resize, Letterbox) {
  Tensor x = *Tensor::make(DType::kUInt8, {2, 4, 1});
  std::fill_n(x.mutable_data<uint8_t>(), 8, uint8_t{9});
  auto box = letterbox_image(x, 4, 4, {114});
  ASSERT_TRUE(box.ok()) << box.status().to_string();
  EXPECT_EQ(box->top, 1);
  EXPECT_EQ(box->left, 0);
  EXPECT_EQ(box->scale, 1.0);
  EXPECT_THAT(ints(box->image), ElementsAre(114, 114, 114, 114, 9, 9, 9, 9, 9, 9, 9, 9, 114, 114, 114, 114));
  box = letterbox_image(x, 2, 2, {0}, false);
  EXPECT_EQ(box->top, 0);
  EXPECT_EQ(box->scale, 0.5);
  EXPECT_THAT(ints(box->image), ElementsAre(9, 9, 0, 0));
  EXPECT_THAT(letterbox_image(x, 2, 2, {1, 2}).status().message(), HasSubstr("2 values; 1 or 1"));
}

TEST(Resize, CentreCrop) {
  EXPECT_THAT(ints(centre_crop(row({1, 2, 3, 4, 5}), 1, 3)), ElementsAre(2, 3, 4));
  EXPECT_THAT(ints(centre_crop(row({1, 2, 3, 4, 5}), 1, 4)), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ints(centre_crop(row({1, 2, 3, 4, 5}), 1, 2)), ElementsAre(3, 4));  // 1.5 goes to 2
  EXPECT_THAT(centre_crop(row({1}), 1, 2).status().message(), HasSubstr("cannot crop 1 x 2"));
}

TEST(Resize, RefusesOddRequests) {
  EXPECT_THAT(resize_image(row({1}), 0, 5).status().message(), HasSubstr("0 x 5"));
  EXPECT_FALSE(resize_image(row({1}), 1, int64_t{1} << 40).ok());
  EXPECT_THAT(resize_image(Tensor::scalar(1.0f), 1, 1).status().message(), HasSubstr("found float32[]"));
  EXPECT_FALSE(resize_image(*Tensor::zeros(DType::kUInt8, {0, 5, 3}), 1, 1).ok());
  EXPECT_THAT(parse_resample("fancy").status().message(), HasSubstr("'fancy'"));
}

}  // namespace
}  // namespace anyrt
