#include <gtest/gtest.h>

#include "interp/interp.h"
#include "opdef/cases.h"
#include "opdef/inference.h"
#include "opdef/schema.h"
#include "opdef/shape_util.h"

// Inference must hold for every case when it knows less than everything: symbols for the dims of inputs, small integer
// inputs constant or not, no types at all. What it claims then is checked against the run.

namespace anyrt {
namespace {

enum class Knowledge { kSymbols, kSymbolsAndConstants, kNothing };

struct Claim {
  Type type;
  std::optional<SymShape> elements;
};

// A small integer tensor that models usually hold as a constant.
bool is_parameter(const Value& v) {
  return v.is_tensor() && is_int(v.tensor().dtype()) && v.tensor().rank() <= 1 && v.tensor().size() <= 64;
}

Expected<std::vector<Claim>> infer_case(const OpDef& def, const OpCase& one, Knowledge knowledge,
                                        Dim::Bindings& bindings) {
  Graph g;
  Node node = case_node(def, one);
  for (size_t i = 0; i < one.inputs.size(); ++i) {
    const Value& v = one.inputs[i];
    if (v.empty()) {
      node.inputs.push_back(kNoValue);
    } else if (knowledge == Knowledge::kSymbolsAndConstants && is_parameter(v)) {
      node.inputs.push_back(g.add_constant("", v.tensor()));
    } else if (knowledge == Knowledge::kNothing) {
      node.inputs.push_back(g.add_input("", Type()));
    } else {
      Type type = v.type();
      for (size_t k = 0; type.is_tensor() && k < type.shape->size(); ++k) {
        const std::string symbol = fmt::format("in{}_{}", i, k);
        bindings[symbol] = (*type.shape)[k].value();
        (*type.shape)[k] = Dim::symbol(symbol);
      }
      node.inputs.push_back(g.add_input("", type));
    }
  }
  const size_t count = case_output_count(def, one);
  for (size_t i = 0; i < count; ++i) {
    node.outputs.push_back(g.add_value(""));
    g.outputs.push_back(node.outputs.back());
  }
  const NodeId id = g.add_node(std::move(node));
  ANYRT_TRY(normalize_node(g, id));
  ANYRT_TRY(infer_types(g));
  std::vector<Claim> claims;
  for (ValueId v : g.outputs) claims.push_back({g.value(v).type, g.value(v).known_elements});
  return claims;
}

// Empty when the claim is true of the value.
std::string contradiction(const Claim& claim, const Value& found, const Dim::Bindings& bindings) {
  const Type& type = claim.type;
  if (!found.is_tensor() || !type.is_tensor()) return "";
  const Tensor& t = found.tensor();
  if (type.dtype != DType::kUndefined && type.dtype != t.dtype()) return "element type " + type.to_string();
  if (type.shape) {
    if (type.shape->size() != t.dims().size()) return "rank of " + type.to_string();
    for (size_t k = 0; k < t.dims().size(); ++k) {
      const auto d = (*type.shape)[k].evaluate(bindings);
      if (d && *d != t.dims()[k]) return fmt::format("dim {} of {}, which is {}", k, type.to_string(), *d);
    }
  }
  if (claim.elements && is_int(t.dtype())) {
    const auto values = to_int64s(t);
    if (!values.ok() || values->size() != claim.elements->size()) return "number of known elements";
    for (size_t k = 0; k < values->size(); ++k) {
      const auto e = (*claim.elements)[k].evaluate(bindings);
      if (e && *e != (*values)[k]) return fmt::format("element {}: {}", k, (*claim.elements)[k].to_string());
    }
  }
  return "";
}

TEST(OpSymbolic, BroadcastOfCutTables) {
  const auto joined = [](const char* a, const char* b) {
    const auto s = broadcast_shapes({*Dim::parse(a)}, {*Dim::parse(b)});
    return s.ok() ? (*s)[0].to_string() : s.status().message();
  };
  EXPECT_EQ(joined("n", "min(512,n)"), "n");
  EXPECT_EQ(joined("min(512,2*n+1)", "2*n+1"), "2*n+1");
  EXPECT_EQ(joined("min(1,n)", "n"), "?");
  EXPECT_EQ(joined("min(512,n)", "m"), "?");
  EXPECT_EQ(joined("min(m,n)", "n"), "?");
  EXPECT_EQ(joined("n", "m"), "?");
}

TEST(OpSymbolic, InferenceHoldsForEveryCase) {
  for (const OpDef* def : all_ops()) {
    const auto cases = parse_cases(def->cases ? def->cases : "");
    ASSERT_TRUE(cases.ok()) << def->name;
    for (size_t i = 0; i < cases->size(); ++i) {
      const OpCase& one = (*cases)[i];
      if (!one.expected_error.empty() || (def->flags & kRandom)) continue;
      Node node = case_node(*def, one);
      node.def = def;
      fill_attr_defaults(node);
      for (const Value& v : one.inputs) node.inputs.push_back(v.empty() ? kNoValue : ValueId(0));
      node.outputs.assign(case_output_count(*def, one), ValueId(0));
      const auto found = interpret_node(node, one.inputs);
      ASSERT_TRUE(found.ok()) << def->name << " case " << i << ": " << found.status().message();
      for (Knowledge k : {Knowledge::kSymbols, Knowledge::kSymbolsAndConstants, Knowledge::kNothing}) {
        Dim::Bindings bindings;
        const auto claims = infer_case(*def, one, k, bindings);
        EXPECT_TRUE(claims.ok()) << def->name << " case " << i << ", knowledge " << static_cast<int>(k) << ": "
                                 << claims.status().message();
        for (size_t o = 0; claims.ok() && o < found->size(); ++o) {
          EXPECT_EQ(contradiction((*claims)[o], (*found)[o], bindings), "")
              << def->name << " case " << i << ", output " << o << ", knowledge " << static_cast<int>(k) << ", found "
              << (*found)[o].type_string();
        }
      }
    }
  }
}

}  // namespace
}  // namespace anyrt
