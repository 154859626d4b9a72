#include "graph/text.h"

#include <cmath>

#include "graph/hash.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

std::string float_text(float v) {
  if (std::isnan(v)) return "nan";
  std::string text = fmt::format("{}", v);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

bool is_word(std::string_view text) {
  bool word = !text.empty();
  for (char c : text) word = word && c != '.' && c != '/' && c != ':' && c != '$' && c != '-';
  return word && quote_name(text) == text;
}

class Printer {
 public:
  explicit Printer(const PrintOptions& options) : options_(options) {}
  std::string take() { return std::move(out_); }

  void graph(const Graph& g, const Graph* outer, const Node* holder) {
    out_ += "graph ";
    if (!g.name.empty()) out_ += quote_name(g.name);
    out_ += "(";
    list(g.inputs.size(), [&](size_t i) { input(g, g.inputs[i]); });
    out_ += ")";
    if (!g.captures.empty()) {
      out_ += " captures (";
      list(g.captures.size(), [&](size_t i) { capture(g, g.captures[i], outer, holder); });
      out_ += ")";
    }
    out_ += " -> (";
    list(g.outputs.size(), [&](size_t i) { name(g, g.outputs[i]); });
    out_ += ")";
    if (options_.docs && !g.doc.empty()) out_ += " @doc " + quote(g.doc);
    out_ += " {\n";
    ++depth_;
    constants(g);
    for (NodeId id : g.order()) node(g, g.node(id));
    --depth_;
    indent();
    out_ += "}";
  }

  void header(const ModelInfo& info) {
    auto pair = [&](std::string_view word, const std::string& text) {
      if (!text.empty()) out_ += fmt::format("{} {}\n", word, quote(text));
    };
    if (info.ir_version != 0) out_ += fmt::format("ir_version {}\n", info.ir_version);
    for (const auto& [domain, version] : info.opsets) {
      out_ +=
          domain.empty() ? fmt::format("opset {}\n", version) : fmt::format("opset {} {}\n", quote(domain), version);
    }
    pair("producer_name", info.producer_name);
    pair("producer_version", info.producer_version);
    pair("domain", info.domain);
    if (info.model_version != 0) out_ += fmt::format("model_version {}\n", info.model_version);
    if (options_.docs) pair("doc", info.doc);
    for (const auto& [key, text] : info.metadata) out_ += fmt::format("metadata {} {}\n", quote(key), quote(text));
  }

  void attr_value(const AttrValue& value, const Graph* owner, const Node* holder) {
    owner_ = owner;
    holder_ = holder;
    std::visit([&](const auto& v) { print(v); }, value);
  }

 private:
  void indent() { out_.append(2 * depth_, ' '); }

  // More than a few entries go on lines of their own.
  template <class F>
  void list(size_t count, F&& entry) {
    bool lines = count > 4;
    depth_ += 2;
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out_ += lines ? "," : ", ";
      if (lines) {
        out_ += '\n';
        indent();
      }
      entry(i);
    }
    depth_ -= 2;
  }

  void name(const Graph& g, ValueId v) { out_ += v == kNoValue ? "_" : quote_name(g.value(v).name); }

  void declaration(const Graph& g, ValueId v, bool with_type) {
    name(g, v);
    if (v == kNoValue) return;
    const ValueInfo& info = g.value(v);
    if (with_type && options_.types && info.type.defined()) out_ += " " + info.type.to_string();
    if (options_.known_elements && info.known_elements) out_ += " @elements " + shape_string(*info.known_elements);
    if (options_.docs && !info.doc.empty()) out_ += " @doc " + quote(info.doc);
  }

  void input(const Graph& g, ValueId v) {
    declaration(g, v, true);
    if (!g.value(v).is_constant()) return;
    out_ += " = ";
    print(g.value(v).constant);
  }

  void capture(const Graph& g, const Capture& c, const Graph* outer, const Node* holder) {
    declaration(g, c.inner, true);
    if (!outer || !holder || c.slot >= holder->captures.size()) return;
    const std::string& outer_name = outer->value(holder->captures[c.slot]).name;
    if (outer_name != g.value(c.inner).name) out_ += " = " + quote_name(outer_name);
  }

  void constants(const Graph& g) {
    for (size_t i = 0; i < g.value_capacity(); ++i) {
      ValueId v{static_cast<uint32_t>(i)};
      const ValueInfo& info = g.value(v);
      if (!info.is_constant() || g.is_input(v)) continue;
      indent();
      Type plain = Type::tensor(info.constant.dtype(), to_sym_shape(info.constant.dims()));
      declaration(g, v, info.type.to_string() != plain.to_string());
      out_ += " = ";
      print(info.constant);
      out_ += '\n';
    }
  }

  void node(const Graph& g, const Node& n) {
    indent();
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (i > 0) out_ += ", ";
      declaration(g, n.outputs[i], true);
    }
    out_ += n.outputs.empty() ? "= " : " = ";
    if (is_word(n.op) && (n.domain.empty() || (quote_name(n.domain) == n.domain && n.domain.back() != '.'))) {
      out_ += n.domain.empty() ? n.op : n.domain + "." + n.op;
    } else {
      out_ += "op " + quote(n.domain) + " " + quote(n.op);
    }
    out_ += "(";
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      if (i > 0) out_ += ", ";
      name(g, n.inputs[i]);
    }
    out_ += ")";
    for (const Attr& a : n.attrs) {
      out_ += " " + quote_name(a.name) + "=";
      attr_value(a.value, &g, &n);
    }
    if (n.opset != 0) out_ += fmt::format(" @opset {}", n.opset);
    if (!n.name.empty()) out_ += " @name " + quote(n.name);
    if (!n.device.empty()) out_ += " @device " + quote(n.device);
    if (options_.docs && !n.doc.empty()) out_ += " @doc " + quote(n.doc);
    out_ += '\n';
  }

  void print(int64_t v) { out_ += std::to_string(v); }
  void print(float v) { out_ += float_text(v); }
  void print(const std::string& v) { out_ += quote(v); }
  void print(const Type& v) { out_ += "type " + (v.defined() ? v.to_string() : "none"); }
  void print(const GraphBox& v) {
    const Graph* owner = owner_;
    const Node* holder = holder_;
    graph(*v, owner, holder);
    owner_ = owner;
    holder_ = holder;
  }
  void print(const Tensor& t) {
    if (!t.defined()) {
      out_ += "none";
    } else if (options_.max_elements >= 0 && t.size() > options_.max_elements) {
      out_ += fmt::format("elided {} hash {:016x}", t.type_string(), hash_tensor(t));
    } else {
      out_ += print_tensor(t);
    }
  }
  void print(const SparseTensor& v) {
    out_ += "sparse" + shape_string(v.dims) + "(";
    print(v.values);
    out_ += ", ";
    print(v.indices);
    out_ += ")";
  }
  template <class T>
  void print(const std::vector<T>& v) {
    if (v.empty()) {
      AttrKind kind = static_cast<AttrKind>(AttrValue(v).index());
      switch (kind) {
        case AttrKind::kInts: out_ += "ints"; break;
        case AttrKind::kFloats: out_ += "floats"; break;
        case AttrKind::kStrings: out_ += "strings"; break;
        case AttrKind::kTensors: out_ += "tensors"; break;
        case AttrKind::kGraphs: out_ += "graphs"; break;
        case AttrKind::kTypes: out_ += "types"; break;
        default: out_ += "sparses"; break;
      }
    }
    out_ += "[";
    for (size_t i = 0; i < v.size(); ++i) {
      if (i > 0) out_ += ", ";
      print(v[i]);
    }
    out_ += "]";
  }

  PrintOptions options_;
  std::string out_;
  size_t depth_ = 0;
  const Graph* owner_ = nullptr;  // of the attribute being printed
  const Node* holder_ = nullptr;
};

}  // namespace

std::string print_graph(const Graph& graph, const PrintOptions& options) {
  Printer printer(options);
  printer.graph(graph, nullptr, nullptr);
  return printer.take() + "\n";
}

std::string print_model(const Model& model, const PrintOptions& options) {
  Printer printer(options);
  printer.header(model.info);
  printer.graph(model.graph, nullptr, nullptr);
  return printer.take() + "\n";
}

std::string print_attr_value(const AttrValue& value, const PrintOptions& options) {
  Printer printer(options);
  printer.attr_value(value, nullptr, nullptr);
  return printer.take();
}

}  // namespace anyrt
