#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "anyrt/anyrt.hpp"

namespace {

using anyrt::Value;

std::string error_of(const std::function<void()>& call, anyrt_code code = ANYRT_INVALID_ARGUMENT) {
  try {
    call();
  } catch (const anyrt::Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(CValues, EveryElementTypeHoldsBytes) {
  for (int d = 1; d <= 26; ++d) {
    const auto dtype = static_cast<anyrt_dtype>(d);
    if (dtype == ANYRT_STRING) continue;
    const size_t size = anyrt_dtype_size(dtype);
    ASSERT_GT(size, 0u) << d;
    std::vector<unsigned char> bytes(6 * size);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i % 2);
    const Value v = Value::tensor(dtype, {2, 3}, bytes.data(), bytes.size());
    EXPECT_EQ(v.dtype(), dtype);
    EXPECT_EQ(v.size(), 6u);
    EXPECT_EQ(v.bytes(), bytes.size());
    EXPECT_EQ(std::memcmp(v.raw(), bytes.data(), bytes.size()), 0);
    EXPECT_EQ(std::string(v.type().text()), std::string(anyrt_dtype_name(dtype)) + "[2,3]");
  }
  EXPECT_EQ(anyrt_dtype_size(ANYRT_STRING), 0u);
  EXPECT_EQ(anyrt_dtype_size(static_cast<anyrt_dtype>(99)), 0u);
  EXPECT_STREQ(anyrt_dtype_name(static_cast<anyrt_dtype>(-1)), "undefined");
}

TEST(CValues, TensorsFromContainers) {
  const std::vector<float> three = {1, 2, 3};
  const Value a = Value::tensor({3}, three), b = Value::tensor<std::int64_t>({2, 1}, {7, 8}), c = Value::scalar(2.5);
  EXPECT_EQ(static_cast<std::vector<float>>(a.data<float>()), three);
  EXPECT_EQ(b.data<std::int64_t>()[1], 8);
  EXPECT_EQ(b.dims()[0], 2);
  EXPECT_EQ(c.dims().size(), 0u);
  EXPECT_EQ(c.data<double>()[0], 2.5);
  const std::vector<std::int64_t> dims = {3, 1};
  EXPECT_EQ(Value::tensor(dims, three).dims()[0], 3);
  EXPECT_EQ(error_of([&] { a.data<double>(); }), "expected a tensor of float64, found float32[3]");
  EXPECT_EQ(error_of([&] { Value().data<double>(); }), "expected a tensor of float64, found nothing");
  EXPECT_EQ(error_of([&] { Value::tensor({4}, three); }), "float32[4] has 16 bytes, found 12");
  EXPECT_NE(error_of([&] { Value::tensor({-4}, three); }).find("dimension 0 of a shape is -4"), std::string::npos);
  error_of([&] { Value::zeros(ANYRT_FLOAT32, {1 << 30, 1 << 30}); }, ANYRT_RESOURCE_EXHAUSTED);
  EXPECT_NE(error_of([&] { Value::zeros(static_cast<anyrt_dtype>(31), {1}); }).find("no element type 31"),
            std::string::npos);
  Value zeros = Value::zeros(ANYRT_INT32, {0, 3});
  EXPECT_EQ(zeros.size(), 0u);
}

TEST(CValues, ElementsOfATemporaryKeepIt) {
  int released = 0;
  std::vector<float> mine = {1, 2, 3};
  const auto make = [&] {
    return Value::borrow(
        ANYRT_FLOAT32, {3}, mine.data(), 12, [](void* user) { ++*static_cast<int*>(user); }, &released);
  };
  {
    const auto kept = make().data<float>();
    EXPECT_EQ(released, 0);
    EXPECT_EQ(kept.data(), mine.data());
    EXPECT_EQ(kept.size(), 3u);
    EXPECT_EQ(kept[2], 3);
    EXPECT_EQ(static_cast<std::vector<float>>(kept), mine);
    const anyrt::View<const float> view = kept;
    EXPECT_EQ(view.data(), mine.data());
    float sum = 0;
    for (const float x : make().data<float>()) sum += x;
    EXPECT_EQ(sum, 6);
    EXPECT_EQ(released, 1);
  }
  EXPECT_EQ(released, 2);
  static_assert(!std::is_convertible_v<decltype(Value().data<float>()), anyrt::View<const float>>, "would dangle");
}

TEST(CValues, CallersMemoryIsNotCopied) {
  int released = 0;
  std::vector<float> mine = {1, 2, 3, 4};
  const auto release = [](void* user) { ++*static_cast<int*>(user); };
  {
    const Value v = Value::borrow(ANYRT_FLOAT32, {2, 2}, mine.data(), 16, release, &released);
    EXPECT_EQ(v.raw(), mine.data());
    const Value same = v;
    EXPECT_EQ(same.raw(), mine.data());
    mine[3] = 9;
    EXPECT_EQ(same.data<float>()[3], 9);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  EXPECT_NE(
      error_of([&] { Value::borrow(ANYRT_FLOAT32, {5}, mine.data(), 16, release, &released); }, ANYRT_OUT_OF_RANGE)
          .find("needs 20 bytes"),
      std::string::npos);
  EXPECT_EQ(released, 2);
  EXPECT_NE(error_of([&] {
              Value::borrow(ANYRT_FLOAT32, {2}, reinterpret_cast<char*>(mine.data()) + 1, 8, release, &released);
            }).find("not aligned"),
            std::string::npos);
  EXPECT_EQ(released, 3);
  error_of([&] {
    anyrt::check(anyrt_tensor_borrow(ANYRT_FLOAT32, nullptr, 0, mine.data(), 16, release, &released, nullptr));
  });
  EXPECT_EQ(released, 4);
  std::vector<float> given = {5, 6};
  const float* where = given.data();
  const Value held = Value::hold({2}, std::move(given));
  EXPECT_EQ(held.raw(), where);
}

TEST(CValues, NarrowTypesPackAndUnpack) {
  const unsigned char packed[] = {0x21, 0xf8, 0x07};
  const Value v = Value::unpack(ANYRT_INT4, {5}, packed, 3);
  const auto* bytes = static_cast<const signed char*>(v.raw());
  EXPECT_EQ(std::vector<int>(bytes, bytes + 5), (std::vector<int>{1, 2, -8, -1, 7}));
  unsigned char again[3] = {};
  v.pack(again, 3);
  EXPECT_EQ(std::memcmp(again, packed, 3), 0);
  EXPECT_NE(error_of([&] { v.pack(again, 2); }).find("packed has 3 bytes, found 2"), std::string::npos);
  EXPECT_NE(error_of([&] { Value::unpack(ANYRT_FLOAT32, {5}, packed, 3); }).find("not narrower than a byte"),
            std::string::npos);
  const Value two = Value::unpack(ANYRT_UINT2, {4}, packed, 1);
  EXPECT_EQ(static_cast<const unsigned char*>(two.raw())[2], 2);
}

TEST(CValues, Strings) {
  const std::vector<std::string> words = {"a", std::string("b\0c", 3), ""};
  const Value v = Value::strings({3}, words);
  EXPECT_EQ(v.dtype(), ANYRT_STRING);
  EXPECT_EQ(static_cast<std::string>(v.string(1)), words[1]);
  EXPECT_EQ(v.string(2).size(), 0u);
  EXPECT_EQ(v.raw(), nullptr);
  EXPECT_NE(error_of([&] { v.string(3); }, ANYRT_OUT_OF_RANGE).find("no element 3 in string[3]"), std::string::npos);
  EXPECT_EQ(static_cast<std::string>(Value::strings({1, 2}, {"x", "y"}).string(1)), "y");
  EXPECT_NE(error_of([&] { Value::scalar(1.0f).string(0); }).find("expected a tensor of strings, found float32"),
            std::string::npos);
}

TEST(CValues, SequencesMapsOptionalsSparse) {
  const Value a = Value::tensor<float>({1}, {1}), b = Value::tensor<float>({2}, {2, 3});
  const Value s = Value::sequence({a, b});
  EXPECT_EQ(s.kind(), ANYRT_KIND_SEQUENCE);
  EXPECT_EQ(s.count(), 2u);
  EXPECT_EQ(s[1].raw(), b.raw());
  EXPECT_STREQ(s.type().text(), "seq(float32)");
  EXPECT_EQ(error_of([&] { s[2]; }, ANYRT_OUT_OF_RANGE), "there is no element 2 in seq(float32) of 2");
  EXPECT_NE(error_of([&] { Value::sequence({}); }).find("element type must be given"), std::string::npos);
  EXPECT_EQ(Value::sequence({}, anyrt::Type::parse("int64")).count(), 0u);
  EXPECT_NE(error_of([&] { Value::sequence({a, Value::scalar(1)}); }).find("value 1 is int32"), std::string::npos);

  const Value m = Value::map(Value::tensor<std::int64_t>({2}, {9, 4}), {a, b});
  EXPECT_EQ(m.kind(), ANYRT_KIND_MAP);
  EXPECT_EQ(m.count(), 2u);
  EXPECT_EQ(m.keys().data<std::int64_t>()[0], 4);
  EXPECT_EQ(m[0].raw(), b.raw());
  const Value words = Value::map(Value::strings({1}, {"k"}), {a});
  EXPECT_EQ(static_cast<std::string>(words.keys().string(0)), "k");
  EXPECT_EQ(words.type().ref().dtype(), ANYRT_STRING);
  EXPECT_NE(error_of([&] { Value::map(a, {a}); }).find("expected int64[1] or string[1]"), std::string::npos);
  EXPECT_NE(error_of([&] {
              Value::map(Value::tensor<std::int64_t>({2}, {4, 4}), {a, b});
            }).find("key 4 occurs twice"),
            std::string::npos);

  EXPECT_EQ(Value::none().kind(), ANYRT_KIND_NONE);

  const Value sparse = Value::sparse({2, 2}, b, Value::tensor<std::int64_t>({2}, {0, 3}));
  EXPECT_EQ(sparse.kind(), ANYRT_KIND_SPARSE);
  EXPECT_EQ(sparse.dims()[1], 2);
  EXPECT_EQ(static_cast<std::vector<float>>(sparse.to_dense().data<float>()), (std::vector<float>{2, 0, 0, 3}));
  EXPECT_EQ(sparse.sparse_values().raw(), b.raw());
  EXPECT_EQ(sparse.sparse_indices().data<std::int64_t>()[1], 3);
  EXPECT_NE(error_of([&] { Value::sparse({2, 2}, b, a); }).find("do not fit"), std::string::npos);
  EXPECT_NE(error_of([&] { a.to_dense(); }).find("expected a sparse tensor"), std::string::npos);
}

TEST(CValues, Types) {
  const anyrt::Type t = anyrt::Type::parse("optional(seq(float32[N,3,2*N+1,?]))");
  EXPECT_EQ(t.ref().kind(), ANYRT_KIND_OPTIONAL);
  const anyrt::TypeRef e = t.ref().elem().elem();
  EXPECT_EQ(e.kind(), ANYRT_KIND_TENSOR);
  EXPECT_EQ(e.rank(), 4);
  EXPECT_EQ(e.dim(0), -1);
  EXPECT_STREQ(e.symbol(0), "N");
  EXPECT_EQ(e.dim(1), 3);
  EXPECT_STREQ(e.symbol(1), "");
  EXPECT_STREQ(e.symbol(2), "2*N+1");
  EXPECT_EQ(e.dim(3), -1);
  EXPECT_STREQ(e.symbol(3), "");
  EXPECT_EQ(e.elem().kind(), ANYRT_KIND_NONE);
  EXPECT_EQ(anyrt::Type::parse("int8").ref().rank(), -1);
  error_of([] { anyrt::Type::parse("nonsense"); });
  EXPECT_NE(error_of([] { anyrt::Type::parse("int8 and more"); }).find("left over"), std::string::npos);
}

}  // namespace
