#include <algorithm>
#include <cmath>
#include <map>

#include "devices/cpu/passes/passes.h"
#include "interp/interp.h"
#include "opdef/attrs.h"
#include "opdef/quantize.h"

// Quantised operators on the kernels of f32: integers up to 2^24, and sums of them, are exact there.

namespace anyrt::cpu {
namespace {

constexpr double kExact = 1 << 24;
constexpr DTypeSet kBytes = DType::kUInt8 | DType::kInt8;

const Tensor* floats(const Graph& graph, ValueId v) {
  const Tensor* t = fixed_constant(graph, v);
  return t && t->dtype() == DType::kFloat32 ? t : nullptr;
}
std::optional<float> one_float(const Graph& graph, ValueId v) {
  const Tensor* t = floats(graph, v);
  return t && t->size() == 1 ? std::optional(*t->data<float>()) : std::nullopt;
}
std::optional<int64_t> one_int(const Graph& graph, ValueId v) {
  const auto list = constant_ints(graph, v);
  return list && list->size() == 1 ? std::optional((*list)[0]) : std::nullopt;
}
bool has_one_element(const Graph& graph, ValueId v) {
  const auto dims = fixed_shape(graph, v);
  return dims && std::all_of(dims->begin(), dims->end(), [](int64_t d) { return d == 1; });
}

Tensor float_tensor(const std::vector<float>& values, Dims dims) {
  Expected<Tensor> t = Tensor::make(DType::kFloat32, std::move(dims));
  std::copy(values.begin(), values.end(), t->mutable_data<float>());
  return std::move(*t);
}

// Constant weights less their zero points, as f32.
struct Weights {
  Tensor values;
  std::vector<double> sums;  // of magnitudes, by output channel
};

template <class Q>
Weights shift_weights(const Tensor& w, const std::vector<int64_t>& zeros, int64_t channels, int64_t inner) {
  Weights result;
  Expected<Tensor> values = Tensor::make(DType::kFloat32, w.dims());
  result.sums.resize(static_cast<size_t>(channels));
  const Q* from = w.data<Q>();
  float* to = values->mutable_data<float>();
  for (int64_t run = 0; run * inner < w.size(); ++run) {
    const size_t c = static_cast<size_t>(run % channels);
    const auto zero = static_cast<int32_t>(zeros[zeros.size() == 1 ? 0 : c]);
    for (int64_t at = 0; at < inner;) {
      const int64_t n = std::min<int64_t>(inner - at, 1 << 16);
      int32_t sum = 0;
      for (int64_t i = 0; i < n; ++i) {
        const int32_t v = from[i] - zero;
        sum += v < 0 ? -v : v;
        to[i] = static_cast<float>(v);
      }
      result.sums[c] += sum;
      from += n;
      to += n;
      at += n;
    }
  }
  result.values = std::move(*values);
  return result;
}

// Output channels lie along `axis`; the zero point is omitted, one element, or one an output channel.
std::optional<Weights> weights_of(const Graph& graph, ValueId w, ValueId zero, size_t axis) {
  const Tensor* t = fixed_constant(graph, w);
  if (!t || !kBytes.has(t->dtype()) || t->dims().size() <= axis || t->size() == 0) return std::nullopt;
  const auto zeros = zero == kNoValue ? std::optional(std::vector<int64_t>{0}) : constant_ints(graph, zero);
  const int64_t channels = t->dim(static_cast<int64_t>(axis));
  if (!zeros || (zeros->size() != 1 && static_cast<int64_t>(zeros->size()) != channels)) return std::nullopt;
  int64_t inner = 1;
  for (size_t a = axis + 1; a < t->dims().size(); ++a) inner *= t->dims()[a];
  return t->dtype() == DType::kInt8 ? shift_weights<int8_t>(*t, *zeros, channels, inner)
                                    : shift_weights<uint8_t>(*t, *zeros, channels, inner);
}

class Lowering {
 public:
  Lowering(Graph& graph, Accuracy accuracy) : graph_(graph), accuracy_(accuracy) {}

  // Whether the node was replaced.
  Expected<bool> products(NodeId id) {
    const Node& node = graph_.node(id);
    if (is_op(node, "QLinearConv")) return conv(id, true);
    if (is_op(node, "ConvInteger")) return conv(id, false);
    if (is_op(node, "QLinearMatMul")) return matmul(id, true);
    if (is_op(node, "MatMulInteger")) return matmul(id, false);
    return false;
  }

