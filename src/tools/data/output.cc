#include "tools/data/output.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/text.h"
#include "codec/jsontensor.h"
#include "tensor/number_text.h"

namespace anyrt {

namespace {

// NaN is printed without its sign.
std::string number(double v) { return std::isnan(v) ? "NaN" : fmt::format("{:.6g}", v); }

std::string quoted(const std::string& s) { return Json(s).dump(); }

std::string element_text(const Tensor& t, int64_t i) {
  if (t.dtype() == DType::kString) return quoted(t.data<std::string>()[i]);
  auto one =
      Tensor::view(t.dtype(), {1}, t.buffer(), t.buffer_offset() + static_cast<size_t>(i) * element_size(t.dtype()));
  if (!one.ok()) return "?";
  auto text = cast_tensor(*one, DType::kString);
  if (text.ok()) return *text->data<std::string>();
  if (t.dtype() == DType::kComplex64)
    return fmt::format("{}+{}i", t.data<Complex64>()[i].re, t.data<Complex64>()[i].im);
  if (t.dtype() == DType::kComplex128)
    return fmt::format("{}+{}i", t.data<Complex128>()[i].re, t.data<Complex128>()[i].im);
  return "?";
}

// "min -1 max 2 mean 0.5", and how many elements are not finite.
std::string summary(const Tensor& t) {
  if (t.size() == 0 || !(is_float(t.dtype()) || is_int(t.dtype()))) return "";
  auto values = to_doubles(t);
  if (!values.ok()) return "";
  double low = INFINITY, high = -INFINITY, sum = 0;
  int64_t finite = 0;
  for (double v : *values) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
    sum += v;
    ++finite;
  }
  std::string out;
  if (finite > 0)
    out = fmt::format("  min {} max {} mean {}", number(low), number(high), number(sum / static_cast<double>(finite)));
  if (finite < t.size()) out += fmt::format("  {} not finite", t.size() - finite);
  return out;
}

std::string elements(const Tensor& t, int64_t most) {
  std::string out;
  const int64_t shown = std::min(t.size(), most);
  for (int64_t i = 0; i < shown; ++i) out += (i ? " " : "") + element_text(t, i);
  if (shown < t.size()) out += fmt::format("{}… {} more", shown ? " " : "", t.size() - shown);
  return out;
}

std::string label_of(const TableOptions& options, int64_t index) {
  return static_cast<size_t>(index) < options.labels.size() ? options.labels[static_cast<size_t>(index)] : "";
}

void add_top(std::string& out, const std::vector<std::vector<Ranked>>& rows, const TableOptions& options) {
  constexpr size_t kMaxRows = 16;
  for (size_t r = 0; r < std::min(rows.size(), kMaxRows); ++r) {
    if (rows.size() > 1) out += fmt::format("  row {}\n", r);
    for (size_t k = 0; k < rows[r].size(); ++k) {
      const Ranked& item = rows[r][k];
      const std::string value = options.softmax ? fmt::format("{:.2f} %", 100 * item.value) : number(item.value);
      out += fmt::format("  {:>3}  {:>12}  {:>6}  {}\n", k + 1, value, item.index, label_of(options, item.index));
    }
  }
  if (rows.size() > kMaxRows) out += fmt::format("  … {} more rows\n", rows.size() - kMaxRows);
}

void add_value(std::string& out, const Value& value, const TableOptions& options, int depth) {
  const std::string indent(static_cast<size_t>(2 * depth), ' ');
  if (value.is_tensor()) {
    const Tensor& t = value.tensor();
    if (options.top_k > 0) {
      if (auto rows = top_k(t, options.top_k, options.softmax); rows.ok()) return add_top(out, *rows, options);
    }
    if (t.size() > 0) out += indent + elements(t, options.max_elements) + '\n';
    return;
  }
  auto add_item = [&](const std::string& key, const Value& item) {
    out += fmt::format("{}{}: {}{}\n", indent, key, item.type_string(), item.is_tensor() ? summary(item.tensor()) : "");
    if (depth < 8) add_value(out, item, options, depth + 1);
  };
  auto add_all = [&](auto begin, size_t count, auto key_of, auto value_of) {
    const auto shown = std::min(count, static_cast<size_t>(options.max_elements));
    for (size_t i = 0; i < shown; ++i, ++begin) add_item(key_of(*begin, i), value_of(*begin));
    if (shown < count) out += fmt::format("{}… {} more\n", indent, count - shown);
  };
  if (value.is_sequence()) {
    const auto& items = value.sequence().values;
    add_all(
        items.begin(), items.size(), [](const Value&, size_t i) { return fmt::format("[{}]", i); },
        [](const Value& v) { return v; });
  } else if (value.is_map()) {
    std::visit(
        [&](const auto& entries) {
          add_all(
              entries.begin(), entries.size(),
              [](const auto& e, size_t) {
                if constexpr (std::is_same_v<std::decay_t<decltype(e.first)>, std::string>) {
                  return quoted(e.first);
                } else {
                  return fmt::format("{}", e.first);
                }
              },
              [](const auto& e) { return e.second; });
        },
        value.map().entries);
  } else if (value.is_sparse()) {
    add_item("values", Value(value.sparse().values));
    add_item("indices", Value(value.sparse().indices));
  }
}

Json top_json(const std::vector<std::vector<Ranked>>& rows, const TableOptions& options) {
  Json out = Json::array();
  for (const auto& row : rows) {
    Json list = Json::array();
    for (const Ranked& item : row) {
      Json entry = Json::object();
      entry.set("index", item.index);
      if (const std::string label = label_of(options, item.index); !label.empty()) entry.set("label", label);
      entry.set("value", item.value);
      list.push_back(std::move(entry));
    }
    out.push_back(std::move(list));
  }
  return out;
}

}  // namespace

