#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "format/onnx/proto.h"
#include "tensor/tensor.h"

namespace anyrt::onnx {

struct ExternalSlice {
  std::shared_ptr<Buffer> buffer;
  size_t offset = 0;
  size_t length = 0;
};

// Finds the bytes of tensors that live beside the model. Locations are confined to the model's folder: absolute paths,
// ".." and links that lead out of it are refused.
class ExternalFiles {
 public:
  // Files below `folder`; "" = none, only buffers added by name.
  explicit ExternalFiles(std::string folder) : folder_(std::move(folder)) {}

  // Where the model file itself is a link, data may be a link to the same folder.
  void set_model_file(const std::string& path);
  void add(std::string location, std::shared_ptr<Buffer> buffer) { buffers_[std::move(location)] = std::move(buffer); }

  // The slice that `entries` (location, offset, length) describe; `expected` bytes must be there.
  Expected<ExternalSlice> find(const Entries& entries, uint64_t expected);
  // Of all files read so far.
  uint64_t identity() const;

 private:
  Expected<std::shared_ptr<Buffer>> open(const std::string& location);
  Expected<std::string> confined(const std::string& location) const;

  std::string folder_;
  std::string linked_folder_;
  std::map<std::string, std::shared_ptr<Buffer>, std::less<>> buffers_;
};

}  // namespace anyrt::onnx
