#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "codec/csv.h"
#include "codec/image.h"
#include "codec/npz.h"
#include "codec/preprocess.h"
#include "format/onnx/writer.h"
#include "tools/data/output.h"

namespace anyrt {

namespace {

namespace fs = std::filesystem;

Status write_pb(const std::string& path, const NamedValue& output) {
  ANYRT_ASSIGN(const std::string bytes, write_value_pb(output.value, output.type));
  return write_file(path, bytes);
}

Status write_folder(const std::vector<NamedValue>& outputs, const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return make_error(Code::kIoError, "cannot make the folder '{}': {}", path, error.message());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].value.empty() && !outputs[i].type.is_optional()) continue;
    ANYRT_TRY(write_pb((fs::path(path) / fmt::format("output_{}.pb", i)).string(), outputs[i]));
  }
  return ok_status();
}

Status write_all_npz(const std::vector<NamedValue>& outputs, const std::string& path) {
  std::vector<NamedTensor> tensors;
  for (const NamedValue& o : outputs) {
    if (!o.value.is_tensor()) return invalid_argument("output '{}' is no tensor; .npz holds tensors only", o.name);
    tensors.push_back({o.name, o.value.tensor()});
  }
  return write_npz(path, tensors, zip_can_deflate() ? ZipMethod::kDeflate : ZipMethod::kStored);
}

// The numbers of a picture: uint8 as they are, floats in [0, 1] or [0, 255].
Expected<Tensor> picture_of(const Tensor& t) {
  Tensor x = t;
  while (x.rank() > 3 && x.dim(0) == 1) {
    ANYRT_ASSIGN(x, x.reshaped(Dims(x.dims().begin() + 1, x.dims().end())));
  }
  const bool channels_first = x.rank() == 3 && x.dim(2) > 4 && x.dim(0) <= 4;
  if (channels_first) {
    ANYRT_ASSIGN(x, permuted(x, {1, 2, 0}));
  }
  if (x.dtype() == DType::kUInt8) return x;
  if (!is_float(x.dtype())) return convert_elements(x, DType::kUInt8);
  ANYRT_ASSIGN(const std::vector<double> values, to_doubles(x));
  const bool unit = std::all_of(values.begin(), values.end(), [](double v) { return !(v > 1.5); });
  ANYRT_ASSIGN(x, cast_tensor(x, DType::kFloat32));
  if (unit) {
    ANYRT_ASSIGN(Tensor one, x.reshaped({x.size(), 1}));
    ANYRT_ASSIGN(one, normalise(one, {.scale = 255}));
    ANYRT_ASSIGN(x, one.reshaped(x.dims()));
  }
  return convert_elements(x, DType::kUInt8);
}

Status write_text(const std::string& path, const Tensor& t) {
  ANYRT_ASSIGN(const Tensor text, cast_tensor(t, DType::kString));
  std::string out;
  for (const std::string& s : text.span<std::string>()) out += s + '\n';
  return write_file(path, out);
}

Status write_one(const NamedValue& output, const std::string& path, const std::string& ending) {
  if (ending == ".pb" && output.type.is_optional()) return write_pb(path, output);
  if (output.value.empty()) return invalid_argument("output '{}' has no value", output.name);
  if (ending == ".pb") return write_pb(path, output);
  if (!output.value.is_tensor())
    return invalid_argument("output '{}' is {}; {} holds tensors only", output.name, output.value.type_string(),
                            ending);
  const Tensor& t = output.value.tensor();
  if (ending == ".npy") return write_npy(path, t);
  if (ending == ".txt") return write_text(path, t);
  if (ending == ".csv") return encode_to_file(path, [&](ByteSink& sink) { return encode_csv(t, {}, sink); });
  ANYRT_ASSIGN(const Tensor picture, picture_of(t));
  return write_png(path, picture);
}

}  // namespace

Status write_outputs(const std::vector<NamedValue>& outputs, const std::string& target) {
  std::string name, path = target;
  if (const size_t equals = target.find('='); equals != std::string::npos) {
    name = target.substr(0, equals);
    path = target.substr(equals + 1);
  }
  std::vector<NamedValue> chosen = outputs;
  if (!name.empty()) {
    std::vector<std::string> names;
    for (const NamedValue& o : outputs) names.push_back(o.name);
    std::erase_if(chosen, [&](const NamedValue& o) { return o.name != name; });
    if (chosen.empty()) {
      return invalid_argument("the model has no output '{}'{}; it has: {}", name, did_you_mean(name, names),
                              join(names, ", "));
    }
  }
  if (path.ends_with('/')) return write_folder(chosen, path);
  const std::string ending = to_lower(fs::path(path).extension().string());
  if (ending == ".npz") return write_all_npz(chosen, path);
  if (ending == ".json") {
    ANYRT_ASSIGN(const Json json, outputs_to_json(chosen, {}));
    return write_file(path, json.dump() + "\n");
  }
  constexpr std::string_view kOne[] = {".npy", ".pb", ".csv", ".png", ".txt"};
  if (std::find(std::begin(kOne), std::end(kOne), ending) == std::end(kOne)) {
    return invalid_argument(
        "'{}': outputs are written to .npy, .npz, .pb, .json, .csv, .png or .txt files, or to a folder (NAME/)", path);
  }
  if (chosen.size() != 1) {
    return invalid_argument(
        "'{}' holds one output, the model has {}; name one (NAME=PATH), or use .npz, .json or a folder", path,
        chosen.size());
  }
  return write_one(chosen[0], path, ending);
}

}  // namespace anyrt
