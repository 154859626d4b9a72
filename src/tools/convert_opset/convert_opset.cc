#include "tools/convert_opset/convert_opset.h"

#include "format/onnx/import.h"

namespace anyrt {

Status convert_opset(const std::string& from, const std::string& to, const WriteOptions& options) {
  ANYRT_ASSIGN(const Model model, import_onnx_file(from));
  ANYRT_TRY(write_onnx_file(model, to, options));
  return import_onnx_file(to).status();
}

}  // namespace anyrt
