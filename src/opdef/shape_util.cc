#include "opdef/shape_util.h"

#include <algorithm>

#include "opdef/strided.h"

namespace anyrt {

Expected<int64_t> normalize_axis(int64_t axis, int64_t rank, int64_t extra) {
  const int64_t limit = rank + extra;
  if (axis < -rank || axis >= std::max<int64_t>(limit, 0)) {
    return Status(Code::kOutOfRange,
                  fmt::format("axis {} is outside of [{}, {}] for rank {}", axis, -rank, limit - 1, rank));
  }
  return axis < 0 ? axis + rank : axis;
}

Expected<std::vector<int64_t>> normalize_axes(std::span<const int64_t> axes, int64_t rank, bool sort) {
  std::vector<int64_t> out;
  std::vector<bool> seen(static_cast<size_t>(rank), false);
  for (int64_t a : axes) {
    ANYRT_ASSIGN(const int64_t n, normalize_axis(a, rank));
    if (seen[static_cast<size_t>(n)]) return invalid_argument("axis {} is given twice", a);
    seen[static_cast<size_t>(n)] = true;
    out.push_back(n);
  }
  if (sort) std::sort(out.begin(), out.end());
  return out;
}

Dims row_major_strides(const Dims& dims) {
  Dims strides(dims.size());
  // Unsigned: an empty tensor may have other dims of any size.
  uint64_t step = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = static_cast<int64_t>(step);
    step *= static_cast<uint64_t>(dims[i]);
  }
  return strides;
}

int64_t product(std::span<const int64_t> dims) {
  uint64_t p = 1;
  for (int64_t d : dims) p *= static_cast<uint64_t>(d);
  return static_cast<int64_t>(p);
}

int64_t product(const Dims& dims, int64_t from, int64_t to) {
  uint64_t p = 1;
  for (int64_t i = from; i < to; ++i) p *= static_cast<uint64_t>(dims[static_cast<size_t>(i)]);
  return static_cast<int64_t>(p);
}

Expected<Dims> broadcast_dims(const Dims& a, const Dims& b) {
  const size_t rank = std::max(a.size(), b.size());
  Dims out(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t da = i + a.size() >= rank ? a[i + a.size() - rank] : 1;
    const int64_t db = i + b.size() >= rank ? b[i + b.size() - rank] : 1;
    if (da != db && da != 1 && db != 1) {
      return invalid_argument("shapes {} and {} do not broadcast: {} against {}", shape_string(a), shape_string(b), da,
                              db);
    }
    out[i] = da == 1 ? db : da;
  }
  return out;
}

namespace {

// Whether `a` is min(c, b) with a constant c above 1, as the length of a table cut to length b is: then the two
// broadcast only where they are equal.
bool is_cut_to(const Dim& a, const Dim& b) {
  if (!a.is_symbolic() || !b.is_symbolic()) return false;
  std::vector<std::string> symbols;
  a.collect_symbols(symbols);
  Dim::Bindings large;
  for (const std::string& name : symbols) large[name] = int64_t{1} << 40;
  const std::optional<int64_t> limit = a.evaluate(large);
  return limit && *limit > 1 && *limit < int64_t{1} << 40 && Dim::min(Dim(*limit), b) == a;
}

}  // namespace

Expected<SymShape> broadcast_shapes(const SymShape& a, const SymShape& b) {
  const size_t rank = std::max(a.size(), b.size());
  SymShape out(rank);
  for (size_t i = 0; i < rank; ++i) {
    const Dim da = i + a.size() >= rank ? a[i + a.size() - rank] : Dim(1);
    const Dim db = i + b.size() >= rank ? b[i + b.size() - rank] : Dim(1);
    if (da.is(1)) {
      out[i] = db;
    } else if (db.is(1) || da == db) {
      out[i] = da;
    } else if (da.is_const() && db.is_const()) {
      return invalid_model("shapes {} and {} do not broadcast", shape_string(a), shape_string(b));
    } else if (da.is_const()) {
      out[i] = da;
    } else if (db.is_const() || is_cut_to(da, db)) {
      out[i] = db;
    } else if (is_cut_to(db, da)) {
      out[i] = da;
    }
  }
  return out;
}

Dims broadcast_strides(const Dims& dims, const Dims& out) {
  Dims strides(out.size(), 0);
  const Dims own = row_major_strides(dims);
  const size_t shift = out.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 1) strides[i + shift] = own[i];
  }
  return strides;
}

bool next_index(std::vector<int64_t>& idx, const Dims& dims) {
  for (size_t i = dims.size(); i-- > 0;) {
    if (++idx[i] < dims[i]) return true;
    idx[i] = 0;
  }
  return false;
}