  // Dequantised weights are constants of f32; 4-bit ones, of which there may be many, stay as they are.
  Expected<bool> constants(NodeId id) {
    const Node& node = graph_.node(id);
    const DType dtype = dtype_of_value(graph_, input(node, 0));
    if (!is_op(node, "DequantizeLinear") || !(kBytes | DType::kUInt16 | DType::kInt16 | DType::kInt32).has(dtype))
      return false;
    std::vector<Value> inputs;
    for (const ValueId v : node.inputs) {
      const Tensor* t = fixed_constant(graph_, v);
      if (v != kNoValue && !t) return false;
      inputs.push_back(t ? Value(*t) : Value());
    }
    std::optional<Tensor> y = dequantized(node);
    if (!y) {
      const auto results = interpret_node(node, inputs);
      if (!results.ok()) return false;  // fails, with the node's name, when it is run
      y = (*results)[0].tensor();
    }
    Rewrite rewrite(graph_, id);
    rewrite.replace(node.outputs[0], rewrite.constant(std::move(*y)));
    ANYRT_TRY(rewrite.apply());
    return true;
  }

  // The usual form, of which there is a lot: bytes with one scale, or one an index of an axis.
  std::optional<Tensor> dequantized(const Node& node) const {
    const AttrReader attrs(node);
    const Tensor *x = fixed_constant(graph_, node.inputs[0]), *scale = floats(graph_, node.inputs[1]);
    const ValueId zero = input(node, 2);
    const auto zeros = zero == kNoValue ? std::optional(std::vector<int64_t>{0}) : constant_ints(graph_, zero);
    if (!kBytes.has(x->dtype()) || !scale || !zeros || attrs.i("block_size") != 0 || x->size() == 0) return {};
    const auto g = quant_grid(x->dims(), scale->dims(), attrs.i("axis"), 0);
    const bool fits = zeros->size() == 1 || static_cast<int64_t>(zeros->size()) == scale->size();
    if (!g.ok() || !fits || dtype_of_value(graph_, node.outputs[0]) != DType::kFloat32) return {};
    Weights w = x->dtype() == DType::kInt8 ? shift_weights<int8_t>(*x, *zeros, g->axis, g->inner)
                                           : shift_weights<uint8_t>(*x, *zeros, g->axis, g->inner);
    float* y = w.values.mutable_data<float>();
    for (int64_t run = 0; run < g->outer * g->axis; ++run) {
      const float s = scale->data<float>()[g->param(0, run % g->axis)];
      for (int64_t i = 0; i < g->inner; ++i) *y++ *= s;
    }
    return std::move(w.values);
  }

  // What is quantised and dequantised at once stays f32, rounded to the same steps.
  Expected<bool> pairs(NodeId id) {
    const Node& node = graph_.node(id);
    if (!is_op(node, "QuantizeLinear")) return false;
    const AttrReader attrs(node);
    const ValueId x = input(node, 0), zero = input(node, 2), q = node.outputs[0];
    const auto scale = one_float(graph_, input(node, 1));
    const auto z = zero == kNoValue ? std::optional<int64_t>(0) : one_int(graph_, zero);
    const DType dtype = dtype_of_value(graph_, q);
    const int64_t precision = attrs.i("precision");
    const bool plain = precision == 0 || precision == static_cast<int64_t>(DType::kFloat32);
    if (!scale || !z || !plain || dtype_of_value(graph_, x) != DType::kFloat32) return false;
    if (!(kBytes | DType::kUInt16 | DType::kInt16).has(dtype)) return false;
    std::map<float, std::vector<ValueId>> results;  // by the scale that they are given back
    for (const Use& use : graph_.value(q).uses) {
      const Node& reader = graph_.node(use.node);
      if (use.slot != 0 || !is_op(reader, "DequantizeLinear")) continue;
      const auto back = one_float(graph_, input(reader, 1));
      const ValueId from = input(reader, 2);
      const auto reader_zero = from == kNoValue ? std::optional<int64_t>(0) : one_int(graph_, from);
      if (!back || std::isnan(*back) || reader_zero != z) continue;
      if (dtype_of_value(graph_, reader.outputs[0]) == DType::kFloat32) results[*back].push_back(reader.outputs[0]);
    }
    if (results.empty()) return false;
    Rewrite rewrite(graph_, id);
    const IntRange range = int_range(dtype);
    const auto number = [&](float v) { return rewrite.constant(Tensor::scalar(v)); };
    const ValueId quotient = *scale == 1 ? x : rewrite.op("Div", {x, input(node, 1)});
    const ValueId steps =
        rewrite.op("Clip", {rewrite.op("Round", {quotient}), number(static_cast<float>(range.low - *z)),
                            number(static_cast<float>(range.high - *z))});
    for (auto& [back, values] : results) {
      std::erase_if(values, [&, factor = back](ValueId v) { return pool(rewrite, v, steps, factor); });
      if (values.empty()) continue;
      const ValueId y = back == 1 ? steps : rewrite.op("Mul", {steps, number(back)});
      for (const ValueId v : values) replace(rewrite, v, y);
    }
    ANYRT_TRY(rewrite.apply());
    return true;
  }

