#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "passes/pass.h"

namespace anyrt {

// A small graph to look for, in the text form (docs/text-form.md), with one output. Its inputs stand for any value, the
// same one wherever they occur; a constant stands for a one-element constant of about this value; a node for one of
// this operator with about these attributes, of which those not named may be anything. Add and Mul match in both
// orders. What the nodes inside of a match make is read inside of it only.
class Pattern {
 public:
  explicit Pattern(std::string_view text);

  struct Match {
    std::map<std::string, ValueId, std::less<>> inputs;
    NodeId root = kNoNode;
    int constant_rank = 0;  // the largest of the constants'
  };
  std::optional<Match> match(const Graph& graph, NodeId root) const;

 private:
  Graph graph_;
};

// Patterns that all become one operator on the pattern's input x.
struct UnaryFusion {
  std::vector<Pattern> patterns;
  std::string op;
  std::vector<Attr> attrs;
};
// Whether a node of the graph has this operator of ONNX, which a pattern needs.
bool has_op(const Graph& graph, std::string_view op);
Status fuse_unary(Graph& graph, PassContext& context, const std::vector<UnaryFusion>& fusions);

}  // namespace anyrt
