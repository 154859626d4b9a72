#include "passes/conv_fold.h"

#include <algorithm>
#include <cmath>

#include "opdef/attrs.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kFoldable = kFloats;

double widen(double x) { return x; }
double widen(float x) { return static_cast<double>(x); }
template <class T>
double widen(T x) {
  return static_cast<double>(static_cast<float>(x));
}

// Multiplies the weights of each output channel. False when a result is not finite.
template <class T>
bool scale_weights(const FoldableConv& conv, const Tensor& from, Tensor& to, std::span<const double> scale) {
  const bool transposed = is_op(*conv.node, "ConvTranspose");
  const int64_t rows = from.dim(0), columns = transposed ? from.dim(1) : 1;
  const int64_t groups = transposed ? AttrReader(*conv.node).i("group", 1) : 1;
  const int64_t inner = rows * columns == 0 ? 0 : from.size() / (rows * columns);
  const T* in = from.data<T>();
  T* out = to.mutable_data<T>();
  bool finite = true;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t channel = transposed ? r / (rows / groups) * columns + c : r;
      const double k = scale[static_cast<size_t>(channel)];
      for (int64_t i = 0; i < inner; ++i, ++in, ++out) {
        if constexpr (std::is_same_v<T, double>) {
          *out = *in * k;
        } else {
          *out = T(static_cast<float>(widen(*in) * k));
        }
        finite = finite && std::isfinite(widen(*out));
      }
    }
  }
  return finite;
}

}  // namespace

std::optional<FoldableConv> foldable_conv(const Graph& graph, ValueId v) {
  const Node* node = producer(graph, v);
  if (!node || !is_one_of(*node, {"Conv", "ConvTranspose"}) || single_use(graph, v) == kNoNode) return std::nullopt;
  const Tensor* weights = fixed_constant(graph, node->inputs[1]);
  const ValueId bias = input(*node, 2);
  if (!weights || weights->rank() < 3 || !kFoldable.has(weights->dtype())) return std::nullopt;
  if (bias != kNoValue && !fixed_constant(graph, bias)) return std::nullopt;
  FoldableConv conv{node, weights->dim(0), weights->rank()};
  if (is_op(*node, "ConvTranspose")) {
    const int64_t groups = AttrReader(*node).i("group", 1);
    if (groups <= 0 || weights->dim(0) % groups != 0 || weights->dim(0) == 0) return std::nullopt;
    conv.channels = weights->dim(1) * groups;
  }
  if (bias != kNoValue && graph.value(bias).constant.size() != conv.channels) return std::nullopt;
  return conv;
}

std::optional<std::vector<double>> channel_values(const FoldableConv& conv, const Tensor& t) {
  if (t.rank() > conv.rank || !kFoldable.has(t.dtype()) || (t.size() != 1 && t.size() != conv.channels))
    return std::nullopt;
  const int channel_axis = 1 - (conv.rank - t.rank());
  for (int axis = 0; axis < t.rank(); ++axis) {
    if (axis != channel_axis && t.dim(axis) != 1) return std::nullopt;
  }
  Expected<std::vector<double>> values = to_doubles(t);
  if (!values.ok() || values->empty()) return std::nullopt;
  if (values->size() == 1) values->resize(static_cast<size_t>(conv.channels), values->front());
  return std::move(*values);
}

Expected<ValueId> scaled_conv(Rewrite& rewrite, const Graph& graph, const FoldableConv& conv,
                              std::span<const double> scale, std::span<const double> shift) {
  const Tensor& weights = graph.value(conv.node->inputs[1]).constant;
  const ValueId old_bias = input(*conv.node, 2);
  std::vector<double> bias(static_cast<size_t>(conv.channels));
  if (old_bias != kNoValue) {
    ANYRT_ASSIGN(bias, to_doubles(graph.value(old_bias).constant));
  }
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * scale[c] + shift[c];
  ANYRT_ASSIGN(Tensor new_bias, cast_tensor(Tensor::vector<double>(std::span<const double>(bias)), weights.dtype()));
  ANYRT_ASSIGN(std::vector<double> rounded, to_doubles(new_bias));
  bool finite = std::all_of(rounded.begin(), rounded.end(), [](double b) { return std::isfinite(b); });

  ValueId new_weights = conv.node->inputs[1];
  if (std::any_of(scale.begin(), scale.end(), [](double k) { return k != 1; })) {
    ANYRT_ASSIGN(Tensor scaled, Tensor::make(weights.dtype(), weights.dims()));
    dispatch<float, double, Float16, BFloat16>(weights.dtype(), [&]<class T>(TypeTag<T>) {
      finite = finite && scale_weights<T>(conv, weights, scaled, scale);
    });
    new_weights = rewrite.constant(std::move(scaled));
  }
  if (!finite) return kNoValue;
  return rewrite.copy(*conv.node, {conv.node->inputs[0], new_weights, rewrite.constant(std::move(new_bias))})[0];
}

}  // namespace anyrt
