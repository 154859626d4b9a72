#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "format/onnx/external.h"
#include "format/onnx/proto.h"
#include "tensor/tensor.h"
#include "tensor/value.h"

namespace anyrt::onnx {

// Where tensors get their bytes from.
struct TensorSource {
  Source source;
  std::shared_ptr<Buffer> buffer;     // holds the whole message; null: data is copied
  ExternalFiles* external = nullptr;  // null: external data is refused
};

// "'weight' (float32[2,3])" for messages.
std::string describe(const TensorMsg& msg);

// Checks sizes before anything is allocated; views the file where the bytes can be used as they lie.
Expected<Tensor> make_tensor(const TensorMsg& msg, const TensorSource& source);
Expected<Tensor> read_tensor(std::string_view bytes, const TensorSource& source);
Expected<SparseTensor> read_sparse(std::string_view bytes, const TensorSource& source,
                                   std::string_view* name = nullptr);

// SequenceProto, OptionalProto, MapProto, SparseTensorProto or TensorProto, as `type` says.
Expected<Value> read_value(std::string_view bytes, const Type& type, const TensorSource& source, int depth = 0);

}  // namespace anyrt::onnx
