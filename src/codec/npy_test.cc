#include "codec/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string file_v1(std::string_view dict, std::string_view data) {
  std::string out("\x93NUMPY\x01\x00", 8);
  append_le(out, static_cast<uint16_t>(dict.size()));
  return out.append(dict).append(data);
}

std::string dict(std::string_view descr, std::string_view shape, bool fortran = false) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", descr, fortran ? "True" : "False",
                     shape);
}

Tensor decoded(const std::string& file, const NpyOptions& options = {}) {
  auto t = decode_npy(as_bytes(file), options);
  EXPECT_TRUE(t.ok()) << t.status().to_string();
  return t.ok() ? *t : Tensor();
}

std::string error_of(const std::string& file) {
  auto t = decode_npy(as_bytes(file));
  EXPECT_FALSE(t.ok());
  return t.status().message();
}

template <class T>
std::vector<T> elements(const Tensor& t) {
  return {t.span<T>().begin(), t.span<T>().end()};
}

TEST(Npy, ReadsBothByteOrders) {
  const Tensor little = decoded(file_v1(dict("<i4", "(2,)"), std::string_view("\1\0\0\0\0\1\0\0", 8)));
  EXPECT_THAT(elements<int32_t>(little), ElementsAre(1, 256));
  const Tensor big = decoded(file_v1(dict(">i4", "(2,)"), std::string_view("\0\0\0\1\0\0\1\0", 8)));
  EXPECT_THAT(elements<int32_t>(big), ElementsAre(1, 256));
  const Tensor scalar = decoded(file_v1(dict(">u2", "()"), "\x01\x02"));
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_THAT(elements<uint16_t>(scalar), ElementsAre(0x0102));
  const Tensor complex = decoded(file_v1(dict(">c8", "(1,)"), std::string_view("\x3f\x80\0\0\x40\0\0\0", 8)));
  EXPECT_EQ(complex.data<Complex64>()->re, 1.0f);
  EXPECT_EQ(complex.data<Complex64>()->im, 2.0f);
}

TEST(Npy, ReadsFortranOrder) {
  const Tensor t = decoded(file_v1(dict("|u1", "(2, 3)", true), "\1\2\3\4\5\6"));
  EXPECT_THAT(t.dims(), ElementsAre(2, 3));
  EXPECT_THAT(elements<uint8_t>(t), ElementsAre(1, 3, 5, 2, 4, 6));
  const Tensor cube = decoded(file_v1(dict("|i1", "(2, 1, 2)", true), "\1\2\3\4"));
  EXPECT_THAT(elements<int8_t>(cube), ElementsAre(1, 3, 2, 4));
}

TEST(Npy, ReadsStrings) {
  const Tensor bytes = decoded(file_v1(dict("|S3", "(2,)"), std::string_view("ab\0xyz", 6)));
  EXPECT_THAT(elements<std::string>(bytes), ElementsAre("ab", "xyz"));
  const Tensor wide = decoded(file_v1(dict("<U2", "(1,)"), std::string_view("\xac\x20\0\0\0\0\0\0", 8)));
  EXPECT_THAT(elements<std::string>(wide), ElementsAre("\xe2\x82\xac"));
  const Tensor swapped = decoded(file_v1(dict(">U1", "(1,)"), std::string_view("\0\0\0A", 4)));
  EXPECT_THAT(elements<std::string>(swapped), ElementsAre("A"));
  EXPECT_THAT(error_of(file_v1(dict("<U1", "(1,)"), std::string_view("\0\xd8\0\0", 4))), HasSubstr("not a Unicode"));
}

TEST(Npy, BoolsBecomeZeroOrOne) {
  const Tensor t = decoded(file_v1(dict("|b1", "(3,)"), std::string_view("\0\1\7", 3)));
  EXPECT_THAT(elements<bool>(t), ElementsAre(false, true, true));
  EXPECT_EQ(static_cast<int>(t.raw()[2]), 1);
}

TEST(Npy, OneByteTypesNeedAName) {
  const std::string file = file_v1(dict("<V1", "(2,)"), "\x0f\x07");
  EXPECT_THAT(error_of(file), HasSubstr("name the element type"));
  const Tensor t = decoded(file, {.one_byte = DType::kInt4});
  EXPECT_EQ(t.dtype(), DType::kInt4);
  EXPECT_EQ(t.data<Int4>()[0].value, -1);
  EXPECT_EQ(t.data<Int4>()[1].value, 7);
  EXPECT_EQ(decoded(file_v1(dict("<V2", "(1,)"), "\x80\x3f")).dtype(), DType::kBFloat16);
  EXPECT_EQ(decoded(file_v1(dict("bfloat16", "(1,)"), "\x80\x3f")).dtype(), DType::kBFloat16);
}

TEST(Npy, ReadsOtherVersionsAndOldSpellings) {
  const std::string d = "{\"shape\": (2L,), 'fortran_order': False, 'descr': '|u1'}";
  std::string v2("\x93NUMPY\x02\x00", 8);
  append_le(v2, static_cast<uint32_t>(d.size()));
  EXPECT_THAT(elements<uint8_t>(decoded(v2 + d + "\5\6")), ElementsAre(5, 6));
  v2[6] = 3;
  EXPECT_THAT(elements<uint8_t>(decoded(v2 + d + "\5\6")), ElementsAre(5, 6));
  v2[6] = 4;
  EXPECT_THAT(error_of(v2 + d + "\5\6"), HasSubstr("version 4.0"));
}

