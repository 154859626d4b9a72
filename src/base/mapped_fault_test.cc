#include "base/mapped_fault.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/mmap.h"

namespace anyrt {
namespace {

TEST(MappedFault, AFileCutShortEndsTheProgramWithItsName) {
  const std::string path = testing::TempDir() + "cut_short.bin";
  const auto cut_and_read = [&] {
    exit_on_lost_mapping(4);
    std::ofstream(path) << std::string(100000, 'x');
    const auto mapped = MappedFile::open(path);
    if (!mapped.ok() || ::truncate(path.c_str(), 0) != 0) return;
    volatile std::byte last = mapped->data()[mapped->size() - 1];
    (void)last;
  };
  EXPECT_EXIT(cut_and_read(), testing::ExitedWithCode(4), "cut_short.bin became shorter");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace anyrt
