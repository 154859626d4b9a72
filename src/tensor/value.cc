#include "tensor/value.h"

#include <cstring>

namespace anyrt {

Type Value::type() const {
  if (is_tensor()) return Type::tensor(tensor().dtype(), to_sym_shape(tensor().dims()));
  if (is_sequence()) return Type::sequence(sequence().elem_type);
  if (is_map()) return Type::map(map().entries.index() == 0 ? DType::kInt64 : DType::kString, map().value_type);
  if (is_sparse()) return Type::sparse(sparse().values.dtype(), to_sym_shape(sparse().dims));
  return {};
}

std::string Value::type_string() const {
  if (empty()) return "empty";
  if (is_sequence()) return type().to_string() + " of " + std::to_string(sequence().values.size());
  return type().to_string();
}

Expected<Tensor> to_dense(const SparseTensor& sparse) {
  const Tensor& values = sparse.values;
  const Tensor& indices = sparse.indices;
  if (values.rank() != 1)
    return invalid_model("sparse tensor: values are {}, expected one dimension", values.type_string());
  if (indices.dtype() != DType::kInt64) {
    return invalid_model("sparse tensor: indices are {}, expected int64", indices.type_string());
  }
  const int64_t count = values.size();
  const auto rank = static_cast<int64_t>(sparse.dims.size());
  const bool linear = indices.rank() == 1;
  const bool fits =
      linear ? indices.size() == count : indices.rank() == 2 && indices.dim(0) == count && indices.dim(1) == rank;
  if (!fits) {
    return invalid_model("sparse tensor: indices are {}, expected int64[{}] or int64[{},{}]", indices.type_string(),
                         count, count, rank);
  }
  ANYRT_ASSIGN(Tensor dense, Tensor::zeros(values.dtype(), sparse.dims));
  const int64_t* index = indices.data<int64_t>();
  const size_t size = element_size(values.dtype());
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = 0;
    if (linear) {
      at = index[i];
      if (at < 0 || at >= dense.size()) {
        return invalid_model("sparse tensor: index {} is {}, expected 0 to {}", i, at, dense.size() - 1);
      }
    }
    for (int64_t axis = 0; !linear && axis < rank; ++axis) {
      const int64_t dim = sparse.dims[static_cast<size_t>(axis)];
      const int64_t part = index[i * rank + axis];
      if (part < 0 || part >= dim) {
        return invalid_model("sparse tensor: index {} is {} on axis {}, expected 0 to {}", i, part, axis, dim - 1);
      }
      at = at * dim + part;
    }
    if (values.dtype() == DType::kString) {
      dense.mutable_data<std::string>()[at] = values.data<std::string>()[i];
    } else {
      std::memcpy(dense.mutable_raw() + static_cast<size_t>(at) * size, values.raw() + static_cast<size_t>(i) * size,
                  size);
    }
  }
  return dense;
}

}  // namespace anyrt