 private:
  // The largest magnitude of x less its zero point.
  double largest(ValueId x, ValueId zero) const {
    const IntRange range = int_range(dtype_of_value(graph_, x));
    const auto z = zero == kNoValue ? std::optional<int64_t>(0) : one_int(graph_, zero);
    if (!z) return static_cast<double>(range.high - range.low);
    return static_cast<double>(std::max(range.high - *z, *z - range.low));
  }
  bool is_fine(const Weights& w, double most, const std::vector<int64_t>& bias) const {
    if (accuracy_ != Accuracy::kStrict) return true;
    for (size_t c = 0; c < w.sums.size(); ++c) {
      if (most * w.sums[c] + (bias.empty() ? 0.0 : std::abs(static_cast<double>(bias[c]))) > kExact) return false;
    }
    return true;
  }
  // Outputs of the graph keep values of their own.
  void replace(Rewrite& rewrite, ValueId from, ValueId to) const {
    rewrite.replace(from, graph_.is_output(from) ? rewrite.op("Identity", {to}) : to);
  }
  static ValueId one(Rewrite& rewrite) { return rewrite.constant(Tensor::scalar(1.0f)); }
  // x less its zero point.
  static ValueId shifted(Rewrite& rewrite, ValueId x, ValueId zero) {
    if (zero == kNoValue) return rewrite.op("DequantizeLinear", {x, one(rewrite)});
    return rewrite.op("DequantizeLinear", {x, one(rewrite), zero});
  }
  // The sums times x_scale * w_scale / y_scale, rounded to y; nullopt where the scales are not constant.
  std::optional<Tensor> factor(const Node& node, int64_t channels, size_t trailing) const {
    const auto x = one_float(graph_, input(node, 1)), y = one_float(graph_, input(node, 6));
    const Tensor* w = floats(graph_, input(node, 4));
    if (!x || !y || !w || (w->size() != 1 && (w->rank() != 1 || w->dim(0) != channels))) return std::nullopt;
    std::vector<float> list;
    for (int64_t i = 0; i < w->size(); ++i) list.push_back(*x * w->data<float>()[i] / *y);
    Dims dims;
    if (w->size() != 1) {
      dims.assign(trailing + 1, 1);
      dims[0] = channels;
    }
    return float_tensor(list, std::move(dims));
  }

  // QLinearConv, or ConvInteger: the zero points lie elsewhere, and the sums are the result.
  Expected<bool> conv(NodeId id, bool scaled) {
    const Node& node = graph_.node(id);
    const ValueId x = input(node, 0), w = input(node, scaled ? 3 : 1), x_zero = input(node, 2),
                  w_zero = input(node, scaled ? 5 : 3), b = scaled ? input(node, 8) : kNoValue;
    if (!kBytes.has(dtype_of_value(graph_, x)) || (x_zero != kNoValue && !has_one_element(graph_, x_zero)))
      return false;
    const auto weights = weights_of(graph_, w, w_zero, 0);
    if (!weights || weights->values.rank() < 3) return false;
    const int64_t channels = weights->values.dim(0);
    std::vector<int64_t> bias;
    if (b != kNoValue) {
      const auto list = constant_ints(graph_, b);
      if (!list || static_cast<int64_t>(list->size()) != channels) return false;
      bias = *list;
    }
    std::optional<Tensor> scale;
    if (scaled) {
      scale = factor(node, channels, static_cast<size_t>(weights->values.rank() - 2));
      if (!scale || !one_int(graph_, input(node, 7))) return false;
    }
    if (!is_fine(*weights, largest(x, x_zero), bias)) return false;
    Rewrite rewrite(graph_, id);
    std::vector<ValueId> inputs = {shifted(rewrite, x, x_zero), rewrite.constant(weights->values)};
    if (!bias.empty()) {
      inputs.push_back(rewrite.constant(float_tensor({bias.begin(), bias.end()}, {channels})));
    }
    const ValueId sums = rewrite.add("", "Conv", std::move(inputs), node.attrs, 1)[0];
    return finish(rewrite, node, sums, scale);
  }

