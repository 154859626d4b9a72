#include "opdef/matmul_shape.h"

namespace anyrt {

Expected<MatmulShape> matmul_shape(const Dims& a, const Dims& b) {
  if (a.empty() || b.empty()) return invalid_argument("scalars cannot be multiplied as matrices");
  MatmulShape s;
  const bool vector_a = a.size() == 1, vector_b = b.size() == 1;
  s.m = vector_a ? 1 : a[a.size() - 2];
  s.k = a.back();
  s.n = vector_b ? 1 : b.back();
  const int64_t k = vector_b ? b[0] : b[b.size() - 2];
  if (k != s.k) {
    return invalid_argument("matrices {} and {} do not fit: {} columns against {} rows", shape_string(a),
                            shape_string(b), s.k, k);
  }
  const Dims batch_a(a.begin(), a.end() - (vector_a ? 1 : 2)), batch_b(b.begin(), b.end() - (vector_b ? 1 : 2));
  ANYRT_ASSIGN(s.batch, broadcast_dims(batch_a, batch_b));
  s.a_strides = broadcast_strides(batch_a, s.batch);
  s.b_strides = broadcast_strides(batch_b, s.batch);
  for (int64_t& v : s.a_strides) v *= s.m * s.k;
  for (int64_t& v : s.b_strides) v *= s.k * s.n;
  s.dims = s.batch;
  if (!vector_a) s.dims.push_back(s.m);
  if (!vector_b) s.dims.push_back(s.n);
  return s;
}

Expected<std::optional<SymShape>> matmul_sym_shape(const SymShape* a, const SymShape* b) {
  if ((a && a->empty()) || (b && b->empty())) return invalid_model("scalars cannot be multiplied as matrices");
  if (!a || !b) return std::optional<SymShape>();
  const bool vector_a = a->size() == 1, vector_b = b->size() == 1;
  const Dim &ka = a->back(), &kb = (*b)[vector_b ? 0 : b->size() - 2];
  if (ka.is_const() && kb.is_const() && ka.value() != kb.value()) {
    return invalid_model("matrices {} and {} do not fit: {} columns against {} rows", shape_string(*a),
                         shape_string(*b), ka.value(), kb.value());
  }
  ANYRT_ASSIGN(SymShape out, broadcast_shapes(SymShape(a->begin(), a->end() - (vector_a ? 1 : 2)),
                                              SymShape(b->begin(), b->end() - (vector_b ? 1 : 2))));
  if (!vector_a) out.push_back((*a)[a->size() - 2]);
  if (!vector_b) out.push_back(b->back());
  return std::optional<SymShape>(std::move(out));
}

}  // namespace anyrt
