#include "opdef/elementwise_chain.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "opdef/schema.h"
#include "opdef/shape_util.h"
#include "tensor/number_text.h"

namespace anyrt {
namespace {

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) out.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(v) : std::nullopt;
}

Expected<ChainOperand> parse_operand(std::string_view text, size_t values) {
  ChainOperand o;
  if (text == "_") {
    o.omitted = true;
  } else if (text.size() > 1 && text[0] == 'v') {
    const auto v = whole_number<uint32_t>(text.substr(1));
    if (!v || *v >= values) return invalid_model("'{}' is none of the {} values so far", text, values);
    o.value = static_cast<int>(*v);
  } else {
    const auto number = parse_float_text(text);
    if (!number) return invalid_model("'{}' is neither a value nor a number", text);
    o.number = *number;
  }
  return o;
}

Expected<Attr> parse_attr(const OpDef& def, std::string_view name, std::string_view text) {
  for (const AttrDef& a : def.attrs) {
    if (name != a.name) continue;
    Attr attr{std::string(name), int64_t{0}};
    if (a.kind == AttrKind::kInt) {
      const auto v = whole_number<int64_t>(text);
      if (!v) break;
      attr.value = *v;
    } else if (a.kind == AttrKind::kFloat) {
      const auto v = parse_float_text(text);
      if (!v) break;
      attr.value = *v;
    } else if (a.kind == AttrKind::kString) {
      attr.value = std::string(text);
    } else {
      break;
    }
    return attr;
  }
  return invalid_model("{} takes no attribute '{}' with value '{}'", def.name, name, text);
}

Expected<ChainStep> parse_step(std::string_view line, size_t values) {
  const std::vector<std::string_view> all = words(line);
  if (all.size() < 2) return invalid_model("an operator and its operands are missing");
  const OpDef* def = find_op("", all[0]);
  if (!def || !(def->flags & kElementwise) || !def->eval || def->outputs.size() != 1)
    return invalid_model("'{}' is no element-wise operator", all[0]);
  ChainStep step;
  step.node.op = all[0];
  step.node.def = def;
  for (size_t i = 1; i < all.size(); ++i) {
    if (const size_t equals = all[i].find('='); equals != std::string_view::npos) {
      ANYRT_ASSIGN(Attr attr, parse_attr(*def, all[i].substr(0, equals), all[i].substr(equals + 1)));
      step.node.attrs.push_back(std::move(attr));
    } else {
      ANYRT_ASSIGN(const ChainOperand o, parse_operand(all[i], values));
      step.operands.push_back(o);
    }
  }
  // Arity and required attributes, as of a node.
  Node probe = step.node;
  for (const ChainOperand& o : step.operands) probe.inputs.push_back(o.omitted ? kNoValue : ValueId{0});
  probe.outputs.push_back(ValueId{0});
  ANYRT_TRY(verify_arity(probe));
  ANYRT_TRY(verify_attrs(step.node));
  fill_attr_defaults(step.node);
  return step;
}

// One step at a time, as the interpreter runs a node.
class StepContext final : public EvalContext {
 public:
  StepContext(const Node& node, std::vector<Value> inputs) : EvalContext(node), inputs_(std::move(inputs)) {}
  size_t num_inputs() const override { return inputs_.size(); }
  size_t num_outputs() const override { return 1; }
  const Value& value(size_t i) const override { return inputs_[i]; }
  bool wants_output(size_t i) const override { return i == 0; }
  Expected<Tensor*> output(size_t, DType dtype, const Dims& dims) override {
    ANYRT_ASSIGN(Tensor made, Tensor::make(dtype, dims));
    result_ = Value(std::move(made));
    return &result_.tensor();
  }
  void set_output(size_t, Value value) override { result_ = std::move(value); }
  Expected<std::vector<Value>> run_subgraph(std::string_view, std::vector<Value>) override {
    return internal_error("element-wise operators have no subgraphs");
  }
  const Value& result() const { return result_; }

 private:
  std::vector<Value> inputs_;
  Value result_;
};

DType first_dtype(const ChainStep& step, const std::vector<DType>& dtypes) {
  for (const ChainOperand& o : step.operands) {
    if (o.value >= 0 && dtypes[static_cast<size_t>(o.value)] != DType::kBool)
      return dtypes[static_cast<size_t>(o.value)];
  }
  // Beside truth alone (Where), numbers are what they are read as.
  for (const ChainOperand& o : step.operands) {
    if (o.value < 0 && !o.omitted) return DType::kFloat32;
  }
  for (const ChainOperand& o : step.operands) {
    if (o.value >= 0) return dtypes[static_cast<size_t>(o.value)];
  }
  return DType::kUndefined;
}

bool is_default(const OpDef& def, const Attr& attr) {
  for (const AttrDef& a : def.attrs) {
    if (attr.name != a.name || !a.has_default) continue;
    if (const auto* i = std::get_if<int64_t>(&attr.value)) return *i == a.i;
    if (const auto* f = std::get_if<float>(&attr.value)) return *f == a.f;
    if (const auto* s = std::get_if<std::string>(&attr.value)) return *s == a.s;
  }
  return false;
}

}  // namespace

