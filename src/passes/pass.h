#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "graph/patch.h"
#include "opdef/opdef.h"

namespace anyrt {

struct PassOptions {
  // A folded constant may be as big as its inputs times this, or this many bytes, whichever is more.
  int64_t fold_growth = 4;
  int64_t fold_bytes = 1 << 20;
  double fold_flops = 1e9;  // more arithmetic than this is left to the run
};

// What a pass is given besides the graph, and where it counts its changes.
class PassContext {
 public:
  explicit PassContext(const PassOptions& options) : options_(options) {}
  const PassOptions& options() const { return options_; }
  void count(size_t n = 1) { changes_ += n; }
  size_t changes() const { return changes_; }

 private:
  const PassOptions& options_;
  size_t changes_ = 0;
};

// A pass rewrites one graph, without its subgraphs: the driver calls it for each of them, inner ones first. Nodes are
// normalised and types inferred, before and after.
struct PassRow {
  const char* name;
  const char* doc;
  Status (*run)(Graph&, PassContext&);
  bool exact = true;  // results keep every bit; the others are left out where that is asked for
  bool on = true;
};

// A patch that knows operators: new nodes get their definition, defaults and types. An error (a node that does not fit)
// is kept until apply, which then leaves the graph as it was.
class Rewrite {
 public:
  Rewrite(Graph& graph, NodeId before) : patch_(graph, before) {}
  ValueId constant(Tensor tensor) { return patch_.constant(std::move(tensor)); }
  ValueId op(std::string_view name, std::initializer_list<ValueId> inputs, std::vector<Attr> attrs = {}) {
    return add("", name, std::vector<ValueId>(inputs), std::move(attrs), 1)[0];
  }
  std::vector<ValueId> add(std::string_view domain, std::string_view name, std::vector<ValueId> inputs,
                           std::vector<Attr> attrs, size_t outputs);
  // A copy of a node with other inputs, and new outputs.
  std::vector<ValueId> copy(const Node& node, std::vector<ValueId> inputs);
  void replace(ValueId from, ValueId to) { patch_.replace(from, to); }
  Status apply();

 private:
  std::vector<ValueId> add(Node node, size_t outputs);
  Patch patch_;
  Status error_;
};

}  // namespace anyrt
