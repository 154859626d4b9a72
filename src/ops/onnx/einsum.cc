#include "opdef/einsum.h"

#include <algorithm>

#include "opdef/cost.h"
#include "opdef/infer.h"
#include "opdef/matmul_shape.h"
#include "opdef/reduce.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"Inputs", "T", kVariadicParam}};
constexpr Param kOutputs[] = {{"Output", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("equation", AttrKind::kString).with_doc("such as \"bij,bjk->bik\"")};

bool holds(const std::vector<int>& labels, int l) { return std::find(labels.begin(), labels.end(), l) != labels.end(); }

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    const auto rank = c.input_rank(i);
    if (!rank) return {};
    ranks.push_back(*rank);
  }
  ANYRT_ASSIGN(const EinsumPlan plan, parse_einsum(c.s("equation"), ranks));
  std::vector<SymShape> sizes(static_cast<size_t>(plan.labels), SymShape{1});
  for (size_t i = 0; i < plan.terms.size(); ++i) {
    for (size_t k = 0; k < plan.terms[i].size(); ++k) {
      SymShape& size = sizes[static_cast<size_t>(plan.terms[i][k])];
      ANYRT_ASSIGN(size, broadcast_shapes(size, SymShape{(*c.input_shape(i))[k]}));
    }
  }
  SymShape out;
  for (int l : plan.output) out.push_back(sizes[static_cast<size_t>(l)][0]);
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

// A tensor whose axes carry labels, none of them twice.
struct Labelled {
  Tensor x;
  std::vector<int> labels;

  int64_t size(int l) const {
    const auto it = std::find(labels.begin(), labels.end(), l);
    return it == labels.end() ? 1 : x.dim(static_cast<int>(it - labels.begin()));
  }
};

// Takes the diagonal where a term repeats a label.
template <class T>
Expected<Labelled> diagonal(const Tensor& x, const std::vector<int>& term) {
  Labelled out;
  Dims dims, steps;
  const Dims own = row_major_strides(x.dims());
  for (size_t i = 0; i < term.size(); ++i) {
    const auto it = std::find(out.labels.begin(), out.labels.end(), term[i]);
    if (it == out.labels.end()) {
      out.labels.push_back(term[i]);
      dims.push_back(x.dims()[i]);
      steps.push_back(own[i]);
      continue;
    }
    const auto at = static_cast<size_t>(it - out.labels.begin());
    if (dims[at] != x.dims()[i])
      return invalid_argument("a repeated letter stands for axes of {} and {}", dims[at], x.dims()[i]);
    steps[at] += own[i];
  }
  if (out.labels.size() == term.size()) return Labelled{x, std::move(out.labels)};
  ANYRT_ASSIGN(out.x, Tensor::make(x.dtype(), dims));
  if (out.x.size() == 0) return out;
  std::vector<int64_t> idx(dims.size(), 0);
  T* y = out.x.mutable_data<T>();
  do {
    int64_t at = 0;
    for (size_t i = 0; i < idx.size(); ++i) at += idx[i] * steps[i];
    *y++ = x.data<T>()[at];
  } while (next_index(idx, dims));
  return out;
}

// Sums over the labels that `drop` tells; with `only_ones`, axes of length 1 are just removed.
template <class T, class F>
Status sum_out(Labelled& a, F drop) {
  std::vector<int64_t> axes;
  std::vector<int> left;
  for (size_t i = 0; i < a.labels.size(); ++i) {
    if (drop(a.labels[i])) {
      axes.push_back(static_cast<int64_t>(i));
    } else {
      left.push_back(a.labels[i]);
    }
  }
  if (axes.empty()) return {};
  ANYRT_ASSIGN(const Reduction r, plan_reduction(a.x.dims(), axes, false));
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(a.x.dtype(), r.output));
  fold(r, a.x.data<T>(), y.mutable_data<T>(), [](T& sum, T v, int64_t) { sum += v; });
  a = {std::move(y), std::move(left)};
  return {};
}

// Reorders the axes so that the labels come as in `order`.
Status reorder(Labelled& a, const std::vector<int>& order) {
  if (a.labels == order) return {};
  std::vector<int64_t> perm;
  for (int l : order) perm.push_back(std::find(a.labels.begin(), a.labels.end(), l) - a.labels.begin());
  ANYRT_ASSIGN(a.x, transpose(a.x, perm));
  a.labels = order;
  return {};
}

