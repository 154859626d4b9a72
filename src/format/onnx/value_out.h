#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "format/onnx/wire_out.h"
#include "tensor/type.h"
#include "tensor/value.h"

namespace anyrt::onnx {

// Decides which tensors leave the model file, and lays them out: page-aligned where they are large, equal ones once.
class ExternalOut {
 public:
  struct Slot {
    std::string location;
    uint64_t offset = 0;
    uint64_t length = 0;
  };
  ExternalOut(std::string file_name, size_t threshold, bool one_file)
      : file_name_(std::move(file_name)), threshold_(threshold), one_file_(one_file) {}

  // Null: the tensor stays in the model.
  const Slot* place(const Tensor& tensor);
  struct File {
    std::string name;
    uint64_t size = 0;
    std::vector<std::pair<uint64_t, Tensor>> tensors;  // (offset, data), ascending
  };
  const std::vector<File>& files() const { return files_; }

 private:
  std::string file_name_;
  size_t threshold_;
  bool one_file_;
  std::vector<File> files_;
  std::unordered_map<std::string, Slot> placed_;  // by address, size and element type
};

// What is collected while messages are made.
struct OutContext {
  ExternalOut* external = nullptr;
  int min_ir_version = 4;  // raised by what is written

  void see(DType dtype);
  void need_ir(int version) { min_ir_version = version > min_ir_version ? version : min_ir_version; }
};

// True when every part says its kind and element type, as a TypeProto must.
bool is_complete(const Type& type);
MessageOut type_message(const Type& type, OutContext& context);
Expected<MessageOut> tensor_message(const Tensor& tensor, std::string_view name, OutContext& context);
Expected<MessageOut> sparse_message(const SparseTensor& sparse, OutContext& context);
Expected<MessageOut> value_message(const Value& value, const Type& type, OutContext& context, int depth = 0);

}  // namespace anyrt::onnx
