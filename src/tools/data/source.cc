#include "tools/data/source.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "codec/csv.h"
#include "codec/image.h"
#include "codec/jsontensor.h"
#include "codec/npz.h"
#include "codec/wav.h"
#include "format/onnx/reader.h"
#include "tensor/file.h"
#include "tensor/number_text.h"
#include "tools/data/adapt.h"
#include "tools/data/generate.h"
#include "tools/data/pictures.h"

namespace anyrt {

namespace {

namespace fs = std::filesystem;

// The tensor type that a tensor must have for the input: that of the value for an optional one.
const Type& tensor_type(const Type& type) { return type.is_optional() && type.elem ? *type.elem : type; }

Dims shape_of(const SourceOptions& options, const Dims& otherwise) {
  return options.shape ? *options.shape : otherwise;
}

Expected<Value> finish(Tensor t, const ValueSpec& spec, const SourceOptions& options) {
  if (options.shape) {
    ANYRT_ASSIGN(t, t.reshaped(*options.shape));
  }
  ANYRT_ASSIGN(t, adapt_tensor(t, tensor_type(spec.type)));
  return Value(std::move(t));
}

DType wanted_dtype(const ValueSpec& spec, const SourceOptions& options) {
  return options.dtype != DType::kUndefined ? options.dtype : tensor_type(spec.type).dtype;
}

MakeValue tensor_maker(Tensor tensor, SourceOptions options) {
  return [tensor = std::move(tensor), options = std::move(options)](const ValueSpec& spec, std::vector<std::string>&) {
    return finish(tensor, spec, options);
  };
}

MakeValue json_maker(Json json, SourceOptions options, std::string path) {
  auto shared = std::make_shared<const Json>(std::move(json));
  return [shared, options = std::move(options), path = std::move(path)](const ValueSpec& spec,
                                                                        std::vector<std::string>&) -> Expected<Value> {
    Expected<Tensor> t = tensor_from_json(*shared, wanted_dtype(spec, options));
    if (!t.ok()) return path.empty() ? t.status() : std::move(t).status().with_context(path);
    return finish(std::move(*t), spec, options);
  };
}

// Data made up for the input's type: `make` gets its element type and dims.
template <class F>
MakeValue generated(F make, DataOptions options) {
  return [make = std::move(make), options = std::move(options)](const ValueSpec& spec,
                                                                std::vector<std::string>& notes) -> Expected<Value> {
    const Type& type = tensor_type(spec.type);
    if (type.defined() && !type.is_tensor())
      return invalid_argument("only tensors can be made up, expected {}", type.to_string());
    DType dtype = wanted_dtype(spec, options.source);
    if (dtype == DType::kUndefined) dtype = DType::kFloat32;
    Dims dims;
    const auto named = options.shapes.find(spec.name);
    if (options.source.shape || named != options.shapes.end()) {
      dims = shape_of(options.source, named != options.shapes.end() ? named->second : Dims());
    } else {
      ANYRT_ASSIGN(dims, generated_dims(type, options.dims, notes));
    }
    ANYRT_ASSIGN(Tensor t, make(dtype, std::move(dims)));
    ANYRT_ASSIGN(t, adapt_tensor(t, type));
    return Value(std::move(t));
  };
}

MakeValue filled(std::string text, DataOptions options) {
  return generated(
      [text = std::move(text)](DType dtype, Dims dims) { return filled_tensor(dtype, std::move(dims), text); },
      std::move(options));
}

bool parse_seed(std::string_view text, uint64_t& seed) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  return error == std::errc() && end == text.data() + text.size();
}

// "random", "random:SEED", "random:SEED:LOW:HIGH".
Expected<MakeValue> random_maker(std::string_view text, DataOptions options) {
  const auto parts = split(text, ':');
  uint64_t seed = 0;
  RandomRange range;
  bool good = parts.size() == 1 || parts.size() == 2 || parts.size() == 4;
  if (good && parts.size() > 1) good = parse_seed(parts[1], seed);
  if (good && parts.size() == 4) {
    const auto low = parse_double_text(parts[2]), high = parse_double_text(parts[3]);
    good = low && high && *low < *high;
    if (good) range = {*low, *high};
  }
  if (!good) return invalid_argument("random data is asked for as random, random:SEED or random:SEED:LOW:HIGH");
  return generated([seed, range](DType dtype, Dims dims) { return random_tensor(dtype, std::move(dims), seed, range); },
                   std::move(options));
}

bool is_number(std::string_view text) {
  return !text.empty() && (text == "true" || text == "false" || parse_double_text(text).has_value());
}

struct Opened {
  std::string path;
  std::shared_ptr<Buffer> buffer;
  Bytes bytes() const { return {buffer->data(), buffer->size()}; }
};

Expected<Opened> open_file(const std::string& path) {
  ANYRT_ASSIGN(auto buffer, load_file(path));
  return Opened{path, std::move(buffer)};
}

// `make` with the file's name in front of its errors.
template <class F>
MakeValue from_file(Opened file, F make) {
  return [file = std::move(file), make = std::move(make)](const ValueSpec& spec,
                                                          std::vector<std::string>&) -> Expected<Value> {
    Expected<Value> value = make(file.bytes(), spec);
    if (!value.ok()) return std::move(value).status().with_context(file.path);
    return value;
  };
}

MakeValue pb_maker(Opened file, SourceOptions options) {
  return from_file(std::move(file), [options](Bytes bytes, const ValueSpec& spec) -> Expected<Value> {
    ANYRT_ASSIGN(Value value, read_value_pb(bytes, spec.type));
    if (!value.is_tensor()) return value;
    return finish(value.tensor(), spec, options);
  });
}

Expected<Source> open_npz(Source source, const Opened& file, const std::string& entry, const SourceOptions& options) {
  ANYRT_ASSIGN(const auto tensors, decode_npz(file.buffer, {.one_byte = options.dtype}));
  std::vector<std::string> names;
  for (const NamedTensor& t : tensors) names.push_back(t.name);
  if (source.name.empty() && entry.empty()) {
    source.kind = Source::Kind::kNamed;
    for (const NamedTensor& t : tensors) source.entries.emplace_back(t.name, tensor_maker(t.tensor, options));
    return source;
  }
  const std::string& wanted = entry.empty() ? source.name : entry;
  auto found = std::find(names.begin(), names.end(), wanted);
  if (found == names.end() && entry.empty() && tensors.size() == 1) found = names.begin();
  if (found == names.end()) {
    return make_error(Code::kNotFound, "there is no entry '{}'; the file has: {}", wanted, join(names, ", "));
  }
  source.entries.emplace_back("", tensor_maker(tensors[static_cast<size_t>(found - names.begin())].tensor, options));
  return source;
}

Expected<Source> open_json(Source source, std::string_view text, const SourceOptions& options,
                           const std::string& path = "") {
  ANYRT_ASSIGN(Json json, Json::parse(text, size_t{1} << 27));
  if (!source.name.empty() && json.is_object() && json.contains(source.name)) json = Json(json[source.name]);
  ANYRT_ASSIGN(auto named, split_named_json(std::move(json)));
  if (named.size() == 1 && named[0].name.empty()) {
    source.entries.emplace_back("", json_maker(std::move(named[0].value), options, path));
    return source;
  }
  if (!source.name.empty()) return invalid_argument("the object has no member '{}'", source.name);
  source.kind = Source::Kind::kNamed;
  for (NamedJson& n : named) source.entries.emplace_back(n.name, json_maker(std::move(n.value), options, path));
  return source;
}

Expected<Source> open_csv(Source source, const Opened& file, const SourceOptions& options) {
  source.entries.emplace_back("", from_file(file, [options](Bytes bytes, const ValueSpec& spec) -> Expected<Value> {
                                const DType dtype = wanted_dtype(spec, options);
                                ANYRT_ASSIGN(Csv csv, decode_csv(as_text(bytes), {.dtype = dtype}));
                                return finish(std::move(csv.values), spec, options);
                              }));
  // A table with a header may also feed models that have one input a column.
  ANYRT_ASSIGN(const Csv table,
               decode_csv(as_text(file.bytes()), {.header = CsvOptions::Header::kYes, .dtype = DType::kString}));
  const auto rows = table.values.dim(0), columns = table.values.dim(1);
  source.kind = Source::Kind::kColumns;
  for (int64_t c = 0; c < columns; ++c) {
    ANYRT_ASSIGN(Tensor column, Tensor::make(DType::kString, {rows, 1}));
    for (int64_t r = 0; r < rows; ++r) {
      column.mutable_data<std::string>()[r] = table.values.data<std::string>()[r * columns + c];
    }
    source.entries.emplace_back(table.columns[static_cast<size_t>(c)],
                                [column, options](const ValueSpec& spec, std::vector<std::string>&) -> Expected<Value> {
                                  ANYRT_ASSIGN(Tensor t, cast_tensor(column, wanted_dtype(spec, options)));
                                  return finish(std::move(t), spec, options);
                                });
  }
  return source;
}

Expected<Source> open_folder(Source source, const std::string& path, const SourceOptions& options) {
  source.kind = Source::Kind::kPositional;
  for (size_t i = 0;; ++i) {
    const std::string file = (fs::path(path) / fmt::format("input_{}.pb", i)).string();
    std::error_code error;
    if (!fs::exists(file, error)) break;
    ANYRT_ASSIGN(Opened opened, open_file(file));
    source.entries.emplace_back("", pb_maker(std::move(opened), options));
  }
  if (source.entries.empty()) return make_error(Code::kNotFound, "the folder has no input_0.pb");
  return source;
}

// By content where that is sure, else by the name's ending.
Expected<Source> open_path(Source source, const std::string& path, const std::string& entry,
                           const SourceOptions& options) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_folder(std::move(source), path, options);
  ANYRT_ASSIGN(Opened file, open_file(path));
  const std::string_view head = as_text(file.bytes()).substr(0, 12);
  const std::string ending = to_lower(fs::path(path).extension().string());
  if (head.starts_with("\x93NUMPY")) {
    ANYRT_ASSIGN(Tensor t, decode_npy(file.buffer, {.one_byte = options.dtype}));
    source.entries.emplace_back("", tensor_maker(std::move(t), options));
    return source;
  }
  if (head.starts_with("PK\x03\x04") || ending == ".npz") return open_npz(std::move(source), file, entry, options);
  if (ending == ".pb") {
    source.entries.emplace_back("", pb_maker(std::move(file), options));
    return source;
  }
  if (ending == ".json") return open_json(std::move(source), as_text(file.bytes()), options, path);
  if (ending == ".csv" || ending == ".tsv" || ending == ".txt") return open_csv(std::move(source), file, options);
  if (head.size() == 12 && (head.starts_with("RIFF") || head.starts_with("RF64")) && head.substr(8) == "WAVE") {
    source.entries.emplace_back("", from_file(file, [options](Bytes bytes, const ValueSpec& spec) -> Expected<Value> {
                                  ANYRT_ASSIGN(const Audio audio, decode_wav(bytes));
                                  ANYRT_ASSIGN(Tensor t, sound_input(audio, options.audio, tensor_type(spec.type)));
                                  return finish(std::move(t), spec, options);
                                }));
    return source;
  }
  if (!image_format_of(file.bytes()).empty()) {
    source.entries.emplace_back("", from_file(file, [options](Bytes bytes, const ValueSpec& spec) -> Expected<Value> {
                                  ANYRT_ASSIGN(Tensor t, picture_input(bytes, options.image, tensor_type(spec.type)));
                                  return finish(std::move(t), spec, options);
                                }));
    return source;
  }
  return invalid_argument(
      "the file is none that inputs can be read from (.npy, .npz, .pb, .json, .csv, a picture in JPEG, PNG, WebP, BMP, "
      "TIFF, PNM or JPEG "
      "2000, .wav)");
}

