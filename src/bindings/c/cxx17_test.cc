// Compiled with -std=c++17 -pedantic -Werror; the other files with the language of the tree.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "anyrt/anyrt.hpp"
#include "bindings/c/test_models.h"

static_assert(__cplusplus == 201703L);

namespace {

TEST(CHeaders, Cxx17ProgramRuns) {
  const std::string model = test_models::add_model();
  anyrt::Session session = anyrt::Session::from_bytes(model.data(), model.size());
  const std::vector<float> data = {3, 4};
  const anyrt::Value x = anyrt::Value::tensor({1, 2}, data);
  const std::vector<float> y = session.run({{"x", x}}, {"y"})[0].data<float>();
  EXPECT_EQ(y, (std::vector<float>{4, 6}));
  std::future<anyrt::Values> later = session.run_async<std::promise>({}, {{"x", x}}, {"z"});
  EXPECT_EQ(later.get()[0].data<float>()[1], -4);
}

}  // namespace
