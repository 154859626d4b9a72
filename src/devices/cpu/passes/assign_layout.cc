#include <algorithm>
#include <cstring>
#include <map>

#include "devices/cpu/passes/passes.h"
#include "devices/cpu/passes/phase_conv.h"
#include "opdef/attrs.h"
#include "opdef/blocked.h"

namespace anyrt::cpu {
namespace {

constexpr int64_t kFewChannels = 4;   // of an input that convolutions read as it lies
constexpr int64_t kLeastOutputs = 4;  // fewer would fill too little of a block

// Element-wise operators of one input that keep zeros, so that lanes without a channel stay zero.
constexpr std::string_view kZeroKeeping[] = {"Abs",  "Celu",     "Elu",   "Erf",   "Gelu",  "HardSwish", "LeakyRelu",
                                             "Mish", "Neg",      "Relu",  "Selu",  "Swish", "Softsign",  "Sqrt",
                                             "Tanh", "Identity", "Round", "Floor", "Ceil",  "Sign"};
constexpr std::string_view kOther[] = {"Sigmoid", "HardSigmoid", "Exp", "Softplus", "Reciprocal"};

Tensor int64s(const std::vector<int64_t>& v) {
  Expected<Tensor> t = Tensor::make(DType::kInt64, {static_cast<int64_t>(v.size())});
  std::copy(v.begin(), v.end(), t->mutable_data<int64_t>());
  return std::move(*t);
}

class LayoutPass {
 public:
  LayoutPass(Graph& graph, const PassSetup& setup) : graph_(graph), block_(setup.block) {}

  Status visit(NodeId id, bool& changed) {
    const Node& node = graph_.node(id);
    changed = false;
    if (node.inputs.empty() || node.outputs.empty() || dtype_of_value(graph_, node.outputs[0]) != DType::kFloat32)
      return {};
    Rewrite rewrite(graph_, id);
    rewrite_ = &rewrite;
    added_.clear();
    if (node.op == "Transpose" && node.domain.empty() && has_twin(node.inputs[0]) && moves_channels_last(node)) {
      const int64_t channels = channels_of(node.inputs[0]);
      rewrite.replace(node.outputs[0], rewrite.add("anyrt", "UnblockChannels", {twin_[node.inputs[0]]},
                                                   {{"channels", channels}, {"channels_last", int64_t{1}}}, 1)[0]);
      changed = true;
      return rewrite.apply();
    }
    std::vector<ValueId> results = convolve(node);
    if (results.empty()) results = convolve_transposed(node);
    if (results.empty()) results = follow(node);
    if (results.empty()) return {};
    std::vector<ValueId> plain;
    for (size_t i = 0; i < results.size(); ++i) {
      const int64_t channels = channels_of(node.outputs[i]);
      plain.push_back(rewrite.add("anyrt", "UnblockChannels", {results[i]}, {{"channels", channels}}, 1)[0]);
      rewrite.replace(node.outputs[i], plain.back());
    }
    const Status status = rewrite.apply();
    if (!status.ok()) return status;
    for (const auto& [from, to] : added_) twin_[from] = to;
    for (size_t i = 0; i < results.size(); ++i) twin_[plain[i]] = results[i];
    changed = true;
    return {};
  }

 private:
  // 0 where it is not known.
  int64_t channels_of(ValueId v) const {
    const SymShape* s = shape_of(graph_, v);
    return s && s->size() >= 3 && (*s)[1].is_const() ? (*s)[1].value() : 0;
  }
  bool has_twin(ValueId v) const { return v != kNoValue && twin_.contains(v); }
  // The blocked form of a value; made when there is none.
  ValueId blocked(ValueId v) {
    if (const auto it = twin_.find(v); it != twin_.end()) return it->second;
    if (const auto it = added_.find(v); it != added_.end()) return it->second;
    // From channels last without a transpose between.
    const Node* move = made_by(graph_, v, "Transpose");
    const bool last = move && moves_channels_first(*move);
    const ValueId b = rewrite_->add("anyrt", "BlockChannels", {last ? move->inputs[0] : v},
                                    {{"block", block_}, {"channels_last", int64_t{last}}}, 1)[0];
    added_[v] = b;
    return b;
  }
  // [N, C, ...] to [N, ..., C], and back.
  static bool moves_channels_last(const Node& node) {
    std::vector<int64_t> perm = AttrReader(node).ints("perm");
    if (perm.size() < 3 || perm[0] != 0 || perm.back() != 1) return false;
    for (size_t i = 1; i + 1 < perm.size(); ++i) {
      if (perm[i] != static_cast<int64_t>(i) + 1) return false;
    }
    return true;
  }
  static bool moves_channels_first(const Node& node) {
    const std::vector<int64_t>& perm = AttrReader(node).ints("perm");
    if (perm.size() < 3 || perm[0] != 0 || perm[1] != static_cast<int64_t>(perm.size()) - 1) return false;
    for (size_t i = 2; i < perm.size(); ++i) {
      if (perm[i] != static_cast<int64_t>(i) - 1) return false;
    }
    return true;
  }
  bool fills_blocks(ValueId v) const {
    const int64_t c = channels_of(v);
    return c > 0 && c % block_ == 0;
  }

