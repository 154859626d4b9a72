#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Einsum, TwoOperands) {
  for (const char* type : {"f32", "f64"}) {
    for (const char* line : {"ij,jk->ik|5,7|7,9",
                             "ij,jk|5,7|7,9",
                             "bij,bjk->bik|3,5,7|3,7,4",
                             "bqhd,bkhd->bhqk|2,6,3,8|2,5,3,8",
                             "bhqk,bkhd->bqhd|2,3,6,5|2,5,3,8",
                             "ij,jk->ki|5,7|7,9",
                             "i,j->ij|5|6",
                             "i,i->|9|9",
                             "ij,ij->|4,5|4,5",
                             "ij,ij->i|4,5|4,5",
                             "ij,ij->ij|4,5|4,5",
                             "abc,cd->abd|3,4,5|5,6",
                             "abc,cd->dab|3,4,5|5,6",
                             "abcd,cdef->abef|2,3,4,5|4,5,2,3",
                             "abcd,dcef->abef|2,3,4,5|5,4,2,3",
                             "abcd,bdef->acef|2,3,4,5|3,5,2,3",
                             "bhwc,hkc->bhwk|2,3,4,5|3,6,5",
                             "bhwc,wkc->bhwk|2,3,4,5|4,6,5",
                             "ia,ja->ija|3,4|5,4",
                             "ai,aj->jai|3,4|3,5",
                             "...ij,...jk->...ik|2,3,4,5|2,3,5,6",
                             "ij,j->i|4,5|5",
                             "j,ij->i|5|4,5",
                             ",ij->ij||3,4",
                             "ij,->ij|3,4|",
                             "i,jk->kij|3|4,5",
                             "abi,abj->bij|1,3,4|1,3,5",
                             "abk,cbk->acb|3,4,5|2,4,5"}) {
      std::string parts[3], text = line;
      for (size_t i = 0, at = 0; i < 3; ++i) {
        const size_t end = std::min(text.find('|', at), text.size());
        parts[i] = text.substr(at, end - at);
        at = end + 1;
      }
      EXPECT_TRUE(check_kernel({.op = "Einsum", .kernel = "einsum"},
                               fmt::format("equation=\"{0}\" : {1}[{2}]{{rand:1}}, {1}[{3}]{{rand:2}} -> ?", parts[0],
                                           type, parts[1], parts[2])))
          << line;
    }
  }
}

TEST(Einsum, OneOperandAndRefused) {
  const KernelCheck check = {.op = "Einsum", .kernel = "einsum"};
  EXPECT_TRUE(check_kernel(check, "equation=\"ij->ji\" : i64[3,4]{rand:1} -> ?"));
  EXPECT_TRUE(check_kernel(check, "equation=\"ii->i\" : f16[4,4]{rand:1} -> ?"));
  EXPECT_TRUE(check_kernel(check, "equation=\"b...j->j...b\" : u8[2,3,4,5]{rand:1} -> ?"));
  EXPECT_FALSE(check_kernel(check, "equation=\"ij->i\" : f32[3,4]{rand:1} -> ?"));
  EXPECT_FALSE(check_kernel(check, "equation=\"ij,jk->k\" : f32[3,4]{rand:1}, f32[4,2]{rand:2} -> ?"));
  EXPECT_FALSE(check_kernel(check, "equation=\"ii,ij->j\" : f32[3,3]{rand:1}, f32[3,2]{rand:2} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
