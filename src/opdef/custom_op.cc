#include "opdef/custom_op.h"

#include <exception>
#include <mutex>
#include <new>

#include "base/process.h"
#include "base/text.h"

namespace anyrt {

namespace {

// The strings and rows that the OpDef points to live as long as itself.
struct OwnedOp final : OpDef {
  CustomOp source;
  std::vector<Param> input_rows, output_rows;
  std::vector<AttrDef> attr_rows;
  std::vector<TypeRule> type_rows;
  std::vector<std::unique_ptr<std::string>> names;  // of rules that a parameter states itself

  OwnedOp() : OpDef{} {}
};

const OwnedOp& owned(const Node& node) { return static_cast<const OwnedOp&>(*node.def); }

template <class F>
Status guarded(F&& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return make_error(Code::kResourceExhausted, "out of memory");
  } catch (const std::exception& e) {
    return internal_error("the custom operator threw: {}", e.what());
  } catch (...) {
    return internal_error("the custom operator threw something that is no std::exception");
  }
}

// The element type that the schema gives output i, as far as rules and inputs tell.
DType schema_dtype(const OpDef& def, size_t output, const std::function<Type(size_t)>& input, size_t num_inputs) {
  if (def.outputs.empty()) return DType::kUndefined;
  const Param& p = def.outputs[std::min(output, def.outputs.size() - 1)];
  if (const auto dtype = parse_dtype(p.type)) return *dtype;
  for (size_t i = 0; i < num_inputs && !def.inputs.empty(); ++i) {
    const Param& in = def.inputs[std::min(i, def.inputs.size() - 1)];
    if (std::string_view(in.type) != p.type || (in.flags & kVariadicAnyParam)) continue;
    if (const Type t = input(i); t.is_tensor()) return t.dtype;
  }
  return DType::kUndefined;
}

Status infer_owned(InferContext& c) {
  const OwnedOp& op = owned(c.node());
  for (size_t i = 0; i < c.num_outputs(); ++i) {
    const DType dtype = schema_dtype(
        op, i, [&](size_t k) { return c.input_type(k); }, c.num_inputs());
    if (dtype != DType::kUndefined) c.set_output(i, dtype);
  }
  if (!op.source.infer) return {};
  return guarded([&] { return op.source.infer(c); });
}

// Notes which outputs the operator makes: a later step may rely on every one that the model names.
class WatchedContext final : public EvalContext {
 public:
  explicit WatchedContext(EvalContext& inner) : EvalContext(inner.node()), inner_(inner), made_(inner.num_outputs()) {}

  size_t num_inputs() const override { return inner_.num_inputs(); }
  size_t num_outputs() const override { return inner_.num_outputs(); }
  const Value& value(size_t i) const override { return inner_.value(i); }
  bool wants_output(size_t i) const override { return inner_.wants_output(i); }
  Expected<Tensor*> output(size_t i, DType dtype, const Dims& dims) override {
    ANYRT_TRY(note(i));
    return inner_.output(i, dtype, dims);
  }
  void set_output(size_t i, Value value) override {
    if (note(i).ok()) inner_.set_output(i, std::move(value));
  }
  Expected<std::vector<Value>> run_subgraph(std::string_view name, std::vector<Value> inputs) override {
    return inner_.run_subgraph(name, std::move(inputs));
  }
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& f) override {
    inner_.parallel_for(n, grain, f);
  }
  Status check_cancelled() override { return inner_.check_cancelled(); }
  uint64_t random_seed() override { return inner_.random_seed(); }

  Status finish() {
    ANYRT_TRY(std::move(error_));
    for (size_t i = 0; i < made_.size(); ++i) {
      if (wants_output(i) && !made_[i]) return invalid_argument("the custom operator did not set output {}", i);
    }
    return {};
  }

 private:
  Status note(size_t i) {
    if (i < made_.size()) {
      made_[i] = true;
      return {};
    }
    error_ = invalid_argument("the custom operator set output {}, the node has {}", i, made_.size());
    return error_;
  }

  EvalContext& inner_;
  std::vector<bool> made_;
  Status error_;
};