  std::vector<ValueId> convolve(const Node& node) {
    if (node.domain == "anyrt" && node.op == "FusedConv" && AttrReader(node).i("block") != 0) return {};
    auto attrs = fused_conv_attrs(graph_, node);
    if (!attrs) return {};
    const ValueId x = node.inputs[0], w = node.inputs[1];
    const SymShape *xs = shape_of(graph_, x), *ws = shape_of(graph_, w);
    const int64_t in = channels_of(x);
    if (!xs || !ws || in < 1 || !graph_.value(w).is_constant() || xs->size() < 3 || xs->size() > 5) return {};
    const int64_t out = (*ws)[0].value(), group = AttrReader(node).i("group", 1);
    if (group < 1 || out < kLeastOutputs) return {};
    const bool depthwise = group > 1 && group == in && out == in;
    // Both sides narrow: plain values need no lanes that stay empty.
    const std::vector<int64_t>& strides = AttrReader(node).ints("strides");
    const bool reads_rows = ws->back().is_const() && ws->back().value() > 1 && (strides.empty() || strides.back() == 1);
    if (group == 1 && 2 * in <= block_ && 2 * out <= block_ && reads_rows && !has_twin(x)) return {};
    bool x_plain = false;
    if (depthwise) {
      if (xs->size() > 4) return {};
    } else if (group > 1) {
      if (in / group % block_ != 0 || out / group % block_ != 0) return {};
    } else {
      x_plain = !has_twin(x) && in <= kFewChannels;
    }
    std::vector<ValueId> inputs = {x_plain ? x : blocked(x), w, input(node, 2)};
    if (input(node, 3) != kNoValue) inputs.push_back(blocked(input(node, 3)));
    while (inputs.back() == kNoValue) inputs.pop_back();
    std::erase_if(*attrs, [](const Attr& a) {
      return a.name == "block" || a.name == "x_plain" || a.name == "in_channels" || a.name == "out_channels";
    });
    attrs->push_back({"block", block_});
    attrs->push_back({"out_channels", out});
    if (x_plain) {
      attrs->push_back({"x_plain", int64_t{1}});
    } else {
      attrs->push_back({"in_channels", in});
    }
    return rewrite_->add("anyrt", "FusedConv", std::move(inputs), std::move(*attrs), 1);
  }

  // The phases of the result as channels, put where they belong afterwards.
  std::vector<ValueId> convolve_transposed(const Node& node) {
    const auto p = phase_conv(graph_, node, block_);
    const int64_t in = channels_of(node.inputs[0]);
    const ValueId b = input(node, 2);
    if (!p || in < 1 || p->channels < kLeastOutputs || (b != kNoValue && !graph_.value(b).is_constant())) return {};
    std::vector<ValueId> inputs = {blocked(node.inputs[0]), rewrite_->constant(p->w)};
    if (b != kNoValue) inputs.push_back(rewrite_->constant(phase_bias(*p, graph_.value(b).constant.data<float>())));
    const ValueId phases =
        rewrite_->add("anyrt", "FusedConv", std::move(inputs),
                      {{"pads", p->pads}, {"block", block_}, {"in_channels", in}, {"out_channels", p->w.dim(0)}}, 1)[0];
    return rewrite_->add(
        "anyrt", "InterleavePhases", {phases},
        {{"rows", p->rows}, {"columns", p->columns}, {"crop_rows", p->crop_rows}, {"crop_columns", p->crop_columns}},
        1);
  }

