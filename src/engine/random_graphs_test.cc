#include <gtest/gtest.h>

#include <random>

#include "engine/session.h"
#include "interp/interp.h"
#include "opdef/inference.h"
#include "opdef/schema.h"
#include "tensor/compare.h"

namespace anyrt {
namespace {

// Small graphs of element-wise nodes, joins and cuts over values [1,C,3]: where buffers are shared, in place, or parts
// of each other, a mistake of the planner shows as a wrong number.
class RandomGraph {
 public:
  explicit RandomGraph(uint32_t seed) : random_(seed) {}

  Model make() {
    values_.push_back(graph_.add_input("x", Type::tensor(DType::kFloat32, SymShape{1, 4, 3})));
    channels_.push_back(4);
    const int count = pick(3, 14);
    for (int i = 0; i < count; ++i) add();
    // Some inner values are outputs too.
    for (size_t k = 1; k < values_.size(); ++k) {
      if (k + 1 == values_.size() || pick(0, 4) == 0) graph_.outputs.push_back(values_[k]);
    }
    Model model;
    model.graph = std::move(graph_);
    model.info.opsets[""] = newest_opset("");
    return model;
  }

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  size_t any() { return static_cast<size_t>(pick(0, static_cast<int>(values_.size()) - 1)); }

  std::vector<ValueId> node(const char* op, std::vector<ValueId> inputs, size_t outputs, int64_t axis = INT64_MIN) {
    Node n;
    n.op = op;
    n.inputs = std::move(inputs);
    for (size_t k = 0; k < outputs; ++k) n.outputs.push_back(graph_.add_value(""));
    if (axis != INT64_MIN) n.set_attr("axis", AttrValue(axis));
    if (n.op == "Split") n.set_attr("num_outputs", AttrValue(static_cast<int64_t>(outputs)));
    const std::vector<ValueId> out = n.outputs;
    graph_.add_node(std::move(n));
    return out;
  }
  void keep(ValueId v, int64_t channels) {
    values_.push_back(v);
    channels_.push_back(channels);
  }

  void add() {
    const size_t a = any();
    switch (pick(0, 6)) {
      case 0: return keep(node("Relu", {values_[a]}, 1)[0], channels_[a]);
      case 1: return keep(node("Neg", {values_[a]}, 1)[0], channels_[a]);
      case 2: {
        const size_t b = any();
        if (channels_[a] != channels_[b]) return;
        return keep(node("Add", {values_[a], values_[b]}, 1)[0], channels_[a]);
      }
      case 3: {
        std::vector<ValueId> parts;
        int64_t total = 0;
        for (int k = pick(2, 4); k > 0; --k) {
          const size_t p = any();
          parts.push_back(values_[p]);
          total += channels_[p];
        }
        if (total > 60) return;
        return keep(node("Concat", std::move(parts), 1, 1)[0], total);
      }
      case 4: {
        if (channels_[a] < 2) return;
        const std::vector<ValueId> out = node("Split", {values_[a]}, 2, 1);
        keep(out[0], (channels_[a] + 1) / 2);
        keep(out[1], channels_[a] - (channels_[a] + 1) / 2);
        return;
      }
      case 5: {
        const int64_t from = pick(0, static_cast<int>(channels_[a]) - 1), to = pick(static_cast<int>(from), 70);
        const auto ints = [&](int64_t v) { return graph_.add_constant("", Tensor::int64s({v})); };
        const ValueId out = node("Slice", {values_[a], ints(from), ints(to), ints(1)}, 1)[0];
        const int64_t left = std::min(to, channels_[a]) - from;
        if (left > 0) keep(out, left);
        return;
      }
      default: {
        const ValueId shape = graph_.add_constant("", Tensor::int64s({1, channels_[a] * 3, 1}));
        const ValueId back = graph_.add_constant("", Tensor::int64s({1, channels_[a], 3}));
        return keep(node("Reshape", {node("Reshape", {values_[a], shape}, 1)[0], back}, 1)[0], channels_[a]);
      }
    }
  }

  std::mt19937 random_;
  Graph graph_;
  std::vector<ValueId> values_;
  std::vector<int64_t> channels_;
};

TEST(RandomGraphs, PlanAgreesWithTheReference) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Model model = RandomGraph(seed).make();
    for (const NodeId id : std::vector<NodeId>(model.graph.order())) {
      Node& n = model.graph.node(id);
      ASSERT_TRUE(resolve_op(n).ok());
      ASSERT_TRUE(normalize_node(model.graph, id).ok());
    }
    ASSERT_TRUE(infer_types(model.graph).ok());
    Tensor x = *Tensor::make(DType::kFloat32, {1, 4, 3});
    for (int k = 0; k < 12; ++k) x.mutable_data<float>()[k] = static_cast<float>(k) - 5.5f;
    const auto want = interpret(model.graph, {Value(x)});
    ASSERT_TRUE(want.ok()) << want.status().message();
    for (const bool optimize : {false, true}) {
      Model copy = model;
      SessionOptions options;
      options.optimize = optimize;
      const auto session = Session::from_model(std::move(copy), options);
      ASSERT_TRUE(session.ok()) << session.status().message();
      for (int again = 0; again < 2; ++again) {
        const auto got = (*session)->run({Value(x)});
        ASSERT_TRUE(got.ok()) << got.status().message();
        ASSERT_EQ(got->size(), want->size());
        for (size_t k = 0; k < want->size(); ++k) {
          const Comparison c = compare_values((*got)[k], (*want)[k], {0, 0});
          ASSERT_TRUE(c.equal) << "output " << k << ": " << c.message << "\n" << (*session)->explain();
        }
      }
    }
  }
}

}  // namespace
}  // namespace anyrt