Status eval_owned(EvalContext& c) {
  const OwnedOp& op = owned(c.node());
  WatchedContext watched(c);
  ANYRT_TRY(guarded([&] { return op.source.eval(watched); }));
  return watched.finish();
}

Status fill_attr(const CustomOp::Attribute& from, AttrDef& to) {
  to.name = from.name.c_str();
  to.kind = from.kind;
  to.required = from.required;
  to.doc = from.doc.c_str();
  if (!from.fallback) return {};
  if (static_cast<AttrKind>(from.fallback->index()) != from.kind) {
    return invalid_argument("attribute '{}' is {}, its default {}", from.name, attr_kind_name(from.kind),
                            attr_kind_name(static_cast<AttrKind>(from.fallback->index())));
  }
  to.has_default = true;
  switch (from.kind) {
    case AttrKind::kInt: to.i = std::get<int64_t>(*from.fallback); return {};
    case AttrKind::kFloat: to.f = std::get<float>(*from.fallback); return {};
    case AttrKind::kString: to.s = std::get<std::string>(*from.fallback).c_str(); return {};
    case AttrKind::kInts: to.ints = std::get<std::vector<int64_t>>(*from.fallback); return {};
    default: return not_implemented("attribute '{}': only INT, FLOAT, STRING and INTS have a default", from.name);
  }
}

Status fill_params(const std::vector<CustomOp::Parameter>& from, const char* what, std::vector<Param>& to,
                   OwnedOp& op) {
  for (size_t i = 0; i < from.size(); ++i) {
    const CustomOp::Parameter& p = from[i];
    const bool variadic = p.flags & (kVariadicParam | kVariadicAnyParam);
    if (variadic && i + 1 < from.size())
      return invalid_argument("{} '{}': only the last one may be variadic", what, p.name);
    const char* type = p.type.c_str();
    bool known = parse_dtype(p.type).has_value();
    for (const auto& [rule, text] : op.source.types) known = known || rule == p.type;
    if (!known) {
      Expected<TypeSet> set = parse_type_set(p.type);
      if (!set.ok()) return std::move(set).status().with_context(fmt::format("{} '{}'", what, p.name));
      op.names.push_back(std::make_unique<std::string>(fmt::format("{} {}", what, i)));
      type = op.names.back()->c_str();
      op.type_rows.push_back({type, *set});
    }
    to.push_back({p.name.c_str(), type, p.flags, p.doc.c_str()});
  }
  return {};
}

Status fill(OwnedOp& op) {
  CustomOp& source = op.source;
  op.name = source.name.c_str();
  op.domain = source.domain.c_str();
  op.since = op.first = std::max(1, source.since);
  op.doc = source.doc.c_str();
  op.flags = source.flags & (kRandom | kHostOnly);
  for (const auto& [rule, text] : source.types) {
    Expected<TypeSet> set = parse_type_set(text);
    if (!set.ok()) return std::move(set).status().with_context("types " + rule);
    op.type_rows.push_back({rule.c_str(), *set});
  }
  ANYRT_TRY(fill_params(source.inputs, "input", op.input_rows, op));
  ANYRT_TRY(fill_params(source.outputs, "output", op.output_rows, op));
  for (const CustomOp::Attribute& a : source.attrs) ANYRT_TRY(fill_attr(a, op.attr_rows.emplace_back()));
  static_cast<OpDef&>(op).inputs = op.input_rows;
  static_cast<OpDef&>(op).outputs = op.output_rows;
  static_cast<OpDef&>(op).attrs = op.attr_rows;
  static_cast<OpDef&>(op).types = op.type_rows;
  op.infer = infer_owned;
  op.eval = eval_owned;
  return {};
}