TEST(Npy, RefusesWhatItCannotHold) {
  EXPECT_THAT(error_of(file_v1(dict("|O", "(1,)"), "x")), HasSubstr("pickled Python objects"));
  EXPECT_THAT(error_of(file_v1("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234")),
              HasSubstr("structured dtype"));
  EXPECT_THAT(error_of(file_v1(dict("<M8[ns]", "(1,)"), "12345678")), HasSubstr("dates or times"));
  EXPECT_THAT(error_of(file_v1(dict("<f16", "()"), "1234567890123456")), HasSubstr("'<f16'"));
}

TEST(Npy, RefusesHostileHeaders) {
  EXPECT_THAT(error_of("hello, world"), HasSubstr("not an .npy file"));
  EXPECT_THAT(error_of(std::string("\x93NUMPY\x01\x00\xff\xff{", 11)), HasSubstr("the file ends"));
  EXPECT_THAT(error_of(file_v1(dict("<f4", "(1000000000000,)"), "1234")), HasSubstr("does not match the 4 bytes"));
  EXPECT_THAT(error_of(file_v1(dict("<f4", "(-1,)"), "1234")), HasSubstr("negative dimension -1"));
  error_of(file_v1(dict("<f4", "(4611686018427387904, 4)"), ""));
  error_of(file_v1(dict("<f4", "(99999999999999999999,)"), ""));
  EXPECT_THAT(error_of(file_v1(dict("<f4", "(1,)"), "12345")), HasSubstr("does not match the 5 bytes"));
  error_of(file_v1(dict("|S0", "(1000000000000,)"), ""));
  error_of(file_v1(dict("<?16", "(1,)"), "0123456789abcdef"));
  error_of(file_v1(dict("<U4611686018427387905", "(1,)"), "1234"));
  error_of(file_v1("{'descr': '<f4', 'shape': (1,), }", "1234"));
  error_of(file_v1("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "1234"));
  error_of(file_v1("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), ", "1234"));
  error_of(file_v1("{'descr': '<f4", "1234"));
}

TEST(Npy, RoundTripsEveryType) {
  for (int d = 1; d < kDTypeCount; ++d) {
    const auto dtype = static_cast<DType>(d);
    auto t = Tensor::zeros(dtype, {2, 0 + 3});
    ASSERT_TRUE(t.ok());
    if (dtype == DType::kString) {
      t->mutable_data<std::string>()[1] = "a\xc3\xa9\xf0\x9f\x98\x80";
    } else {
      t->mutable_raw()[element_size(dtype)] = std::byte{1};
    }
    auto file = encode_npy(*t);
    ASSERT_TRUE(file.ok()) << file.status().to_string();
    auto back = decode_npy(as_bytes(*file), {.one_byte = dtype});
    ASSERT_TRUE(back.ok()) << dtype_name(dtype) << ": " << back.status().to_string();
    EXPECT_TRUE(identical(*t, *back)) << dtype_name(dtype);
  }
}

TEST(Npy, WritesWhatNumpyWrites) {
  auto t = Tensor::zeros(DType::kFloat32, {3});
  const std::string file = *encode_npy(*t);
  EXPECT_EQ(file.size(), 128u + 12u);
  EXPECT_EQ(file.substr(10, 61), "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }    ");
  EXPECT_EQ(file[127], '\n');
  EXPECT_EQ(*encode_npy(Tensor::scalar<int64_t>(7)), *encode_npy(Tensor::scalar<int64_t>(7)));
}

TEST(Npy, ViewsAlignedFilesWithoutCopy) {
  auto t = Tensor::zeros(DType::kFloat64, {4});
  const std::string text = *encode_npy(*t);
  auto buffer = allocate_buffer(text.size());
  ASSERT_TRUE(buffer.ok());
  std::memcpy((*buffer)->data(), text.data(), text.size());
  auto view = decode_npy(*buffer);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->raw(), (*buffer)->data() + 128);
  auto copy = decode_npy(Bytes((*buffer)->data(), (*buffer)->size()));
  ASSERT_TRUE(copy.ok());
  EXPECT_NE(copy->raw(), (*buffer)->data() + 128);
}

TEST(Npy, StringsKeepTheirBytes) {
  Tensor t = Tensor::string_scalar("\xff");
  EXPECT_THAT(*encode_npy(t), HasSubstr("|S1"));
  EXPECT_THAT(elements<std::string>(decoded(*encode_npy(t))), ElementsAre("\xff"));
  t = Tensor::string_scalar(std::string("a\0", 2));
  EXPECT_THAT(encode_npy(t).status().message(), HasSubstr("ends with a NUL"));
}

TEST(Npy, FilesNameThemselvesInErrors) {
  const std::string path = testing::TempDir() + "npy_test.npy";
  ASSERT_TRUE(write_npy(path, Tensor::scalar(1.5f)).ok());
  auto back = read_npy(path);
  ASSERT_TRUE(back.ok()) << back.status().to_string();
  EXPECT_EQ(*back->data<float>(), 1.5f);
  EXPECT_FALSE(write_npy(path, Tensor::string_scalar(std::string(1, '\0'))).ok());
  EXPECT_EQ(*read_npy(path)->data<float>(), 1.5f);
  unlink(path.c_str());
  EXPECT_THAT(read_npy("/no/such.npy").status().message(), HasSubstr("/no/such.npy"));
}

}  // namespace
}  // namespace anyrt
