#include "codec/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

template <class T>
std::vector<T> elements(const Expected<Tensor>& t) {
  EXPECT_TRUE(t.ok()) << t.status().to_string();
  if (!t.ok()) return {};
  return {t->template span<T>().begin(), t->template span<T>().end()};
}

Tensor bytes(Dims dims) {
  Tensor t = *Tensor::make(DType::kUInt8, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i);
  return t;
}

TEST(Preprocess, Normalises) {
  const Tensor x = bytes({1, 2, 3});
  EXPECT_THAT(elements<float>(normalise(x, {.scale = 0.5, .mean = {1}, .std = {2}})),
              ElementsAre(-0.5f, -0.25f, 0, 0.25f, 0.5f, 0.75f));
  EXPECT_THAT(elements<float>(normalise(x, {.mean = {0, 1, 2}, .std = {1, 1, 2}})), ElementsAre(0, 0, 0, 3, 3, 1.5f));
  EXPECT_THAT(elements<float>(normalise(x, {.scale = 1 / 255.0})).back(), FloatEq(5 / 255.0f));
  EXPECT_THAT(normalise(x, {.mean = {1, 2}}).status().message(), HasSubstr("mean has 2 values; 1 or 3"));
  EXPECT_FALSE(normalise(x, {.std = {0}}).ok());
  EXPECT_FALSE(normalise(Tensor::scalar(1.0f), {}).ok());
}

TEST(Preprocess, Layouts) {
  const Tensor x = bytes({1, 2, 3});
  EXPECT_THAT(elements<uint8_t>(to_image_layout(x, ImageLayout::kNchw)), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(to_image_layout(x, ImageLayout::kNchw)->dims(), ElementsAre(1, 3, 1, 2));
  EXPECT_THAT(to_image_layout(x, ImageLayout::kChw)->dims(), ElementsAre(3, 1, 2));
  EXPECT_THAT(to_image_layout(x, ImageLayout::kNhwc)->dims(), ElementsAre(1, 1, 2, 3));
  EXPECT_EQ(*parse_image_layout("nchw"), ImageLayout::kNchw);
  EXPECT_FALSE(parse_image_layout("CWH").ok());
  EXPECT_FALSE(to_image_layout(bytes({2, 2}), ImageLayout::kChw).ok());
  EXPECT_FALSE(permuted(x, {0, 0, 1}).ok());
  EXPECT_FALSE(permuted(x, {0, 1}).ok());
}

TEST(Preprocess, SwapsRedAndBlue) {
  const Tensor x = bytes({1, 2, 3});
  EXPECT_THAT(elements<uint8_t>(swap_red_and_blue(x)), ElementsAre(2, 1, 0, 5, 4, 3));
  EXPECT_THAT(elements<uint8_t>(x), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_FALSE(swap_red_and_blue(bytes({1, 2})).ok());
}

TEST(Preprocess, ConvertsByRoundingAndClamping) {
  const std::vector<float> values = {-1.5f,        0.5f, 1.5f, 254.6f, 300, std::numeric_limits<float>::infinity(),
                                     std::nanf("")};
  const Tensor x = Tensor::vector<float>(values);
  EXPECT_THAT(elements<uint8_t>(convert_elements(x, DType::kUInt8)), ElementsAre(0, 0, 2, 255, 255, 255, 0));
  EXPECT_THAT(elements<int64_t>(convert_elements(x, DType::kInt64)),
              ElementsAre(-2, 0, 2, 255, 300, std::numeric_limits<int64_t>::max(), 0));
  const Tensor large = Tensor::int64s({-1, 1000, 5});
  EXPECT_THAT(elements<int8_t>(convert_elements(large, DType::kInt8)), ElementsAre(-1, 127, 5));
  EXPECT_THAT(elements<uint64_t>(convert_elements(large, DType::kUInt64)), ElementsAre(0, 1000, 5));
  EXPECT_THAT(elements<float>(convert_elements(large, DType::kFloat32)), ElementsAre(-1, 1000, 5));
  EXPECT_EQ(convert_elements(large, DType::kFloat16)->dtype(), DType::kFloat16);
}

}  // namespace
}  // namespace anyrt