Status add_types(const Type& t, TypeSet& set) {
  const Type& elem = t.elem ? *t.elem : t;
  switch (t.kind) {
    case TypeKind::kTensor: set.tensor = set.tensor | t.dtype; return {};
    case TypeKind::kSparseTensor: set.sparse = set.sparse | t.dtype; return {};
    case TypeKind::kMap: set.map = true; return {};
    case TypeKind::kSequence:
      if (elem.kind == TypeKind::kMap) {
        set.sequence_of_map = true;
        return {};
      }
      if (!elem.is_tensor()) break;
      set.sequence = set.sequence | elem.dtype;
      return {};
    case TypeKind::kOptional:
      if (elem.is_tensor()) {
        set.optional_tensor = set.optional_tensor | elem.dtype;
        return {};
      }
      if (!elem.is_sequence() || !elem.elem || !elem.elem->is_tensor()) break;
      set.optional_sequence = set.optional_sequence | elem.elem->dtype;
      return {};
    default: break;
  }
  return not_implemented("values of type {} are not possible here", t.to_string());
}

// The set is replaced, never changed.
struct ProcessOps {
  std::mutex mutex;
  std::shared_ptr<const OpSet> set = std::make_shared<const OpSet>();
};
ProcessOps& process_ops() {
  static constinit ProcessObject<ProcessOps> ops;
  return ops.get();
}

}  // namespace

Expected<TypeSet> parse_type_set(std::string_view text) {
  TypeSet set;
  if (trim(text).empty()) return invalid_argument("no types are given");
  for (const std::string_view part : split(text, '|')) {
    std::string_view word = trim(part);
    if (word == "any") {
      set = any_value(kAllDTypes);
      set.sparse = kAllDTypes;
      set.map = set.sequence_of_map = true;
    } else if (word == "tensor") {
      set.tensor = kAllDTypes;
    } else {
      ANYRT_ASSIGN(const Type type, parse_type(word));
      if (!trim(word).empty()) return invalid_argument("'{}' is not a list of types such as float32|float64", text);
      ANYRT_TRY(add_types(type, set));
    }
  }
  return set;
}

Status OpSet::add(CustomOp op) {
  if (op.name.empty()) return invalid_argument("a custom operator needs a name");
  const std::string domain(canonical_domain(op.domain));
  const std::string label = domain.empty() ? op.name : domain + "." + op.name;
  if (!op.eval) return invalid_argument("custom operator {} has no kernel", label);
  if (find_op(domain, op.name)) return invalid_argument("operator {} is built in and cannot be replaced", label);
  auto owned_op = std::make_shared<OwnedOp>();
  owned_op->source = std::move(op);
  owned_op->source.domain = domain;
  if (Status s = fill(*owned_op); !s.ok()) return std::move(s).with_context("custom operator " + label);
  const std::string name = owned_op->source.name;
  ops_.insert_or_assign({domain, name}, std::move(owned_op));
  return {};
}

void OpSet::add_all(const OpSet& other) {
  for (const auto& [key, op] : other.ops_) ops_.insert_or_assign(key, op);
}

bool OpSet::remove(std::string_view domain, std::string_view name) {
  return ops_.erase({std::string(canonical_domain(domain)), std::string(name)}) > 0;
}

const OpDef* OpSet::find(std::string_view domain, std::string_view name) const {
  const auto it = ops_.find(std::pair(std::string(canonical_domain(domain)), std::string(name)));
  return it == ops_.end() ? nullptr : it->second.get();
}

std::vector<const OpDef*> OpSet::list() const {
  std::vector<const OpDef*> out;
  for (const auto& [key, op] : ops_) out.push_back(op.get());
  return out;
}

Status register_op(CustomOp op) {
  OpSet one;
  ANYRT_TRY(one.add(std::move(op)));
  register_ops(one);
  return {};
}

void register_ops(const OpSet& ops) {
  ProcessOps& process = process_ops();
  const std::lock_guard lock(process.mutex);
  auto fresh = std::make_shared<OpSet>(*process.set);
  fresh->add_all(ops);
  process.set = std::move(fresh);
}

bool unregister_op(std::string_view domain, std::string_view name) {
  ProcessOps& process = process_ops();
  const std::lock_guard lock(process.mutex);
  auto fresh = std::make_shared<OpSet>(*process.set);
  const bool found = fresh->remove(domain, name);
  process.set = std::move(fresh);
  return found;
}

std::shared_ptr<const OpSet> registered_ops() {
  ProcessOps& process = process_ops();
  const std::lock_guard lock(process.mutex);
  return process.set;
}

}  // namespace anyrt
