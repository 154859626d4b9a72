#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/opdef.h"

namespace anyrt {

// An operator that is not anyrt's own: what OpDef says, with strings and functions that it owns. Shared libraries and
// the language bindings fill it in; from then on it is an operator like any other.
struct CustomOp {
  struct Parameter {
    std::string name;
    // The name of a rule of `types`, or a set of types of its own as parse_type_set reads it ("float32|float64").
    std::string type = "any";
    uint8_t flags = kRequiredParam;
    std::string doc;
  };
  struct Attribute {
    std::string name;
    AttrKind kind = AttrKind::kInt;
    bool required = false;
    std::optional<AttrValue> fallback;  // int, float, string or ints
    std::string doc;
  };

  std::string name;
  std::string domain;
  int since = 1;  // oldest opset of the domain that has it
  std::string doc;
  uint32_t flags = kPure;  // kRandom: has state or effects, so that it is never folded or merged; kHostOnly
  std::vector<Parameter> inputs, outputs;
  std::vector<Attribute> attrs;
  std::vector<std::pair<std::string, std::string>> types;  // rule name and what parse_type_set reads
  // May be empty: then element types follow from the rules, shapes are known only when the model runs.
  std::function<Status(InferContext&)> infer;
  // Any number of calls at a time. What either function throws becomes an error of the run.
  std::function<Status(EvalContext&)> eval;
  std::shared_ptr<const void> keep_alive;  // the library that holds the functions
};

// "any", "tensor", or types separated by '|': float32, seq(int64), optional(float32), optional(seq(bool)),
// sparse(float32), map(int64,float32), seq(map(string,float32)).
Expected<TypeSet> parse_type_set(std::string_view text);

// Operators by domain and name. A set is filled first and shared, unchanged, afterwards; models hold the set that their
// nodes come from.
class OpSet {
 public:
  // Replaces an operator of the same name; anyrt's own cannot be replaced.
  Status add(CustomOp op);
  void add_all(const OpSet& other);
  bool remove(std::string_view domain, std::string_view name);
  const OpDef* find(std::string_view domain, std::string_view name) const;  // null when there is none
  std::vector<const OpDef*> list() const;
  bool empty() const { return ops_.empty(); }

 private:
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const OpDef>, std::less<>> ops_;
};

// The process's own operators. Models imported later see them; those imported before keep what they have.
Status register_op(CustomOp op);
void register_ops(const OpSet& ops);
bool unregister_op(std::string_view domain, std::string_view name);
std::shared_ptr<const OpSet> registered_ops();  // as they are now; never null

}  // namespace anyrt