  // What can go on in blocks where its inputs do.
  std::vector<ValueId> follow(const Node& node) {
    const bool any = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) { return has_twin(v); });
    if (!any || channels_of(node.outputs[0]) < 1) return {};
    if (!node.domain.empty()) {
      const bool gate = node.domain == "com.microsoft" && (node.op == "QuickGelu" || node.op == "Gelu");
      return gate ? unary(node) : std::vector<ValueId>();
    }
    const auto listed = [&](const auto& list) {
      return std::find(std::begin(list), std::end(list), node.op) != std::end(list);
    };
    if (listed(kZeroKeeping) || (listed(kOther) && fills_blocks(node.outputs[0]))) return unary(node);
    if (node.op == "Clip") return clip(node);
    if (is_one_of(node, {"Add", "Sub", "Mul", "Div", "Max", "Min"})) return binary(node);
    if (is_one_of(node, {"MaxPool", "AveragePool"})) return pool(node);
    if (is_one_of(node, {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax"})) return reduce(node);
    if (node.op == "Concat") return concat(node);
    if (node.op == "Split") return split(node);
    if (node.op == "Resize") return resize(node);
    return {};
  }

  std::vector<ValueId> unary(const Node& node) {
    if (node.inputs.size() != 1) return {};
    return rewrite_->copy(node, {blocked(node.inputs[0])});
  }

  std::vector<ValueId> clip(const Node& node) {
    const auto limit = [&](size_t i) {
      return input(node, i) == kNoValue ? std::optional<double>(0) : uniform_constant(graph_, input(node, i));
    };
    const auto low = limit(1), high = limit(2);
    if (!has_twin(node.inputs[0]) || !low || !high) return {};
    if ((*low > 0 || *high < 0) && !fills_blocks(node.outputs[0])) return {};
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = blocked(inputs[0]);
    return rewrite_->copy(node, std::move(inputs));
  }

  std::vector<ValueId> binary(const Node& node) {
    if (node.inputs.size() != 2) return {};
    const int64_t channels = channels_of(node.outputs[0]);
    const size_t rank = shape_of(graph_, node.outputs[0])->size();
    const bool full = fills_blocks(node.outputs[0]);
    std::vector<ValueId> inputs;
    for (const ValueId v : node.inputs) {
      const SymShape* s = shape_of(graph_, v);
      if (!s || dtype_of_value(graph_, v) != DType::kFloat32) return {};
      const auto number = uniform_constant(graph_, v);
      const bool scalar = number && std::all_of(s->begin(), s->end(), [](const Dim& d) { return d.is(1); });
      if (scalar) {
        const bool keeps = node.op == "Mul" || (node.op == "Div" && v == node.inputs[1] && *number != 0) ||
                           (node.op == "Max" && *number <= 0) || (node.op == "Min" && *number >= 0);
        if (!full && !keeps) return {};
        if (s->size() > rank) return {};
        // A number of the rank of the plain form fits the blocked one, too.
        inputs.push_back(v);
        continue;
      }
      if (s->size() == rank && (*s)[1].is(channels)) {
        if (node.op == "Div" && v == node.inputs[1] && !full) return {};
        inputs.push_back(blocked(v));
        continue;
      }
      if (s->size() + 1 == rank && (*s)[0].is(channels) && graph_.value(v).is_constant()) {  // [C, 1...]
        if (node.op == "Div" && !full) return {};
        const ValueId wide = rewrite_->op("Unsqueeze", {v, rewrite_->constant(int64s({0}))});
        inputs.push_back(rewrite_->add("anyrt", "BlockChannels", {wide}, {{"block", block_}}, 1)[0]);
        continue;
      }
      if (s->size() == rank && (*s)[1].is(1) && channels > 1 &&
          (full || node.op == "Mul")) {  // the same for all channels
        inputs.push_back(rewrite_->op("Unsqueeze", {v, rewrite_->constant(int64s({static_cast<int64_t>(rank)}))}));
        continue;
      }
      return {};
    }
    return rewrite_->copy(node, std::move(inputs));
  }

  std::vector<ValueId> pool(const Node& node) {
    const SymShape* x = shape_of(graph_, node.inputs[0]);
    if (!x || x->size() != 4 || is_read(graph_, node, 1)) return {};
    Node wide = node;
    for (Attr& a : wide.attrs) {
      auto* ints = std::get_if<std::vector<int64_t>>(&a.value);
      if (!ints) continue;
      if (a.name == "pads" && ints->size() == 4) {
        *ints = {(*ints)[0], (*ints)[1], 0, (*ints)[2], (*ints)[3], 0};
      } else if (ints->size() == 2) {
        ints->push_back(1);
      }
    }
    return rewrite_->add("", node.op, {blocked(node.inputs[0])}, std::move(wide.attrs), 1);
  }

  std::vector<ValueId> reduce(const Node& node) {
    const SymShape* x = shape_of(graph_, node.inputs[0]);
    if (!x || x->size() != 4) return {};
    std::string op = node.op == "GlobalAveragePool" ? "ReduceMean" : node.op == "GlobalMaxPool" ? "ReduceMax" : node.op;
    if (op == node.op) {
      const AttrReader attrs(node);
      auto axes = constant_ints(graph_, input(node, 1));
      if (!axes || attrs.i("keepdims", 1) != 1) return {};
      for (int64_t& a : *axes) a += a < 0 ? 4 : 0;
      std::sort(axes->begin(), axes->end());
      if (*axes != std::vector<int64_t>{2, 3}) return {};
    }
    return rewrite_->add("", op, {blocked(node.inputs[0]), rewrite_->constant(int64s({2, 3}))},
                         {{"keepdims", int64_t{1}}}, 1);
  }

  std::vector<ValueId> concat(const Node& node) {
    const SymShape* y = shape_of(graph_, node.outputs[0]);
    int64_t axis = AttrReader(node).i("axis");
    if (axis < 0) axis += static_cast<int64_t>(y->size());
    int64_t ready = 0, channels = 0;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId v = node.inputs[i];
      const int64_t c = channels_of(v);
      if (c < 1 || dtype_of_value(graph_, v) != DType::kFloat32) return {};
      if (axis == 1 && c % block_ != 0 && i + 1 < node.inputs.size()) return {};
      channels += c;
      if (has_twin(v)) ready += c;
    }
    if (axis < 1 || 2 * ready < channels) return {};
    std::vector<ValueId> inputs;
    for (const ValueId v : node.inputs) inputs.push_back(blocked(v));
    return rewrite_->add("", "Concat", std::move(inputs), {{"axis", axis}}, 1);
  }

  std::vector<ValueId> split(const Node& node) {
    const SymShape* x = shape_of(graph_, node.inputs[0]);
    int64_t axis = AttrReader(node).i("axis");
    if (axis < 0) axis += static_cast<int64_t>(x->size());
    if (axis != 1) return {};
    std::vector<int64_t> sizes;
    for (const ValueId v : node.outputs) {
      const int64_t c = v == kNoValue ? 0 : channels_of(v);
      if (c < 1 || c % block_ != 0) return {};
      sizes.push_back(c / block_);
    }
    return rewrite_->add("", "Split", {blocked(node.inputs[0]), rewrite_->constant(int64s(sizes))},
                         {{"axis", int64_t{1}}}, node.outputs.size());
  }

  // Where only the axes behind the channels change.
  std::vector<ValueId> resize(const Node& node) {
    const SymShape* x = shape_of(graph_, node.inputs[0]);
    const AttrReader attrs(node);
    if (!x || x->size() != 4 || attrs.s("coordinate_transformation_mode") == "tf_crop_and_resize") return {};
    if (!attrs.ints("axes").empty()) return {};
    const ValueId scales = input(node, 2), sizes = input(node, 3);
    std::vector<ValueId> inputs = {blocked(node.inputs[0])};
    if (sizes != kNoValue) {
      const auto s = constant_ints(graph_, sizes);
      if (!s || s->size() != 4 || !(*x)[0].is((*s)[0]) || (*s)[1] != channels_of(node.inputs[0])) return {};
      if (attrs.s("keep_aspect_ratio_policy") != "stretch" && !attrs.s("keep_aspect_ratio_policy").empty()) return {};
      const int64_t blocks = block_count((*s)[1], block_);
      inputs.insert(inputs.end(),
                    {kNoValue, kNoValue, rewrite_->constant(int64s({(*s)[0], blocks, (*s)[2], (*s)[3], block_}))});
    } else {
      const Tensor* t =
          scales != kNoValue && graph_.value(scales).is_constant() ? &graph_.value(scales).constant : nullptr;
      if (!t || t->dtype() != DType::kFloat32 || t->size() != 4) return {};
      const float* s = t->data<float>();
      if (s[0] != 1 || s[1] != 1) return {};
      Expected<Tensor> wide = Tensor::make(DType::kFloat32, {5});
      std::copy_n(s, 4, wide->mutable_data<float>());
      wide->mutable_data<float>()[4] = 1;
      inputs.insert(inputs.end(), {kNoValue, rewrite_->constant(std::move(*wide))});
    }
    return rewrite_->copy(node, std::move(inputs));
  }

  Graph& graph_;
  int64_t block_;
  Rewrite* rewrite_ = nullptr;
  std::map<ValueId, ValueId> twin_;   // plain value -> the same in blocks
  std::map<ValueId, ValueId> added_;  // of the rewrite at hand
};

}  // namespace

Status assign_layout(Graph& graph, const PassSetup& setup, DevicePassReport& report) {
  if (setup.block < 4) return {};
  LayoutPass pass(graph, setup);
  std::map<std::string, size_t> done, plain;
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    if (!graph.node(id).alive) continue;
    const std::string op = graph.node(id).op;
    bool changed = false;
    ANYRT_TRY(pass.visit(id, changed));
    if (changed) {
      ++report.changes;
      ++done[op];
    } else if (op == "Conv" || op == "FusedConv") {
      ++plain[op];
    }
  }
  for (const auto& [op, count] : done)
    report.notes.push_back(fmt::format("{} in blocks of {}: {}", op, setup.block, count));
  for (const auto& [op, count] : plain) report.notes.push_back(fmt::format("{} plain: {}", op, count));
  return {};
}

}  // namespace anyrt::cpu
