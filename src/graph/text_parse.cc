#include <algorithm>
#include <charconv>

#include "graph/text.h"
#include "graph/text_internal.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

constexpr int kMaxDepth = 64;

class Parser {
 public:
  Parser(std::string_view text, const ParseOptions& options) : all_(text), text_(text), options_(options) {}

  Expected<Model> model() {
    Model m;
    skip_lines();
    while (!at_word("graph")) ANYRT_TRY(header(m.info));
    ANYRT_TRY(graph(m.graph, nullptr, nullptr));
    skip_lines();
    if (!text_.empty()) return error("expected the end of the text after the graph");
    Status sound = verify_structure(m.graph);
    if (!sound.ok()) return sound;
    return m;
  }

 private:
  struct Scope {
    Graph* graph;
    std::vector<bool> defined;           // by value
    std::vector<std::string_view> seen;  // where the text mentions the value first
  };

  Status error_at(std::string_view where, std::string_view message) const {
    std::string_view before = all_.substr(0, all_.size() - where.size());
    auto line = std::count(before.begin(), before.end(), '\n') + 1;
    size_t column = before.size() - (before.find_last_of('\n') + 1) + 1;
    return invalid_model("line {}, column {}: {}", line, column, message);
  }
  Status error(std::string_view message) const {
    std::string_view found = text_.substr(0, std::min<size_t>(text_.find('\n'), 20));
    return error_at(text_, fmt::format("{}, found {}", message, text_.empty() ? "the end" : quote(found)));
  }

