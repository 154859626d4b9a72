#include <gtest/gtest.h>

#include "bindings/c/test_models.h"

extern "C" int c99_run_model(const void* model, size_t size);

namespace {

TEST(CHeaders, C99ProgramRuns) {
  const std::string model = test_models::add_model();
  EXPECT_EQ(c99_run_model(model.data(), model.size()), 0);
}

}  // namespace