// a and b multiplied, summed over the labels that they share and nobody needs any more.
template <class T, class F>
Expected<Labelled> contract(EvalContext& c, Labelled a, Labelled b, F needed) {
  // An axis of length 1 against a longer one broadcasts: it goes away.
  for (int l : a.labels) {
    const int64_t na = a.size(l), nb = b.size(l);
    if (holds(b.labels, l) && na != nb && na != 1 && nb != 1)
      return invalid_argument("a letter stands for axes of {} and {}", na, nb);
  }
  const Labelled before = a;
  ANYRT_TRY(sum_out<T>(a, [&](int l) { return holds(b.labels, l) && before.size(l) == 1 && b.size(l) != 1; }));
  ANYRT_TRY(sum_out<T>(b, [&](int l) { return holds(before.labels, l) && b.size(l) == 1 && before.size(l) != 1; }));
  ANYRT_TRY(sum_out<T>(a, [&](int l) { return !holds(b.labels, l) && !needed(l); }));
  ANYRT_TRY(sum_out<T>(b, [&](int l) { return !holds(a.labels, l) && !needed(l); }));
  std::vector<int> batch, shared, left, right;
  for (int l : a.labels) (!holds(b.labels, l) ? left : needed(l) ? batch : shared).push_back(l);
  for (int l : b.labels) {
    if (!holds(a.labels, l)) right.push_back(l);
  }
  const auto join = [](std::vector<int> x, const std::vector<int>& y, const std::vector<int>& z) {
    x.insert(x.end(), y.begin(), y.end());
    x.insert(x.end(), z.begin(), z.end());
    return x;
  };
  ANYRT_TRY(reorder(a, join(batch, left, shared)));
  ANYRT_TRY(reorder(b, join(batch, shared, right)));
  Labelled y;
  y.labels = join(batch, left, right);
  Dims dims;
  for (int l : y.labels) dims.push_back(holds(a.labels, l) ? a.size(l) : b.size(l));
  const auto count = [](const Labelled& t, const std::vector<int>& labels) {
    int64_t n = 1;
    for (int l : labels) n *= t.size(l);
    return n;
  };
  ANYRT_ASSIGN(y.x, Tensor::make(a.x.dtype(), dims));
  ANYRT_ASSIGN(const MatmulShape shape, matmul_shape({count(a, batch), count(a, left), count(a, shared)},
                                                     {count(a, batch), count(a, shared), count(b, right)}));
  matmul_stack(c, shape, a.x.data<T>(), b.x.data<T>(), y.x.mutable_data<T>());
  return y;
}

template <class T>
Expected<Tensor> evaluate(EvalContext& c, const EinsumPlan& plan) {
  Labelled y;
  for (size_t i = 0; i < plan.terms.size(); ++i) {
    const auto needed = [&](int l) {
      return holds(plan.output, l) || std::any_of(plan.terms.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                                  plan.terms.end(), [&](const auto& term) { return holds(term, l); });
    };
    ANYRT_ASSIGN(const Tensor x, c.input_as(i, dtype_of<T>));
    ANYRT_ASSIGN(Labelled next, diagonal<T>(x, plan.terms[i]));
    if (i > 0) {
      ANYRT_ASSIGN(y, contract<T>(c, std::move(y), std::move(next), needed));
    } else {
      y = std::move(next);
      ANYRT_TRY(sum_out<T>(y, [&](int l) { return !needed(l); }));
    }
  }
  ANYRT_TRY(reorder(y, plan.output));
  return y.x;
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < c.num_inputs(); ++i) ranks.push_back(c.input(i).rank());
  ANYRT_ASSIGN(const EinsumPlan plan, parse_einsum(c.s("equation"), ranks));
  // Sums of signed integers wrap as those of unsigned ones of the same bits do.
  const DType work = compute == DType::kInt64 ? DType::kUInt64 : compute;
  Expected<Tensor> y = Status();
  dispatch<float, double, uint64_t>(work, [&]<class T>(TypeTag<T>) { y = evaluate<T>(c, plan); });
  if (!y.ok()) return y.status();
  return c.set_output_as(0, *y, dtype);
}

// Two operations for every combination of labels and every operand after the first: what the plainest loop needs.
Cost cost(const CostContext& c) {
  std::vector<int64_t> ranks;
  std::vector<Dims> dims;
  for (size_t i = 0; i < c.node().inputs.size(); ++i) {
    const auto d = c.input_dims(i);
    if (!d) return {};
    ranks.push_back(static_cast<int64_t>(d->size()));
    dims.push_back(*d);
  }
  const auto plan = parse_einsum(c.s("equation"), ranks);
  if (!plan.ok()) return {};
  std::vector<double> sizes(static_cast<size_t>(plan->labels), 1);
  for (size_t i = 0; i < dims.size(); ++i) {
    for (size_t k = 0; k < dims[i].size(); ++k) {
      double& size = sizes[static_cast<size_t>(plan->terms[i][k])];
      size = std::max(size, static_cast<double>(dims[i][k]));
    }
  }
  double combinations = 1;
  for (double s : sizes) combinations *= s;
  return {2 * combinations * static_cast<double>(std::max<size_t>(1, dims.size() - 1))};
}

}  // namespace

extern const OpDef op_onnx_einsum = {
    .name = "Einsum",
    .since = 12,
    .first = 12,
    .doc = "Products of tensors summed over the axes that the result does not name (Einstein summation).",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cost = cost,
    .cases = ANYRT_CASES(R"(
      equation="ij,jk" : f32[2,2]{1 2 3 4}, f32[2,1]{10 1} -> f32[2,1]{12 34}
      equation="ij->ji" : i32[2,3]{1 2 3 4 5 6} -> i32[3,2]{1 4 2 5 3 6}
      equation="ii" : f64[2,2]{1 2 3 4} -> f64[]{5}
      equation="...ii ->...i" : i8[2,2,2]{1 2 3 -4 5 6 7 8} -> i8[2,2]{1 -4 5 8}
      equation="i,i" : u8[2]{200 3}, u8[2]{2 1} -> u8[]{147}
      equation="bij,bjk,k->bi" : f32[1,1,2]{1 2}, f32[1,2,2]{1 2 3 4}, f32[2]{1 10} -> f32[1,1]{107}
      equation="ij->" : f16[0,3]{} -> f16[]{0}
      equation="...i,...i->..." : f32[2,1,3]{rand:1}, f32[4,3]{rand:2} -> ?
      equation="ij,k" : f32[2]{1 2}, f32[1]{1} -> !does not fit
      equation="i->j" : f32[2]{1 2} -> !no input has
      equation="i,i" : f32[2]{1 2}, f32[3]{1 2 3} -> !do not broadcast
    )"),
};

}  // namespace anyrt
