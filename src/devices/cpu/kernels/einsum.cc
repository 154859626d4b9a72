#include "opdef/einsum.h"

#include <algorithm>
#include <optional>

#include "devices/cpu/gemm/gemm.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/copy_common.h"
#include "opdef/shape_util.h"

// Einsum of two operands as a stack of matrix products over their bytes as they lie; where the strides do not allow
// that, over copies. One operand, none of whose letters are summed over, is a copy.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;
using Labels = std::vector<int>;

constexpr int64_t kMostMatrices = 1 << 20;

bool holds(const Labels& labels, int l) { return std::find(labels.begin(), labels.end(), l) != labels.end(); }

// Strides and sizes by label; 0 and 1 for labels that an operand lacks.
struct View {
  std::vector<int64_t> strides, sizes;

  View() = default;
  View(int labels, const Labels& term, const Dims& dims)
      : strides(static_cast<size_t>(labels), 0), sizes(static_cast<size_t>(labels), 1) {
    const Dims own = row_major_strides(dims);
    for (size_t i = 0; i < term.size(); ++i) {
      strides[static_cast<size_t>(term[i])] += own[i];  // a letter that comes twice walks the diagonal
      sizes[static_cast<size_t>(term[i])] = dims[i];
    }
  }
  int64_t stride(int l) const { return strides[static_cast<size_t>(l)]; }
  int64_t size(int l) const { return sizes[static_cast<size_t>(l)]; }
};

int64_t count(const View& v, const Labels& labels) {
  int64_t n = 1;
  for (const int l : labels) n *= v.size(l);
  return n;
}

// How many labels at the end of `labels`, outermost first, are one axis in both views.
size_t merged(const View& a, const View& b, const Labels& labels) {
  size_t n = labels.empty() ? 0 : 1;
  while (n < labels.size()) {
    const int inner = labels[labels.size() - n], outer = labels[labels.size() - n - 1];
    if (a.stride(outer) != a.stride(inner) * a.size(inner) || b.stride(outer) != b.stride(inner) * a.size(inner)) break;
    ++n;
  }
  return n;
}

struct Copy {
  StridedCopy copy;
  size_t bytes = 0, at = 0;
};

Labels join(Labels x, const Labels& y, const Labels& z) {
  x.insert(x.end(), y.begin(), y.end());
  x.insert(x.end(), z.begin(), z.end());
  return x;
}

struct Product {
  std::optional<Gemm> gemm;
  bool swapped = false;         // the second operand gives the rows
  std::optional<Copy> a, b, c;  // to or from the scratch
  size_t gemm_at = 0, scratch_bytes = 0;
};

class Planner {
 public:
  Planner(const EinsumPlan& plan, const BindQuery& q)
      : plan_(plan), element_(element_size(q.input(0).dtype)), dtype_(q.input(0).dtype) {
    y_ = View(plan.labels, plan.output, q.output(0).dims);
    swapped_ = !plan.output.empty() && !holds(plan.terms[1], plan.output.back());
    const size_t first = swapped_ ? 1 : 0;
    a_term_ = plan.terms[first];
    b_term_ = plan.terms[1 - first];
    a_ = View(plan.labels, a_term_, q.input(first).dims);
    b_ = View(plan.labels, b_term_, q.input(1 - first).dims);
  }

  Expected<Product> make() {
    ANYRT_TRY(sort_labels());
    Product p;
    p.swapped = swapped_;
    // Copies bring the labels into the order of a matrix product.
    if (merged(a_, b_, shared_) < shared_.size()) {
      p.a = copy_in(p, a_, join(batch_, rows_, shared_));
      p.b = copy_in(p, b_, join(batch_, shared_, columns_));
    }
    if (!columns_.empty() && columns_.back() != plan_.output.back()) {
      const View plain = y_;
      const View canonical = dense(y_, join(batch_, rows_, columns_));
      p.c = place(p,
                  StridedCopy(element_, dims_of(plan_.output), strides_of(canonical, plan_.output),
                              strides_of(plain, plan_.output)),
                  count(y_, plan_.output));
      y_ = canonical;
    }
    // Rows and columns that are one axis in both tensors belong to a matrix, the others are matrices of their own.
    Labels outer = batch_;
    const Labels m = take(rows_, merged(a_, y_, rows_), outer), n = take(columns_, merged(b_, y_, columns_), outer);
    GemmProblem g;
    g.dtype = g.b_dtype = dtype_;
    g.m = count(y_, m);
    g.n = count(y_, n);
    g.k = count(a_, shared_);
    const auto step = [](const View& v, const Labels& l, int64_t otherwise) {
      return l.empty() ? otherwise : v.stride(l.back());
    };
    g.a_row = step(a_, m, g.k);
    g.a_col = step(a_, shared_, 1);
    g.b_row = step(b_, shared_, g.n);
    g.b_col = step(b_, n, 1);
    g.c_row = step(y_, m, g.n);
    if (!n.empty() && y_.stride(n.back()) != 1) return not_implemented("columns that are apart");
    if (count(y_, outer) > kMostMatrices) return not_implemented("too many matrices");
    std::vector<int64_t> idx(outer.size(), 0);
    const Dims sizes = dims_of(outer);
    do {
      int64_t at[3] = {};
      for (size_t i = 0; i < outer.size(); ++i) {
        at[0] += idx[i] * a_.stride(outer[i]);
        at[1] += idx[i] * b_.stride(outer[i]);
        at[2] += idx[i] * y_.stride(outer[i]);
      }
      g.a_at.push_back(at[0]);
      g.b_at.push_back(at[1]);
      g.c_at.push_back(at[2]);
    } while (next_index(idx, sizes));
    p.gemm.emplace(std::move(g));
    p.gemm_at = p.scratch_bytes;
    p.scratch_bytes += p.gemm->scratch_bytes();
    return p;
  }