  void skip_blanks() {
    for (;;) {
      text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r"), text_.size()));
      if (!text_.starts_with('#')) return;
      text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
    }
  }
  void skip_lines() {
    for (skip_blanks(); text_.starts_with('\n'); skip_blanks()) text_.remove_prefix(1);
  }
  bool eat(std::string_view token) {
    skip_lines();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  Status expect(std::string_view token) { return eat(token) ? Status() : error(fmt::format("expected '{}'", token)); }

  std::string_view peek_word() {
    skip_blanks();
    size_t end = 0;
    while (end < text_.size() && is_name_char(text_[end])) ++end;
    return text_.substr(0, end);
  }
  bool at_word(std::string_view word) { return peek_word() == word; }
  bool eat_word(std::string_view word) {
    if (!at_word(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  Expected<std::string> string() {
    skip_blanks();
    if (!text_.starts_with('"')) return error("expected a string in double quotes");
    std::string_view start = text_;
    std::string out;
    for (size_t i = 1; i < text_.size(); ++i) {
      char c = text_[i];
      if (c == '"') {
        text_.remove_prefix(i + 1);
        return out;
      }
      if (c == '\n') break;
      if (c != '\\') {
        out += c;
        continue;
      }
      char escape = ++i < text_.size() ? text_[i] : '\n';
      uint8_t byte = 0;
      switch (escape) {
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case 'r': out += '\r'; break;
        case '"':
        case '\\': out += escape; break;
        case 'x':
          if (text_.size() - i < 3 ||
              std::from_chars(&text_[i + 1], &text_[i + 1] + 2, byte, 16).ptr != &text_[i + 1] + 2) {
            return error_at(text_.substr(i - 1), "expected two hexadecimal digits after \\x");
          }
          out += static_cast<char>(byte);
          i += 2;
          break;
        default: return error_at(text_.substr(i - 1), "expected one of \\\" \\\\ \\n \\t \\r \\x");
      }
    }
    return error_at(start, "the string does not end on this line");
  }

  Expected<std::string> name(std::string_view what) {
    skip_blanks();
    if (text_.starts_with('"')) return string();
    std::string_view word = peek_word();
    if (word.empty()) return error(fmt::format("expected {}", what));
    text_.remove_prefix(word.size());
    return std::string(word);
  }

  Expected<int64_t> integer() {
    skip_blanks();
    int64_t v = 0;
    auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), v);
    if (code != std::errc()) return error("expected a 64-bit integer");
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return v;
  }

  Status header(ModelInfo& info) {
    skip_lines();
    auto set_string = [&](std::string& field) -> Status {
      ANYRT_ASSIGN(field, string());
      return {};
    };
    auto set_integer = [&](int64_t& field) -> Status {
      ANYRT_ASSIGN(field, integer());
      return {};
    };
    Status status;
    if (eat_word("ir_version")) {
      status = set_integer(info.ir_version);
    } else if (eat_word("model_version")) {
      status = set_integer(info.model_version);
    } else if (eat_word("producer_name")) {
      status = set_string(info.producer_name);
    } else if (eat_word("producer_version")) {
      status = set_string(info.producer_version);
    } else if (eat_word("domain")) {
      status = set_string(info.domain);
    } else if (eat_word("doc")) {
      status = set_string(info.doc);
    } else if (eat_word("opset")) {
      std::string domain;
      skip_blanks();
      if (text_.starts_with('"')) {
        ANYRT_ASSIGN(domain, string());
      }
      ANYRT_ASSIGN(info.opsets[domain], integer());
    } else if (eat_word("metadata")) {
      ANYRT_ASSIGN(std::string key, string());
      ANYRT_ASSIGN(info.metadata[key], string());
    } else {
      return error("expected 'graph' or a line of the model's header");
    }
    ANYRT_TRY(std::move(status));
    return end_of_line();
  }

  Status end_of_line() {
    skip_blanks();
    if (!text_.empty() && !text_.starts_with('\n')) return error("expected the end of the line");
    skip_lines();
    return {};
  }

  // The value of this name, made when the text mentions it first.
  Expected<ValueId> mention(Scope& scope) {
    skip_lines();
    std::string_view where = text_;
    ANYRT_ASSIGN(std::string value_name, name("the name of a value"));
    if (value_name == "_" && !where.starts_with('"')) return kNoValue;
    if (value_name.empty()) return error_at(where, "expected a name that is not empty");
    ValueId v = scope.graph->find_value(value_name);
    if (v != kNoValue) return v;
    scope.defined.push_back(false);
    scope.seen.push_back(where);
    return scope.graph->add_value(std::move(value_name));
  }

  Expected<ValueId> required(Scope& scope) {
    std::string_view where = text_;
    ANYRT_ASSIGN(ValueId v, mention(scope));
    if (v == kNoValue) return error_at(where, "expected the name of a value, found '_'");
    return v;
  }

  // A name that is defined here, its type and annotations. `_` when `may_omit`.
  Expected<ValueId> declaration(Scope& scope, bool may_omit) {
    skip_lines();
    std::string_view where = text_;
    ANYRT_ASSIGN(ValueId v, mention(scope));
    if (v == kNoValue) {
      if (!may_omit) return error_at(where, "expected the name of a value, found '_'");
      return v;
    }
    ValueInfo& info = scope.graph->value(v);
    if (scope.defined[index(v)]) return error_at(where, fmt::format("value '{}' is defined twice", info.name));
    scope.defined[index(v)] = true;
    skip_blanks();
    if (text_.starts_with('?') || !peek_word().empty()) {
      ANYRT_ASSIGN(info.type, type());
    }
    for (skip_blanks(); text_.starts_with('@'); skip_blanks()) {
      if (eat("@doc")) {
        ANYRT_ASSIGN(info.doc, string());
      } else if (eat("@elements")) {
        ANYRT_ASSIGN(info.known_elements, located(parse_shape));
      } else {
        return error("expected @doc or @elements");
      }
    }
    return v;
  }

  template <class T>
  Expected<T> located(Expected<T> (*parse)(std::string_view&)) {
    skip_blanks();
    std::string_view start = text_;
    Expected<T> parsed = parse(text_);
    if (!parsed.ok()) return error_at(start, parsed.status().message());
    return parsed;
  }
  Expected<Type> type() { return located(parse_type); }

  Expected<Tensor> tensor() {
    if (eat_word("none")) return Tensor();
    if (at_word("elided")) {
      return error_at(
          text_, "the elements of this tensor were left out when the text was printed; print it with all elements");
    }
    return located(parse_tensor);
  }

  Status end_of_list(bool& more, std::string_view close) {
    more = eat(",");
    return more || eat(close) ? Status() : error(fmt::format("expected ',' or '{}'", close));
  }

  template <class F>
  Status list(std::string_view close, F&& entry) {
    if (eat(close)) return {};
    for (bool more = true; more;) {
      skip_lines();
      ANYRT_TRY(entry());
      ANYRT_TRY(end_of_list(more, close));
    }
    return {};
  }

  Status graph(Graph& g, Scope* outer, Node* holder) {
    if (++depth_ > kMaxDepth) return error_at(text_, fmt::format("graphs are nested deeper than {} levels", kMaxDepth));
    Scope scope{&g, {}, {}};
    if (!eat_word("graph")) return error("expected 'graph'");
    skip_blanks();
    if (!text_.starts_with('(')) {
      ANYRT_ASSIGN(g.name, name("the name of the graph"));
    }
    ANYRT_TRY(expect("("));
    ANYRT_TRY(list(")", [&] { return input(scope); }));
    skip_blanks();
    if (outer && eat_word("captures")) {
      ANYRT_TRY(expect("("));
      ANYRT_TRY(list(")", [&] { return capture(scope, *outer, *holder); }));
    }
    ANYRT_TRY(expect("->"));
    ANYRT_TRY(expect("("));
    ANYRT_TRY(list(")", [&]() -> Status {
      ANYRT_ASSIGN(ValueId v, required(scope));
      g.outputs.push_back(v);
      return {};
    }));
    if (eat("@doc")) {
      ANYRT_ASSIGN(g.doc, string());
    }
    ANYRT_TRY(expect("{"));
    while (!eat("}")) ANYRT_TRY(line(scope));
    for (size_t i = 0; i < scope.defined.size(); ++i) {
      if (!scope.defined[i]) {
        return error_at(scope.seen[i],
                        fmt::format("value '{}' is not defined", g.value(ValueId{static_cast<uint32_t>(i)}).name));
      }
    }
    --depth_;
    return g.sort();
  }

  Status input(Scope& scope) {
    ANYRT_ASSIGN(ValueId v, declaration(scope, false));
    scope.graph->inputs.push_back(v);
    if (!eat("=")) return {};
    ANYRT_ASSIGN(scope.graph->value(v).constant, tensor());
    return {};
  }

  Status capture(Scope& scope, Scope& outer, Node& holder) {
    std::string_view where = text_;
    ANYRT_ASSIGN(ValueId inner, declaration(scope, false));
    ValueId seen = kNoValue;
    if (eat("=")) {
      ANYRT_ASSIGN(seen, required(outer));
    } else {
      std::string_view after = std::exchange(text_, where);
      ANYRT_ASSIGN(seen, required(outer));
      text_ = after;
    }
    auto slot = std::find(holder.captures.begin(), holder.captures.end(), seen) - holder.captures.begin();
    if (static_cast<size_t>(slot) == holder.captures.size()) holder.captures.push_back(seen);
    scope.graph->captures.push_back({static_cast<uint32_t>(slot), inner});
    return {};
  }

  // One constant or node, up to the end of its line.
  Status line(Scope& scope) {
    std::vector<ValueId> outputs;
    std::string_view start = text_;
    if (!eat("=")) {
      do {
        ANYRT_ASSIGN(ValueId v, declaration(scope, true));
        outputs.push_back(v);
      } while (eat(","));
      ANYRT_TRY(expect("="));
    }
    skip_blanks();
    std::string_view word = peek_word();
    if (text_.substr(word.size()).starts_with('[') || word == "elided") {
      if (outputs.size() != 1 || outputs[0] == kNoValue) return error_at(start, "expected one name before a constant");
      ANYRT_TRY(constant(scope.graph->value(outputs[0])));
    } else {
      ANYRT_TRY(node(scope, std::move(outputs)));
    }
    skip_blanks();
    return text_.starts_with('}') ? Status() : end_of_line();
  }

  Status constant(ValueInfo& info) {
    ANYRT_ASSIGN(info.constant, tensor());
    if (!info.type.defined()) info.type = Type::tensor(info.constant.dtype(), to_sym_shape(info.constant.dims()));
    return {};
  }

  Status node(Scope& scope, std::vector<ValueId> outputs) {
    Node n;
    n.outputs = std::move(outputs);
    ANYRT_ASSIGN(n.op, name("an operator or a tensor"));
    skip_blanks();
    if (n.op == "op" && text_.starts_with('"')) {
      ANYRT_ASSIGN(n.domain, string());
      ANYRT_ASSIGN(n.op, string());
    } else if (size_t dot = n.op.find_last_of('.'); dot != std::string::npos) {
      n.domain = n.op.substr(0, dot);
      n.op = n.op.substr(dot + 1);
    }
    ANYRT_TRY(expect("("));
    ANYRT_TRY(list(")", [&]() -> Status {
      ANYRT_ASSIGN(ValueId v, mention(scope));
      n.inputs.push_back(v);
      return {};
    }));
    for (skip_blanks(); !text_.empty() && !text_.starts_with('\n') && !text_.starts_with('}'); skip_blanks()) {
      ANYRT_TRY(attribute(scope, n));
    }
    if (options_.find_op) n.def = options_.find_op(n.domain, n.op);
    scope.graph->add_node(std::move(n));
    return {};
  }

  Status attribute(Scope& scope, Node& n) {
    std::string_view start = text_;
    if (eat("@name")) {
      ANYRT_ASSIGN(n.name, string());
    } else if (eat("@opset")) {
      ANYRT_ASSIGN(int64_t version, integer());
      if (version < 0 || version > 1 << 20) return error_at(start, "expected an opset between 0 and 1048576");
      n.opset = static_cast<int>(version);
    } else if (eat("@device")) {
      ANYRT_ASSIGN(n.device, string());
    } else if (eat("@doc")) {
      ANYRT_ASSIGN(n.doc, string());
    } else {
      Attr a;
      ANYRT_ASSIGN(a.name, name("an attribute or the end of the line"));
      if (n.find_attr(a.name)) return error_at(start, fmt::format("attribute '{}' is given twice", a.name));
      ANYRT_TRY(expect("="));
      skip_lines();
      ANYRT_ASSIGN(a.value, value(scope, n));
      n.attrs.push_back(std::move(a));
    }
    return {};
  }

  template <class T>
  static Expected<AttrValue> wrap(Expected<T> parsed) {
    if (!parsed.ok()) return parsed.status();
    return AttrValue(std::move(*parsed));
  }

  Expected<AttrValue> value(Scope& scope, Node& n) {
    static constexpr std::string_view kLists[] = {"ints", "floats", "strings", "tensors", "graphs", "types", "sparses"};
    skip_blanks();
    if (text_.starts_with('[')) return list_value(scope, n);
    if (text_.starts_with('"')) return wrap(string());
    std::string_view word = peek_word();
    if (auto kind = std::find(std::begin(kLists), std::end(kLists), word); kind != std::end(kLists)) {
      text_.remove_prefix(word.size());
      ANYRT_TRY(expect("["));
      ANYRT_TRY(expect("]"));
      return empty_list(kind - std::begin(kLists));
    }
    if (word == "graph") {
      GraphBox box;
      ANYRT_TRY(graph(*box, &scope, &n));
      return AttrValue(std::move(box));
    }
    if (eat_word("type")) {
      if (eat_word("none")) return AttrValue(Type());
      return wrap(type());
    }
    if (word == "sparse") return wrap(sparse());
    if (text_.substr(word.size()).starts_with('[') || word == "none" || word == "elided") return wrap(tensor());
    return number(word);
  }

  static AttrValue empty_list(ptrdiff_t kind) {
    switch (kind) {
      case 0: return std::vector<int64_t>();
      case 1: return std::vector<float>();
      case 2: return std::vector<std::string>();
      case 3: return std::vector<Tensor>();
      case 4: return std::vector<GraphBox>();
      case 5: return std::vector<Type>();
      default: return std::vector<SparseTensor>();
    }
  }

  Expected<AttrValue> number(std::string_view word) {
    if (!word.empty() && word.find_first_not_of("-0123456789") == std::string_view::npos) return wrap(integer());
    skip_blanks();
    float v = 0;
    auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), v);
    if (code != std::errc()) return error("expected the value of an attribute");
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return AttrValue(v);
  }

