#include "opdef/schema.h"

#include <algorithm>
#include <cstring>

#include "base/process.h"
#include "base/text.h"
#include "opdef/custom_op.h"

namespace anyrt {

std::span<const OpDef* const> all_ops() { return {kOpRegistry, kOpRegistrySize}; }

std::string_view canonical_domain(std::string_view domain) { return domain == "ai.onnx" ? std::string_view() : domain; }

namespace {

// Folder "ort" holds operators that onnxruntime knows in the ai.onnx domain; they carry domain "" too.
const std::unordered_map<std::string, const OpDef*>& op_index() {
  static constinit ProcessObject<std::unordered_map<std::string, const OpDef*>> index;
  return index.get([] {
    std::unordered_map<std::string, const OpDef*> m;
    for (const OpDef* op : all_ops()) m.emplace(std::string(op->domain) + ":" + op->name, op);
    return m;
  });
}

bool type_in_set(const Type& t, const TypeSet& s) {
  const auto elem_in = [](const Type& u, DTypeSet set) {
    return u.dtype == DType::kUndefined ? !set.empty() : set.has(u.dtype);
  };
  switch (t.kind) {
    case TypeKind::kUndefined: return true;
    case TypeKind::kTensor: return elem_in(t, s.tensor);
    case TypeKind::kSparseTensor: return elem_in(t, s.sparse);
    case TypeKind::kMap: return s.map;
    case TypeKind::kOpaque: return false;
    case TypeKind::kSequence: {
      if (!t.elem || t.elem->kind == TypeKind::kUndefined) return !s.sequence.empty() || s.sequence_of_map;
      if (t.elem->kind == TypeKind::kMap) return s.sequence_of_map;
      return t.elem->kind == TypeKind::kTensor && elem_in(*t.elem, s.sequence);
    }
    case TypeKind::kOptional: {
      if (!t.elem || t.elem->kind == TypeKind::kUndefined)
        return !s.optional_tensor.empty() || !s.optional_sequence.empty();
      if (t.elem->kind == TypeKind::kSequence) {
        return !t.elem->elem || t.elem->elem->kind == TypeKind::kUndefined ||
               elem_in(*t.elem->elem, s.optional_sequence);
      }
      return t.elem->kind == TypeKind::kTensor && elem_in(*t.elem, s.optional_tensor);
    }
  }
  return false;
}

const TypeRule* find_rule(const OpDef& def, const char* name) {
  for (const TypeRule& r : def.types) {
    if (std::strcmp(r.name, name) == 0) return &r;
  }
  return nullptr;
}

std::string domain_prefix(const OpDef& def) { return *def.domain ? std::string(def.domain) + "." : std::string(); }

}  // namespace

const OpDef* find_op(std::string_view domain, std::string_view name) {
  const auto it = op_index().find(std::string(canonical_domain(domain)) + ":" + std::string(name));
  return it == op_index().end() ? nullptr : it->second;
}

int newest_opset(std::string_view domain) {
  if (canonical_domain(domain).empty()) return 28;
  if (domain == "ai.onnx.ml") return 5;
  int newest = 0;
  for (const OpDef* op : all_ops()) {
    if (domain == op->domain) newest = std::max(newest, op->since);
  }
  return newest;
}

Status resolve_op(Node& node, const OpSet* custom) {
  node.domain = std::string(canonical_domain(node.domain));
  node.def = find_op(node.domain, node.op);
  if (!node.def && custom) node.def = custom->find(node.domain, node.op);
  if (node.def) return {};
  std::string near;
  int best = 4;
  for (const OpDef* op : all_ops()) {
    int d = edit_distance(node.op, op->name);
    if (node.op == op->name) d = 0;
    if (d >= best) continue;
    best = d;
    near = domain_prefix(*op) + op->name;
  }
#ifdef ANYRT_SELECTED_BUILD
  near = "; this build of anyrt has the operators of chosen models only";
#else
  if (!near.empty()) near = " (nearest: " + near + ")";
#endif
  return make_error(
      Code::kNotImplemented,
      "operator {} of domain '{}' is not known{}; operators of your own are registered as custom operators", node.op,
      node.domain.empty() ? "ai.onnx" : node.domain, near);
}

Status verify_attrs(const Node& node) {
  for (const Attr& a : node.attrs) {
    const auto it = std::find_if(node.def->attrs.begin(), node.def->attrs.end(),
                                 [&](const AttrDef& d) { return a.name == d.name; });
    if (it == node.def->attrs.end()) {
      return invalid_model("attribute '{}' is not one of {}'s in opset {}", a.name, node.op, node.def->since);
    }
    if (it->kind != a.kind()) {
      return invalid_model("attribute '{}' must be {}, found {}", a.name, attr_kind_name(it->kind),
                           attr_kind_name(a.kind()));
    }
  }
  for (const AttrDef& d : node.def->attrs) {
    if (d.required && !node.find_attr(d.name))
      return invalid_model("required attribute '{}' ({}) is missing", d.name, attr_kind_name(d.kind));
  }
  return {};
}

void fill_attr_defaults(Node& node) {
  for (const AttrDef& d : node.def->attrs) {
    if (!d.has_default || node.find_attr(d.name)) continue;
    switch (d.kind) {
      case AttrKind::kInt: node.set_attr(d.name, d.i); break;
      case AttrKind::kFloat: node.set_attr(d.name, d.f); break;
      case AttrKind::kString: node.set_attr(d.name, std::string(d.s)); break;
      case AttrKind::kInts: node.set_attr(d.name, std::vector<int64_t>(d.ints.begin(), d.ints.end())); break;
      default: break;
    }
  }
}

const Param* formal_param(std::span<const Param> params, size_t i) {
  if (i < params.size()) return &params[i];
  if (!params.empty() && (params.back().flags & (kVariadicParam | kVariadicAnyParam))) return &params.back();
  return nullptr;
}

namespace {

Status verify_count(std::span<const Param> params, const std::vector<ValueId>& actual, const char* what) {
  for (size_t i = 0; i < actual.size(); ++i) {
    const Param* p = formal_param(params, i);
    if (!p) return invalid_model("{} {}s are at most allowed, found {}", params.size(), what, actual.size());
  }
  // A list that is all there is (of Concat, Sum) has at least one.
  const bool is_output = std::strcmp(what, "output") == 0;
  const bool variadic_first = !params.empty() && (params[0].flags & (kVariadicParam | kVariadicAnyParam));
  const bool first = is_output && !params.empty() && !(params[0].flags & kOptionalParam);
  if (actual.empty() && (variadic_first || first)) {
    return invalid_model("at least one {} ('{}') is required, found none", what, params[0].name);
  }
  if (is_output) return {};
  for (size_t i = 0; i < params.size(); ++i) {
    const bool variadic = params[i].flags & (kVariadicParam | kVariadicAnyParam);
    if ((params[i].flags & kOptionalParam) || variadic) continue;
    if (i >= actual.size() || actual[i] == kNoValue)
      return invalid_model("required {} {} ('{}') is missing", what, i, params[i].name);
  }
  return {};
}

}  // namespace

Status verify_arity(const Node& node) {
  ANYRT_TRY(verify_count(node.def->inputs, node.inputs, "input"));
  return verify_count(node.def->outputs, node.outputs, "output");
}

Status verify_types(const OpDef& def, size_t num_inputs, const std::function<Type(size_t)>& input) {
  struct Bound {
    const char* rule;
    Type type;
    size_t index;
  };
  std::vector<Bound> bound;
  for (size_t i = 0; i < num_inputs; ++i) {
    const Type t = input(i);
    const Param* p = formal_param(def.inputs, i);
    if (!t.defined() || !p) continue;
    const TypeRule* rule = find_rule(def, p->type);
    if (!rule) {
      const auto want = parse_dtype(p->type);
      if (want && (t.kind != TypeKind::kTensor || (t.dtype != DType::kUndefined && t.dtype != *want))) {
        return invalid_model("input {} ('{}') must be {}, found {}", i, p->name, p->type, t.to_string());
      }
      continue;
    }
    if (!type_in_set(t, rule->types)) {
      return invalid_model("input {} ('{}') may not be {}", i, p->name, t.to_string());
    }
    if (p->flags & kVariadicAnyParam) continue;
    const auto it =
        std::find_if(bound.begin(), bound.end(), [&](const Bound& b) { return std::strcmp(b.rule, rule->name) == 0; });
    if (it == bound.end()) {
      bound.push_back({rule->name, t, i});
    } else if (!same_kind_and_dtype(it->type, t)) {
      return invalid_model("inputs {} and {} must have one type, found {} and {}", it->index, i, it->type.to_string(),
                           t.to_string());
    }
  }
  return {};
}

Status normalize_node(Graph& graph, NodeId id) {
  Node& node = graph.node(id);
  if (!node.def) ANYRT_TRY(resolve_op(node));
  ANYRT_TRY(verify_attrs(node));
  ANYRT_TRY(verify_arity(node));
  fill_attr_defaults(node);
  return {};
}

}  // namespace anyrt
