#include <gtest/gtest.h>

#include "engine/session.h"
#include "graph/text.h"
#include "opdef/opdef.h"
#include "opdef/schema.h"
#include "tensor/compare.h"
#include "tensor/literal.h"

// Quantised networks, all passes and kernels against the reference: steps of the quantised result must be met.

namespace anyrt {
namespace {

std::unique_ptr<Session> session_of(std::string_view text, bool reference, Accuracy accuracy) {
  Expected<Model> model = parse_model(text);
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return nullptr;
  for (const OpDef* op : all_ops()) model->info.opsets[op->domain] = newest_opset(op->domain);
  SessionOptions options;
  options.use_interpreter = reference;
  options.accuracy = accuracy;
  Expected<std::unique_ptr<Session>> s = Session::from_model(std::move(*model), options);
  EXPECT_TRUE(s.ok()) << s.status().message();
  return s.ok() ? std::move(*s) : nullptr;
}

void expect_exact(std::string_view text, const std::vector<std::string>& inputs) {
  SCOPED_TRACE(std::string(text));
  std::vector<Value> given;
  for (std::string_view literal : inputs) given.emplace_back(*parse_tensor(literal));
  for (const Accuracy accuracy : {Accuracy::kStrict, Accuracy::kDefault}) {
    const auto oracle = session_of(text, true, accuracy), session = session_of(text, false, accuracy);
    ASSERT_TRUE(oracle && session);
    const auto want = oracle->run(given), got = session->run(given);
    ASSERT_TRUE(want.ok() && got.ok()) << want.status().message() << got.status().message();
    for (size_t i = 0; i < want->size(); ++i) {
      const Comparison c = compare_values((*got)[i], (*want)[i], Tolerance{0, 0});
      EXPECT_TRUE(c.equal) << c.message;
    }
  }
}

constexpr std::string_view kScales = R"(
  s = f32[]{0.0713}
  t = f32[]{0.0533}
  u = f32[]{0.0917}
  p = u8[]{117}
  q = u8[]{131}
  r = u8[]{125})";

TEST(Quantized, Sums) {
  expect_exact(fmt::format("graph (a u8[1,32,14,14], b u8[1,32,14,14]) -> (y) {{ {}\n"
                           "y = com.microsoft.QLinearAdd(a, s, p, b, t, q, u, r) }}",
                           kScales),
               {"u8[1,32,14,14]{rand:1}", "u8[1,32,14,14]{rand:2}"});
}

TEST(Quantized, Residuals) {
  expect_exact(fmt::format(R"(graph (x u8[1,16,15,13]) -> (y) {{ {}
    w = i8[32,16,1,1]{{rand:1}}
    d = i8[32,1,3,3]{{rand:2}}
    e = i8[16,32,1,1]{{rand:3}}
    ws = f32[]{{0.02}}
    wz = i8[]{{0}}
    ds = f32[32]{{rand:4}}
    b = i32[32]{{rand:5}}
    a1 = QLinearConv(x, s, p, w, ws, wz, t, q, b)
    a2 = QLinearConv(a1, t, q, d, ds, wz, u, r, b) group=32 pads=[1,1,1,1]
    a3 = QLinearConv(a2, u, r, e, ws, wz, t, q)
    a4 = com.microsoft.QLinearAdd(x, s, p, a3, t, q, u, r)
    y = QLinearConv(a4, u, r, w, ws, wz, s, p)
  }})",
                           kScales),
               {"u8[1,16,15,13]{rand:1}"});
}

TEST(Quantized, PoolAndProduct) {
  expect_exact(fmt::format(R"(graph (x f32[2,16,9,9]) -> (y, g) {{ {}
    w = i8[40,16]{{rand:1}}
    ws = f32[]{{0.02}}
    wz = i8[]{{0}}
    a = QuantizeLinear(x, s, p)
    g = com.microsoft.QLinearGlobalAveragePool(a, s, p, t, q)
    f = Flatten(g)
    y = com.microsoft.QGemm(f, t, q, w, ws, wz, _, u, r) transB=1
  }})",
                           kScales),
               {"f32[2,16,9,9]{rand:1}"});
}

}  // namespace
}  // namespace anyrt