Expected<Chain> read_chain(const AttrReader& c, size_t inputs) {
  Chain chain;
  chain.inputs = inputs;
  const std::vector<std::string>& program = c.strings("program");
  if (program.empty()) return invalid_model("the program has no lines");
  for (const std::string& line : program) {
    auto step = parse_step(line, inputs + chain.steps.size());
    if (!step.ok()) return std::move(step).status().with_context("line '" + line + "'");
    chain.steps.push_back(std::move(*step));
  }
  const int64_t values = static_cast<int64_t>(inputs + chain.steps.size());
  for (const int64_t v : c.ints("outputs")) {
    if (v < 0 || v >= values) return invalid_model("output v{} is none of the {} values", v, values);
    chain.outputs.push_back(static_cast<int>(v));
  }
  if (chain.outputs.empty()) chain.outputs.push_back(static_cast<int>(values - 1));
  return chain;
}

std::string chain_line(const Node& node, const std::vector<ChainOperand>& operands) {
  std::string line = node.op;
  for (const ChainOperand& o : operands) {
    line += o.omitted ? " _" : o.value >= 0 ? fmt::format(" v{}", o.value) : fmt::format(" {}", o.number);
  }
  for (const Attr& a : node.attrs) {
    if (node.def && is_default(*node.def, a)) continue;
    if (const auto* i = std::get_if<int64_t>(&a.value)) line += fmt::format(" {}={}", a.name, *i);
    if (const auto* f = std::get_if<float>(&a.value)) line += fmt::format(" {}={}", a.name, *f);
    if (const auto* s = std::get_if<std::string>(&a.value)) line += fmt::format(" {}={}", a.name, *s);
  }
  return line;
}

std::vector<DType> chain_dtypes(const Chain& chain, const std::vector<DType>& inputs) {
  std::vector<DType> dtypes = inputs;
  dtypes.resize(chain.inputs, DType::kUndefined);
  for (const ChainStep& step : chain.steps) {
    const std::string_view output = step.node.def->outputs[0].type;
    const auto same = std::find_if(step.node.def->inputs.begin(), step.node.def->inputs.end(),
                                   [&](const Param& p) { return output == p.type; });
    if (step.node.op == "Cast") {
      dtypes.push_back(AttrReader(step.node).dtype("to"));
    } else if (same != step.node.def->inputs.end()) {
      dtypes.push_back(first_dtype(step, dtypes));
    } else {
      dtypes.push_back(DType::kBool);
    }
  }
  return dtypes;
}

Status infer_chain(InferContext& c) {
  ANYRT_ASSIGN(const Chain chain, read_chain(c, c.num_inputs()));
  std::vector<DType> inputs;
  std::optional<SymShape> shape = SymShape{};
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    inputs.push_back(c.input_dtype(i));
    const SymShape* s = c.input_shape(i);
    if (!s || !shape) {
      shape.reset();
    } else {
      ANYRT_ASSIGN(shape, broadcast_shapes(*shape, *s));
    }
  }
  const std::vector<DType> dtypes = chain_dtypes(chain, inputs);
  if (c.num_outputs() != chain.outputs.size())
    return invalid_model("{} values leave, {} outputs are named", chain.outputs.size(), c.num_outputs());
  for (size_t i = 0; i < chain.outputs.size(); ++i)
    c.set_output(i, dtypes[static_cast<size_t>(chain.outputs[i])], shape);
  return {};
}

Status eval_chain(EvalContext& c) {
  ANYRT_ASSIGN(const Chain chain, read_chain(c, c.num_inputs()));
  std::vector<Value> values;
  std::vector<DType> dtypes;
  Dims dims;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    values.push_back(c.value(i));
    dtypes.push_back(c.input(i).dtype());
    ANYRT_ASSIGN(dims, broadcast_dims(dims, c.input(i).dims()));
  }
  for (const ChainStep& step : chain.steps) {
    const DType dtype = first_dtype(step, dtypes);
    std::vector<Value> operands;
    for (const ChainOperand& o : step.operands) {
      if (o.omitted) {
        operands.emplace_back();
      } else if (o.value >= 0) {
        operands.push_back(values[static_cast<size_t>(o.value)]);
      } else {
        ANYRT_ASSIGN(Tensor number, cast_tensor(Tensor::scalar(o.number), dtype));
        operands.emplace_back(std::move(number));
      }
    }
    StepContext one(step.node, std::move(operands));
    ANYRT_TRY(step.node.def->eval(one));
    dtypes.push_back(one.result().tensor().dtype());
    values.push_back(one.result());
  }
  for (size_t i = 0; i < chain.outputs.size(); ++i) {
    ANYRT_ASSIGN(Tensor y, broadcast_to(values[static_cast<size_t>(chain.outputs[i])].tensor(), dims));
    c.set_output(i, Value(std::move(y)));
  }
  return {};
}

Status decompose_chain(RewriteContext& c) {
  ANYRT_ASSIGN(const Chain chain, read_chain(c, c.num_inputs()));
  std::vector<ValueId> values;
  std::vector<DType> inputs;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    values.push_back(c.input(i));
    inputs.push_back(c.input_type(i).dtype);
  }
  const std::vector<DType> dtypes = chain_dtypes(chain, inputs);
  for (const ChainStep& step : chain.steps) {
    std::vector<ValueId> operands;
    for (const ChainOperand& o : step.operands) {
      operands.push_back(o.omitted      ? kNoValue
                         : o.value >= 0 ? values[static_cast<size_t>(o.value)]
                                        : c.constant_scalar(static_cast<double>(o.number), first_dtype(step, dtypes)));
    }
    values.push_back(c.ops("", step.node.op, std::move(operands), step.node.attrs, 1)[0]);
  }
  for (size_t i = 0; i < chain.outputs.size(); ++i) c.replace_output(i, values[static_cast<size_t>(chain.outputs[i])]);
  return {};
}

}  // namespace anyrt