 private:
  Status sort_labels() {
    for (const Labels* term : {&a_term_, &b_term_}) {
      for (const int l : *term) {
        if (std::count(term->begin(), term->end(), l) > 1) return not_implemented("a letter that comes twice");
      }
    }
    for (const int l : a_term_) {
      const bool both = holds(b_term_, l), kept = holds(plan_.output, l);
      if (both && a_.size(l) != b_.size(l)) return not_implemented("an axis that broadcasts");
      if (!both && !kept) return not_implemented("a letter of one operand that is summed over");
      if (both && !kept) shared_.push_back(l);
    }
    for (const int l : b_term_) {
      if (!holds(a_term_, l) && !holds(plan_.output, l))
        return not_implemented("a letter of one operand that is summed over");
    }
    for (const int l : plan_.output) {
      const bool a = holds(a_term_, l), b = holds(b_term_, l);
      if (!a && !b) return not_implemented("a letter of no operand");
      (a && b ? batch_ : a ? rows_ : columns_).push_back(l);
    }
    return {};
  }

  int64_t size(int l) const { return holds(a_term_, l) ? a_.size(l) : b_.size(l); }
  Dims dims_of(const Labels& labels) const {
    Dims dims;
    for (const int l : labels) dims.push_back(size(l));
    return dims;
  }
  static Dims strides_of(const View& v, const Labels& labels) {
    Dims strides;
    for (const int l : labels) strides.push_back(v.stride(l));
    return strides;
  }
  View dense(const View& like, const Labels& labels) const {
    View v = like;
    const Dims strides = row_major_strides(dims_of(labels));
    for (size_t i = 0; i < labels.size(); ++i) v.strides[static_cast<size_t>(labels[i])] = strides[i];
    return v;
  }
  Copy place(Product& p, StridedCopy copy, int64_t elements) const {
    Copy c = {std::move(copy), static_cast<size_t>(elements) * element_, p.scratch_bytes};
    p.scratch_bytes += (c.bytes + 63) / 64 * 64;
    return c;
  }
  Copy copy_in(Product& p, View& v, const Labels& labels) const {
    const View to = dense(v, labels);
    Copy c = place(p, StridedCopy(element_, dims_of(labels), strides_of(v, labels), strides_of(to, labels)),
                   count(v, labels));
    v = to;
    return c;
  }
  static Labels take(const Labels& labels, size_t n, Labels& rest) {
    rest.insert(rest.end(), labels.begin(), labels.end() - static_cast<std::ptrdiff_t>(n));
    return {labels.end() - static_cast<std::ptrdiff_t>(n), labels.end()};
  }

  const EinsumPlan& plan_;
  size_t element_;
  DType dtype_;
  bool swapped_ = false;
  Labels a_term_, b_term_, batch_, rows_, columns_, shared_;
  View a_, b_, y_;
};

Bound bind_copy(const BindQuery& q, const EinsumPlan& plan) {
  const Labels& term = plan.terms[0];
  const View x(plan.labels, term, q.input(0).dims);
  for (size_t i = 0; i < term.size(); ++i) {
    if (!holds(plan.output, term[i])) return not_implemented("a sum");
    if (q.input(0).dims[i] != x.size(term[i])) return not_implemented("an axis that broadcasts");
  }
  Dims from;
  for (const int l : plan.output) from.push_back(x.stride(l));
  const Dims& dims = q.output(0).dims;
  return bound_step(
      [copy = StridedCopy(element_size(q.input(0).dtype), dims, from, row_major_strides(dims))](const StepArgs& args) {
        copy.run(args.in[0], args.out[0], args.threads);
        return Status();
      });
}

Bound bind(const BindQuery& q, const State&) {
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < q.num_inputs(); ++i) {
    if (q.input(i).count() == 0 || q.input(i).dtype != q.input(0).dtype) return not_implemented("operands");
    ranks.push_back(q.input(i).rank());
  }
  ANYRT_ASSIGN(const EinsumPlan plan, parse_einsum(q.s("equation"), ranks));
  if (ranks.size() == 1) return bind_copy(q, plan);
  const DType dtype = q.input(0).dtype;
  if (ranks.size() != 2 || (dtype != DType::kFloat32 && dtype != DType::kFloat64))
    return not_implemented("{} operands of {}", ranks.size(), dtype_name(dtype));
  ANYRT_ASSIGN(Product product, Planner(plan, q).make());
  const size_t scratch = product.scratch_bytes;
  return bound_step(
      [p = std::move(product)](const StepArgs& args) {
        const auto in = [&](const std::optional<Copy>& c, size_t i) -> const void* {
          if (!c) return args.in[i];
          c->copy.run(args.in[i], args.scratch + c->at, args.threads);
          return args.scratch + c->at;
        };
        const void *a = in(p.a, p.swapped ? 1 : 0), *b = in(p.b, p.swapped ? 0 : 1);
        void* y = p.c ? static_cast<void*>(args.scratch + p.c->at) : args.out[0];
        p.gemm->run(a, b, y, {}, args.scratch + p.gemm_at, args.threads);
        if (p.c) p.c->copy.run(y, args.out[0], args.threads);
        return Status();
      },
      scratch);
}

constexpr KernelRow kRows[] = {
    {.kernel = "einsum", .op = "Einsum", .dtypes = kAllDTypes - DTypeSet(DType::kString), .bind = bind}};

}  // namespace

extern const KernelTable kernels_einsum = {kRows};

}  // namespace anyrt::cpu
