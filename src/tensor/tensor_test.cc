#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <thread>

#include "tensor/literal.h"

namespace anyrt {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

Tensor parse(std::string_view text) {
  auto tensor = parse_tensor(text);
  EXPECT_TRUE(tensor.ok()) << tensor.status().message();
  return tensor.ok() ? *tensor : Tensor();
}

TEST(Tensor, MakesAlignedMemory) {
  for (const DType dtype : {DType::kFloat32, DType::kUInt8, DType::kString, DType::kComplex128}) {
    auto t = Tensor::make(dtype, {3, 5});
    ASSERT_TRUE(t.ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t->raw()) % 64, 0u);
    EXPECT_EQ(t->size(), 15);
    EXPECT_EQ(t->bytes(), 15 * element_size(dtype));
    EXPECT_TRUE(t->unique());
    const Tensor copy = *t;
    EXPECT_FALSE(t->unique());
  }
}

TEST(Tensor, EmptyTensorsHaveAnAddress) {
  const auto t = Tensor::make(DType::kFloat32, {0, kMax, kMax});
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->size(), 0);
  EXPECT_NE(t->raw(), nullptr);
  EXPECT_TRUE(t->span<float>().empty());
}

TEST(Tensor, RefusesImpossibleSizes) {
  EXPECT_EQ(Tensor::make(DType::kFloat32, {-1}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Tensor::make(DType::kFloat32, {0, -1}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Tensor::make(DType::kFloat32, {kMax, 2}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Tensor::make(DType::kFloat32, {kMax}).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(Tensor::make(DType::kUInt8, {int64_t{1} << 50}).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(Tensor::make(DType::kString, {kMax}).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(Tensor::make(DType::kUndefined, {1}).status().code(), Code::kInvalidArgument);
}

TEST(Tensor, BufferLimit) {
  const size_t before = buffer_limit();
  set_buffer_limit(1000);
  EXPECT_TRUE(Tensor::make(DType::kUInt8, {1000}).ok());
  const auto refused = Tensor::make(DType::kUInt8, {1001});
  set_buffer_limit(before);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message(), "tensor uint8[1001]: a buffer of 1001 bytes is over the limit of 1000 bytes");
}

TEST(Tensor, StringsAreOwned) {
  auto t = Tensor::make(DType::kString, {2});
  ASSERT_TRUE(t.ok());
  t->mutable_data<std::string>()[1] = std::string(100, 'x');
  const auto copy = t->clone();
  ASSERT_TRUE(copy.ok());
  t->mutable_data<std::string>()[1] = "y";
  EXPECT_EQ(to_strings(*copy), (std::vector<std::string>{"", std::string(100, 'x')}));
  EXPECT_FALSE(identical(*t, *copy));
  EXPECT_EQ(*Tensor::string_scalar("s").data<std::string>(), "s");
}

TEST(Tensor, ViewsAreChecked) {
  const auto buffer = *allocate_buffer(64);
  const auto view = Tensor::view(DType::kFloat32, {2, 2}, buffer, 16);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->buffer_offset(), 16u);
  EXPECT_EQ(Tensor::view(DType::kFloat32, {2}, buffer, 2).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Tensor::view(DType::kFloat32, {17}, buffer).status().code(), Code::kOutOfRange);
  EXPECT_EQ(Tensor::view(DType::kFloat32, {1}, buffer, 64).status().code(), Code::kOutOfRange);
  EXPECT_EQ(Tensor::view(DType::kFloat32, {0}, buffer, 65).status().code(), Code::kOutOfRange);
  EXPECT_TRUE(Tensor::view(DType::kFloat32, {0}, buffer, 64).ok());
  EXPECT_FALSE(Tensor::view(DType::kFloat32, {1}, nullptr).ok());
  EXPECT_FALSE(Tensor::view(DType::kUInt8, {-1}, buffer).ok());
  EXPECT_TRUE(Tensor::view(DType::kComplex64, {1}, buffer, 4).ok());
}

TEST(Tensor, BorrowedMemoryKeepsItsOwnerAlive) {
  auto owner = std::make_shared<std::vector<float>>(4, 1.5f);
  const std::weak_ptr<std::vector<float>> watch = owner;
  {
    const auto buffer = borrow_buffer(owner->data(), 16, owner, false);
    owner.reset();
    const auto t = Tensor::view(DType::kFloat32, {4}, buffer);
    ASSERT_TRUE(t.ok());
    EXPECT_EQ(t->data<float>()[3], 1.5f);
    EXPECT_FALSE(t->unique());
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Tensor, Reshapes) {
  const Tensor t = parse("i32[2,3]{range}");
  const auto flat = t.reshaped({6});
  ASSERT_TRUE(flat.ok());
  EXPECT_EQ(flat->raw(), t.raw());
  EXPECT_EQ(t.reshaped({5}).status().message(), "cannot reshape int32[2,3] to [5]: 5 elements, expected 6");
  EXPECT_FALSE(t.reshaped({-6}).ok());
  EXPECT_FALSE(Tensor().reshaped({}).ok());
}

TEST(Tensor, ScalarsAndVectors) {
  EXPECT_EQ(print_tensor(Tensor::scalar(2.5f)), "f32[]{2.5}");
  EXPECT_EQ(print_tensor(Tensor::int64s({})), "i64[0]{}");
  const std::vector<std::string> words{"a", "b"};
  EXPECT_EQ(print_tensor(Tensor::vector<std::string>(words)), "str[2]{\"a\" \"b\"}");
  EXPECT_EQ(Tensor::scalar(Float16(1)).type_string(), "float16[]");
  EXPECT_EQ(Tensor().type_string(), "undefined[]");
}

TEST(Tensor, IntegersAndDoubles) {
  EXPECT_EQ(*to_int64s(parse("u8[2]{200 1}")), (std::vector<int64_t>{200, 1}));
  EXPECT_EQ(*to_int64s(parse("i4[2]{-8 7}")), (std::vector<int64_t>{-8, 7}));
  EXPECT_EQ(to_int64s(parse("u64[1]{18446744073709551615}")).status().code(), Code::kOutOfRange);
  EXPECT_FALSE(to_int64s(parse("f32[1]{1}")).ok());
  EXPECT_FALSE(to_int64s(parse("bool[1]{1}")).ok());
  EXPECT_FALSE(to_int64s(Tensor()).ok());
  EXPECT_EQ(*to_doubles(parse("bf16[2]{0.5 -2}")), (std::vector<double>{0.5, -2}));
  EXPECT_EQ(*to_doubles(parse("bool[1]{true}")), std::vector<double>{1});
  EXPECT_FALSE(to_doubles(parse("str[1]{\"1\"}")).ok());
  EXPECT_FALSE(to_doubles(parse("c64[1]{1}")).ok());
}

TEST(Tensor, IdenticalComparesBits) {
  EXPECT_TRUE(identical(parse("f32[2]{nan 1}"), parse("f32[2]{nan 1}")));
  EXPECT_FALSE(identical(parse("f32[1]{0}"), parse("f32[1]{-0}")));
  EXPECT_FALSE(identical(parse("f32[1]{0}"), parse("f32[]{0}")));
  EXPECT_FALSE(identical(parse("f32[0]{}"), parse("i32[0]{}")));
  EXPECT_TRUE(identical(parse("str[1]{\"a\"}"), parse("str[1]{\"a\"}")));
  EXPECT_TRUE(identical(Tensor(), Tensor()));
}

TEST(TensorDeathTest, WrongTypeStopsTheProcess) {
  const Tensor t = Tensor::int64s({1});
  EXPECT_DEATH((void)t.data<float>(), "int64\\[1\\] was read as float32");
}

TEST(MemoryMeter, CountsBuffersOfItsScopeWhileTheyLive) {
  const auto meter = std::make_shared<MemoryMeter>(1000);
  Tensor kept;
  {
    const MeterScope scope(meter);
    kept = *Tensor::make(DType::kFloat32, {100});
    EXPECT_EQ(meter->used, 400u);
    EXPECT_EQ(Tensor::make(DType::kFloat32, {200}).status().code(), Code::kResourceExhausted);
    EXPECT_EQ(meter->used, 400u);
    const MeterScope none(nullptr);
    EXPECT_TRUE(Tensor::make(DType::kFloat32, {1000}).ok());
    EXPECT_EQ(meter->used, 400u);
  }
  EXPECT_TRUE(Tensor::make(DType::kFloat32, {1000}).ok());
  kept.buffer()->leave_meter();
  EXPECT_EQ(meter->used, 0u);
  kept = Tensor();
  EXPECT_EQ(meter->used, 0u);
}

TEST(Tensor, UnalignedBytesAreCopiedWhenTheyAreRead) {
  std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  auto bytes = std::make_shared<std::vector<std::byte>>(1 + numbers.size() * sizeof(float) + 3);
  std::memcpy(bytes->data() + 1, numbers.data(), numbers.size() * sizeof(float));
  const auto source = borrow_buffer(bytes->data(), bytes->size(), bytes, false);
  const auto buffer = align_when_read(source, 1, numbers.size() * sizeof(float));
  const Expected<Tensor> t = Tensor::view(DType::kFloat32, {2, 3}, buffer);
  ASSERT_TRUE(t.ok());
  EXPECT_TRUE(t->has_bytes());
  EXPECT_FALSE(buffer->writable());
  EXPECT_EQ(t->unaligned_raw(), bytes->data() + 1);
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (size_t k = 0; k < 6; ++k) EXPECT_EQ(t->data<float>()[k], numbers[k]);
    });
  }
  for (std::thread& r : readers) r.join();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(t->raw()) % 64, 0u);
  // Views of views, copies and what is dropped.
  const Expected<Tensor> row = Tensor::view(DType::kFloat32, {3}, t->buffer(), t->buffer_offset() + 12);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->data<float>()[0], 4);
  EXPECT_FALSE(Tensor::view(DType::kFloat32, {3}, t->buffer(), 2).ok());
  EXPECT_TRUE(identical(*t->clone(), *t));
  Tensor gone = *t;
  gone.drop_bytes();
  EXPECT_EQ(gone.raw(), nullptr);
  EXPECT_EQ(t->reshaped({6})->data<float>()[5], 6);
}

}  // namespace
}  // namespace anyrt
