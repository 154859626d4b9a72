#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tensor/tensor.h"
#include "tensor/type.h"

namespace anyrt {

class Value;

// Values of an ONNX sequence. The element type is kept because an empty sequence has one too.
struct Sequence {
  Type elem_type;
  std::vector<Value> values;
};

// ONNX map: keys in order of insertion is not kept; sorted by key as onnxruntime does. Keys are int64 or string.
struct MapValue {
  Type value_type;
  std::variant<std::map<int64_t, Value>, std::map<std::string, Value>> entries;
};

// COO as in ONNX SparseTensorProto: indices [NNZ] (linearised) or [NNZ, rank], int64, sorted.
struct SparseTensor {
  Dims dims;
  Tensor values;
  Tensor indices;
};

// What flows along a graph edge. An optional without a value is empty; an optional with a value is that value.
class Value {
 public:
  Value() = default;                                                                   // empty optional / omitted input
  Value(Tensor t) : rep_(std::move(t)) {}                                              // NOLINT: implicit by design
  Value(Sequence s) : rep_(std::make_shared<const Sequence>(std::move(s))) {}          // NOLINT
  Value(MapValue m) : rep_(std::make_shared<const MapValue>(std::move(m))) {}          // NOLINT
  Value(SparseTensor s) : rep_(std::make_shared<const SparseTensor>(std::move(s))) {}  // NOLINT

  bool empty() const { return rep_.index() == 0; }
  bool is_tensor() const { return rep_.index() == 1; }
  bool is_sequence() const { return rep_.index() == 2; }
  bool is_map() const { return rep_.index() == 3; }
  bool is_sparse() const { return rep_.index() == 4; }

  // The caller has asked is_*() before.
  const Tensor& tensor() const { return std::get<1>(rep_); }
  Tensor& tensor() { return std::get<1>(rep_); }
  const Sequence& sequence() const { return *std::get<2>(rep_); }
  const MapValue& map() const { return *std::get<3>(rep_); }
  const SparseTensor& sparse() const { return *std::get<4>(rep_); }

  Type type() const;  // concrete dims; an empty optional gives an undefined type
  std::string type_string() const;

 private:
  std::variant<std::monostate, Tensor, std::shared_ptr<const Sequence>, std::shared_ptr<const MapValue>,
               std::shared_ptr<const SparseTensor>>
      rep_;
};

// Dense form of a sparse tensor. Errors for indices out of range.
Expected<Tensor> to_dense(const SparseTensor& sparse);

}  // namespace anyrt