  Expected<SparseTensor> sparse() {
    text_.remove_prefix(std::string_view("sparse").size());
    std::string_view start = text_;
    ANYRT_ASSIGN(SymShape shape, located(parse_shape));
    std::optional<Dims> dims = to_dims(shape);
    if (!dims) return error_at(start, "expected a shape of integers");
    SparseTensor sparse_tensor;
    sparse_tensor.dims = std::move(*dims);
    ANYRT_TRY(expect("("));
    ANYRT_ASSIGN(sparse_tensor.values, tensor());
    ANYRT_TRY(expect(","));
    skip_lines();
    ANYRT_ASSIGN(sparse_tensor.indices, tensor());
    ANYRT_TRY(expect(")"));
    return sparse_tensor;
  }

  Expected<AttrValue> list_value(Scope& scope, Node& n) {
    std::string_view start = text_;
    if (++depth_ > kMaxDepth) return error_at(start, fmt::format("values are nested deeper than {} levels", kMaxDepth));
    ANYRT_TRY(expect("["));
    std::vector<AttrValue> items;
    ANYRT_TRY(list("]", [&]() -> Status {
      ANYRT_ASSIGN(AttrValue item, value(scope, n));
      items.push_back(std::move(item));
      return {};
    }));
    --depth_;
    if (items.empty())
      return error_at(start,
                      "an empty list needs its kind: ints[] floats[] strings[] tensors[] graphs[] types[] sparses[]");
    bool real =
        std::any_of(items.begin(), items.end(), [](const AttrValue& v) { return std::holds_alternative<float>(v); });
    if (real) {
      for (AttrValue& item : items) {
        if (const auto* i = std::get_if<int64_t>(&item)) item = static_cast<float>(*i);
      }
    }
    for (const AttrValue& item : items) {
      if (item.index() != items[0].index()) return error_at(start, "the elements of this list differ in kind");
    }
    Expected<AttrValue> all = std::visit([&](const auto& first) { return gather(first, items); }, items[0]);
    if (!all.ok()) return error_at(start, all.status().message());
    return all;
  }

  template <class T>
  static Expected<AttrValue> gather(const T&, std::vector<AttrValue>& items) {
    if constexpr (std::is_constructible_v<AttrValue, std::vector<T>>) {
      std::vector<T> all;
      all.reserve(items.size());
      for (AttrValue& item : items) all.push_back(std::move(std::get<T>(item)));
      return AttrValue(std::move(all));
    } else {
      return invalid_model("expected a list of values, found a list of lists");
    }
  }

  std::string_view all_;
  std::string_view text_;  // what is left; a suffix of all_
  ParseOptions options_;
  int depth_ = 0;
};

}  // namespace

Expected<Model> parse_model(std::string_view text, const ParseOptions& options) {
  return Parser(text, options).model();
}

Expected<Graph> parse_graph(std::string_view text, const ParseOptions& options) {
  ANYRT_ASSIGN(Model m, parse_model(text, options));
  return std::move(m.graph);
}

}  // namespace anyrt