std::string output_table(const std::vector<NamedValue>& outputs, const TableOptions& options) {
  std::string out;
  for (const NamedValue& o : outputs) {
    out += fmt::format("{}: {}{}\n", o.name, o.value.empty() ? "no value" : o.value.type_string(),
                       o.value.is_tensor() ? summary(o.value.tensor()) : "");
    add_value(out, o.value, options, 1);
  }
  return out;
}

Expected<Json> value_to_json(const Value& value) {
  if (value.is_tensor()) return tensor_to_typed_json(value.tensor());
  Json out = Json::object();
  if (value.is_sequence()) {
    Json items = Json::array();
    for (const Value& v : value.sequence().values) {
      ANYRT_ASSIGN(Json item, value_to_json(v));
      items.push_back(std::move(item));
    }
    out.set("values", std::move(items));
  } else if (value.is_map()) {
    Json entries = Json::array();
    Status status;
    std::visit(
        [&](const auto& map) {
          for (const auto& [key, v] : map) {
            auto item = value_to_json(v);
            if (!item.ok()) {
              status = std::move(item).status();
              return;
            }
            Json entry = Json::object();
            entry.set("key", key);
            entry.set("value", *std::move(item));
            entries.push_back(std::move(entry));
          }
        },
        value.map().entries);
    ANYRT_TRY(std::move(status));
    out.set("entries", std::move(entries));
  } else if (value.is_sparse()) {
    const SparseTensor& s = value.sparse();
    ANYRT_ASSIGN(Json values, tensor_to_typed_json(s.values));
    ANYRT_ASSIGN(Json indices, tensor_to_typed_json(s.indices));
    out.set("shape", Json::array_of(s.dims)).set("values", std::move(values)).set("indices", std::move(indices));
  }
  return out;
}

Expected<Json> outputs_to_json(const std::vector<NamedValue>& outputs, const TableOptions& options) {
  Json list = Json::array();
  for (const NamedValue& o : outputs) {
    Json entry = Json::object();
    entry.set("name", o.name);
    if (o.value.empty()) {
      entry.set("type", Json());
    } else {
      entry.set("type", o.value.type_string());
      ANYRT_ASSIGN(const Json value, value_to_json(o.value));
      for (const auto& [name, member] : value.members()) entry.set(name, member);
    }
    if (options.top_k > 0 && o.value.is_tensor()) {
      if (auto rows = top_k(o.value.tensor(), options.top_k, options.softmax); rows.ok())
        entry.set("top", top_json(*rows, options));
    }
    list.push_back(std::move(entry));
  }
  Json out = Json::object();
  out.set("outputs", std::move(list));
  return out;
}

Expected<std::vector<std::vector<Ranked>>> top_k(const Tensor& tensor, int64_t k, bool softmax) {
  if (!is_float(tensor.dtype()) && !is_int(tensor.dtype()))
    return invalid_argument("{} cannot be ranked", tensor.type_string());
  ANYRT_ASSIGN(std::vector<double> values, to_doubles(tensor));
  int axis = tensor.rank() - 1;
  while (axis > 0 && tensor.dim(axis) == 1) --axis;
  const int64_t length = axis < 0 ? 1 : tensor.dim(axis);
  std::vector<std::vector<Ranked>> rows;
  for (int64_t begin = 0; begin < tensor.size(); begin += length) {
    double* row = values.data() + begin;
    if (softmax) {
      const double most = *std::max_element(row, row + length);
      double sum = 0;
      for (int64_t i = 0; i < length; ++i) sum += row[i] = std::exp(row[i] - most);
      for (int64_t i = 0; i < length; ++i) row[i] /= sum;
    }
    std::vector<Ranked> ranked;
    for (int64_t i = 0; i < length; ++i) ranked.push_back({i, row[i]});
    const auto count = static_cast<size_t>(std::min(k, length));
    auto before = [](const Ranked& a, const Ranked& b) {
      if (std::isnan(a.value) != std::isnan(b.value)) return std::isnan(b.value);
      if (a.value != b.value && !std::isnan(a.value)) return a.value > b.value;
      return a.index < b.index;
    };
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count), ranked.end(), before);
    ranked.resize(count);
    rows.push_back(std::move(ranked));
  }
  return rows;
}

Expected<std::vector<std::string>> read_labels(const std::string& path) {
  ANYRT_ASSIGN(const std::string text, read_file(path));
  std::vector<std::string> labels;
  const std::string_view body = trim(text);
  if (!body.starts_with('[') && !body.starts_with('{')) {
    for (std::string_view line : split(body, '\n')) labels.emplace_back(trim(line));
    return labels;
  }
  auto json = Json::parse(body);
  if (!json.ok()) return std::move(json).status().with_context(path);
  auto label_in = [](const Json& v) {
    return v.is_array() && v.size() > 0 ? v.items().back().as_string() : v.as_string();
  };
  for (const Json& item : json->items()) labels.push_back(label_in(item));
  for (const auto& [key, item] : json->members()) {
    const auto index = parse_integer_text(key);
    if (!index || *index < 0 || *index > 10'000'000)
      return invalid_argument("{}: the key '{}' is not an index", path, key);
    if (labels.size() <= static_cast<size_t>(*index)) labels.resize(static_cast<size_t>(*index) + 1);
    labels[static_cast<size_t>(*index)] = label_in(item);
  }
  return labels;
}

}  // namespace anyrt