  Expected<bool> matmul(NodeId id, bool scaled) {
    const Node& node = graph_.node(id);
    const ValueId a = input(node, 0), b = input(node, scaled ? 3 : 1), a_zero = input(node, 2),
                  b_zero = input(node, scaled ? 5 : 3);
    const SymShape* shape = shape_of(graph_, a);
    if (!kBytes.has(dtype_of_value(graph_, a)) || !shape || shape->size() < 2) return false;
    if (a_zero != kNoValue && !has_one_element(graph_, a_zero)) return false;
    const auto weights = weights_of(graph_, b, b_zero, 1);
    if (!weights || weights->values.rank() != 2) return false;
    std::optional<Tensor> scale;
    if (scaled) {
      scale = factor(node, weights->values.dim(1), 0);
      if (!scale || !one_int(graph_, input(node, 7))) return false;
    }
    if (!is_fine(*weights, largest(a, a_zero), {})) return false;
    Rewrite rewrite(graph_, id);
    const ValueId sums = rewrite.op("MatMul", {shifted(rewrite, a, a_zero), rewrite.constant(weights->values)});
    return finish(rewrite, node, sums, scale);
  }

  Expected<bool> finish(Rewrite& rewrite, const Node& node, ValueId sums, const std::optional<Tensor>& scale) {
    const ValueId y = node.outputs[0];
    if (scale) {
      const ValueId quotient = rewrite.op("Mul", {sums, rewrite.constant(*scale)});
      rewrite.replace(y, rewrite.op("QuantizeLinear", {quotient, one(rewrite), input(node, 7)}));
    } else {
      // Who wants them as f32 has them already.
      for (const Use& use : graph_.value(y).uses) {
        const Node& reader = graph_.node(use.node);
        if (is_op(reader, "Cast") && dtype_of_value(graph_, reader.outputs[0]) == DType::kFloat32)
          replace(rewrite, reader.outputs[0], sums);
      }
      rewrite.replace(y, rewrite.op("Cast", {sums}, {{"to", static_cast<int64_t>(DType::kInt32)}}));
    }
    ANYRT_TRY(rewrite.apply());
    return true;
  }

  // The mean of dequantised values, quantised again: that of the steps, times one factor. Means of integers often lie
  // halfway between two, where the last bit decides.
  bool pool(Rewrite& rewrite, ValueId v, ValueId steps, float factor) const {
    const NodeId mean = single_use(graph_, v);
    if (mean == kNoNode || !is_op(graph_.node(mean), "GlobalAveragePool")) return false;
    const NodeId last = single_use(graph_, graph_.node(mean).outputs[0]);
    if (last == kNoNode || !is_op(graph_.node(last), "QuantizeLinear")) return false;
    const Node& node = graph_.node(last);
    const auto scale = one_float(graph_, input(node, 1));
    if (!scale || node.inputs[0] != graph_.node(mean).outputs[0]) return false;
    std::vector<ValueId> inputs = node.inputs;
    const ValueId m = rewrite.op("GlobalAveragePool", {steps});
    inputs[0] = rewrite.op("Mul", {m, rewrite.constant(Tensor::scalar(factor / *scale))});
    inputs[1] = one(rewrite);
    rewrite.replace(node.outputs[0], rewrite.copy(node, std::move(inputs))[0]);
    return true;
  }

  Graph& graph_;
  Accuracy accuracy_;
};

}  // namespace

Status lower_quantized(Graph& graph, const PassSetup& setup, DevicePassReport& report) {
  Lowering lowering(graph, setup.accuracy);
  std::map<std::string, size_t> done;
  // Pairs come out of pairs, where a pool is between.
  for (const auto step : {&Lowering::constants, &Lowering::products, &Lowering::pairs, &Lowering::pairs}) {
    const std::vector<NodeId> order = graph.order();
    for (const NodeId id : order) {
      if (!graph.node(id).alive) continue;
      const std::string op = graph.node(id).op;
      ANYRT_ASSIGN(const bool changed, (lowering.*step)(id));
      if (!changed) continue;
      ++report.changes;
      ++done[op];
    }
  }
  for (const auto& [op, count] : done) report.notes.push_back(fmt::format("{}: {} in f32", op, count));
  return {};
}

}  // namespace anyrt::cpu
