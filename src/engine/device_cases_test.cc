#include <gtest/gtest.h>

#include "engine/session.h"
#include "interp/case_graph.h"
#include "interp/interp.h"
#include "opdef/cases.h"
#include "opdef/inference.h"
#include "opdef/schema.h"
#include "tensor/compare.h"

namespace anyrt {
namespace {

// The results in memory of the caller's that is aligned for the element type and no more, with marked bytes around it.
void run_into(const Session& session, const std::vector<Value>& inputs, const std::vector<Value>& want,
              const std::string& label, size_t& direct) {
  constexpr size_t kGuard = 128;
  constexpr std::byte kMark{0xa5};
  RunOptions run;
  run.into.resize(want.size());
  std::vector<std::vector<std::byte>> memory(want.size());
  for (size_t k = 0; k < want.size(); ++k) {
    if (!want[k].is_tensor() || want[k].tensor().dtype() == DType::kString) continue;
    const Tensor& t = want[k].tensor();
    memory[k].assign(t.bytes() + 2 * kGuard + 64, kMark);
    // One element behind a multiple of 64.
    const size_t begin = kGuard - reinterpret_cast<uintptr_t>(memory[k].data()) % 64 + element_size(t.dtype());
    auto view =
        Tensor::view(t.dtype(), t.dims(), borrow_buffer(memory[k].data(), memory[k].size(), nullptr, false), begin);
    ASSERT_TRUE(view.ok()) << label << ": " << view.status().message();
    run.into[k] = *view;
  }
  const auto got = session.run(inputs, run);
  ASSERT_TRUE(got.ok()) << label << ": " << got.status().message();
  for (size_t k = 0; k < want.size(); ++k) {
    const Comparison c = compare_values((*got)[k], want[k], {1e-6, 1e-7});
    EXPECT_TRUE(c.equal) << label << " output " << k << " in the caller's memory: " << c.message;
    if (!run.into[k].defined() || run.into[k].size() == 0) continue;
    const std::byte* begin = run.into[k].raw();
    if ((*got)[k].tensor().raw() != begin) continue;
    ++direct;
    bool kept = true;
    for (const std::byte& b : memory[k]) {
      if (&b < begin || &b >= begin + run.into[k].bytes()) kept = kept && b == kMark;
    }
    EXPECT_TRUE(kept) << label << " output " << k << ": bytes beside it were written";
  }
}

// Every case of every operator on a device, against the reference: what a kernel, the planner or a copy gets wrong
// shows here.
void run_all_cases(const char* device, bool into = false) {
  size_t count = 0, direct = 0;
  for (const OpDef* def : all_ops()) {
    if (!def->cases || (def->flags & kRandom)) continue;
    const auto cases = parse_cases(def->cases);
    ASSERT_TRUE(cases.ok()) << def->name;
    for (size_t i = 0; i < cases->size(); ++i) {
      const OpCase& one = (*cases)[i];
      if (!one.expected_error.empty()) continue;
      CaseGraph made = make_case_graph(*def, one);
      if (!normalize_node(made.graph, made.node).ok() || !infer_types(made.graph).ok()) continue;
      const auto want = interpret(made.graph, made.inputs);
      if (!want.ok()) continue;
      Model model;
      model.graph = made.graph;
      for (const OpDef* known : all_ops()) model.info.opsets[known->domain] = 1 << 20;
      model.info.opsets[""] = newest_opset("");
      SessionOptions options;
      options.device = device;
      const auto session = Session::from_model(std::move(model), options);
      ASSERT_TRUE(session.ok()) << def->name << " case " << i << ": " << session.status().message();
      const auto got = (*session)->run(made.inputs);
      ASSERT_TRUE(got.ok()) << def->name << " case " << i << ": " << got.status().message();
      ASSERT_EQ(got->size(), want->size());
      for (size_t k = 0; k < want->size(); ++k) {
        const Comparison c = compare_values((*got)[k], (*want)[k], {1e-5, 1e-6});
        EXPECT_TRUE(c.equal) << device << ": " << def->name << " case " << i << " output " << k << ": " << c.message;
      }
      if (into) run_into(**session, made.inputs, *got, std::string(def->name) + " case " + std::to_string(i), direct);
      ++count;
    }
  }
  EXPECT_GT(count, 500u);
  if (into) {
    EXPECT_GT(direct, count / 2);
  }
}

TEST(DeviceCases, Cpu) { run_all_cases("cpu", true); }
TEST(DeviceCases, Loopback) { run_all_cases("loopback"); }

}  // namespace
}  // namespace anyrt