void for_each_broadcast_run(const Dims& out, const Dims& a, const Dims& b, const BinaryRun& f) {
  const int64_t total = product(out);
  if (total == 0) return;
  const Dims sa = broadcast_strides(a, out), sb = broadcast_strides(b, out);
  // Trailing axes over which both inputs advance uniformly merge into one inner run.
  size_t inner = out.size();
  int64_t count = 1, step_a = 0, step_b = 0;
  while (inner > 0) {
    const size_t k = inner - 1;
    if (out[k] == 1) {
      --inner;
      continue;
    }
    if (count == 1) {
      step_a = sa[k];
      step_b = sb[k];
    } else if (sa[k] != step_a * count || sb[k] != step_b * count) {
      break;
    }
    count *= out[k];
    --inner;
  }
  const Dims outer(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(inner));
  std::vector<int64_t> idx(inner, 0);
  int64_t offset = 0;
  do {
    int64_t oa = 0, ob = 0;
    for (size_t i = 0; i < inner; ++i) {
      oa += idx[i] * sa[i];
      ob += idx[i] * sb[i];
    }
    f(offset, oa, ob, count, step_a, step_b);
    offset += count;
  } while (next_index(idx, outer));
}

Expected<Tensor> broadcast_to(const Tensor& x, const Dims& out) {
  ANYRT_ASSIGN(const Dims joined, broadcast_dims(x.dims(), out));
  if (joined != out) return invalid_argument("{} does not broadcast to {}", shape_string(x.dims()), shape_string(out));
  if (x.dims() == out) return x;
  return read_strided(x, 0, out, broadcast_strides(x.dims(), out));
}

Expected<Tensor> transpose(const Tensor& x, std::span<const int64_t> perm) {
  if (static_cast<int>(perm.size()) != x.rank()) {
    return invalid_argument("perm has {} entries, the tensor has rank {}", perm.size(), x.rank());
  }
  ANYRT_TRY(normalize_axes(perm, x.rank()).status());
  const Dims own = row_major_strides(x.dims());
  Dims out(perm.size()), strides(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) {
    out[i] = x.dims()[static_cast<size_t>(perm[i])];
    strides[i] = own[static_cast<size_t>(perm[i])];
  }
  return read_strided(x, 0, out, strides);
}

Dim shape_product(const SymShape& shape, size_t from, size_t to) {
  Dim p = 1;
  for (size_t i = from; i < to; ++i) {
    if (shape[i].is(0)) return 0;
    p = p * shape[i];
  }
  return p;
}

bool surely_nonnegative(const Dim& d) {
  if (d.is_const()) return d.value() >= 0;
  if (d.is_unknown()) return false;
  std::vector<std::string> symbols;
  d.collect_symbols(symbols);
  // A sample: shape arithmetic that goes below zero does so at one of these.
  for (int64_t all : {0, 1, 7}) {
    for (size_t lone = 0; lone <= symbols.size(); ++lone) {
      Dim::Bindings bindings;
      for (size_t i = 0; i < symbols.size(); ++i) bindings[symbols[i]] = i == lone ? 1000 : all;
      const auto v = d.evaluate(bindings);
      if (!v || *v < 0) return false;
    }
  }
  return true;
}

std::optional<size_t> known_length(const InferContext& c, size_t i) {
  const SymShape* s = c.input_shape(i);
  if (!s || s->size() != 1 || !(*s)[0].is_const()) return std::nullopt;
  const int64_t n = (*s)[0].value();
  return n >= 0 && n <= 64 ? std::optional<size_t>(static_cast<size_t>(n)) : std::nullopt;
}

void forward_elements(InferContext& c) {
  if (auto elements = c.input_elements(0)) c.set_output_elements(0, std::move(*elements));
}

Status infer_same(InferContext& c) {
  c.set_output(0, c.input_type(0));
  return {};
}

Status infer_same_elements(InferContext& c) {
  c.set_output(0, c.input_type(0));
  if (auto elements = c.input_elements(0)) c.set_output_elements(0, std::move(*elements));
  return {};
}

Status infer_same_bool(InferContext& c) {
  const SymShape* shape = c.input_shape(0);
  c.set_output(0, DType::kBool, shape ? std::optional<SymShape>(*shape) : std::nullopt);
  return {};
}

namespace {

Status infer_broadcast_as(InferContext& c, DType dtype) {
  std::optional<SymShape> shape = SymShape{};
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    if (!c.has_input(i)) continue;
    const SymShape* s = c.input_shape(i);
    if (!s) {
      shape.reset();
      break;
    }
    ANYRT_ASSIGN(shape, broadcast_shapes(*shape, *s));
  }
  c.set_output(0, dtype, std::move(shape));
  return {};
}

}  // namespace

Status infer_broadcast(InferContext& c) { return infer_broadcast_as(c, c.input_dtype(0)); }
Status infer_broadcast_bool(InferContext& c) { return infer_broadcast_as(c, DType::kBool); }

std::optional<SymShape> combine_elements(const InferContext& c, Dim (*f)(const Dim&, const Dim&)) {
  const auto a = c.input_elements(0), b = c.input_elements(1);
  if (!a || !b || !is_int(c.input_dtype(0))) return std::nullopt;
  const bool vectors = c.input_rank(0) <= 1 && c.input_rank(1) <= 1;
  if (a->size() != 1 && b->size() != 1 && !(vectors && a->size() == b->size())) return std::nullopt;
  SymShape out(a->size() == 1 ? b->size() : a->size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = f((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
  return out;
}

Status infer_broadcast_elements(InferContext& c, Dim (*f)(const Dim&, const Dim&)) {
  ANYRT_TRY(infer_broadcast(c));
  if (auto elements = combine_elements(c, f)) c.set_output_elements(0, std::move(*elements));
  return {};
}

}  // namespace anyrt