// Cuts ",name=value" off the end as long as the name is that of an option.
Status take_options(std::string_view& text, SourceOptions& options) {
  std::vector<std::pair<std::string_view, std::string_view>> found;
  for (;;) {
    const size_t comma = text.rfind(',');
    if (comma == std::string_view::npos) break;
    const std::string_view part = text.substr(comma + 1);
    const size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    if (!is_source_option(name) || (equals == std::string_view::npos && name != "mono")) break;
    found.emplace_back(name, equals == std::string_view::npos ? std::string_view("on") : part.substr(equals + 1));
    text = text.substr(0, comma);
  }
  for (auto it = found.rbegin(); it != found.rend(); ++it) ANYRT_TRY(set_source_option(options, it->first, it->second));
  return ok_status();
}

bool exists(const std::string& path) {
  std::error_code error;
  return path == "-" || fs::exists(path, error);
}

Expected<Source> open_text(Source source, std::string_view text, const DataOptions& options) {
  const SourceOptions& o = options.source;
  auto one = [&](MakeValue make, Source::Kind kind = Source::Kind::kOne) {
    source.kind = kind;
    source.entries.emplace_back("", std::move(make));
    return std::move(source);
  };
  if (text == "random" || text.starts_with("random:")) {
    ANYRT_ASSIGN(MakeValue make, random_maker(text, options));
    return one(std::move(make), Source::Kind::kAnyInput);
  }
  if (text == "zeros") return one(filled("0", options), Source::Kind::kAnyInput);
  if (text == "ones") return one(filled("1", options), Source::Kind::kAnyInput);
  if (text.starts_with("fill:")) return one(filled(std::string(text.substr(5)), options), Source::Kind::kAnyInput);
  if (text.starts_with("text:")) return one(tensor_maker(Tensor::string_scalar(std::string(text.substr(5))), o));
  if (text.starts_with("bytes:")) {
    ANYRT_ASSIGN(const Opened file, open_file(std::string(text.substr(6))));
    ANYRT_ASSIGN(Tensor t, Tensor::view(DType::kUInt8, {static_cast<int64_t>(file.buffer->size())}, file.buffer));
    return one(tensor_maker(std::move(t), o));
  }
  if (text.starts_with('[') || text.starts_with('{') || text.starts_with('"'))
    return open_json(std::move(source), text, o);
  std::string path(text), entry;
  if (!exists(path)) {
    if (is_number(text)) return one(filled(std::string(text), options));
    if (const size_t colon = path.rfind(':'); colon != std::string::npos && exists(path.substr(0, colon))) {
      entry = path.substr(colon + 1);
      path.resize(colon);
    }
  }
  auto opened = open_path(std::move(source), path, entry, o);
  if (!opened.ok() && opened.status().message().find(path) == std::string::npos) {
    return std::move(opened).status().with_context(path);
  }
  return opened;
}

}  // namespace

Expected<Source> open_source(std::string_view text, const DataOptions& shared) {
  Source source;
  source.text = text;
  DataOptions options = shared;
  std::string_view rest = text;
  if (Status s = take_options(rest, options.source); !s.ok()) return std::move(s).with_context(text);
  const bool inline_text =
      rest.starts_with('[') || rest.starts_with('{') || rest.starts_with('"') || rest.starts_with("text:");
  if (const size_t equals = rest.find('=');
      equals != std::string_view::npos && !inline_text && !exists(std::string(rest))) {
    source.name = rest.substr(0, equals);
    rest = rest.substr(equals + 1);
  }
  if (rest.empty()) return invalid_argument("input '{}': the source is missing; it is given as [NAME=]SOURCE", text);
  if (const auto shape = options.shapes.find(source.name);
      !source.name.empty() && shape != options.shapes.end() && !options.source.shape) {
    options.source.shape = shape->second;
  }
  return open_text(std::move(source), rest, options);
}

}  // namespace anyrt
