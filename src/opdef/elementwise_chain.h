#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"

// Several element-wise ONNX operators as one: attribute `program` has a line for each, "Op operand operand … name=value
// …". An operand is a value (v0 is the first input; the results of the lines follow the inputs), a number, or _ where
// it is omitted. Attribute `outputs` names the values that leave, the last one where it is empty.

namespace anyrt {

struct ChainOperand {
  int value = -1;  // -1: the number, unless omitted
  bool omitted = false;
  float number = 0;
};

struct ChainStep {
  Node node;  // operator and attributes, defaults filled in; neither inputs nor outputs
  std::vector<ChainOperand> operands;
};

struct Chain {
  size_t inputs = 0;
  std::vector<ChainStep> steps;
  std::vector<int> outputs;  // values
};

// From a node's attributes; an error names the line.
Expected<Chain> read_chain(const AttrReader& c, size_t inputs);
// A line; the node's attributes that are the schema's defaults are left out.
std::string chain_line(const Node& node, const std::vector<ChainOperand>& operands);
// Element type of every value; kUndefined where it is not known.
std::vector<DType> chain_dtypes(const Chain& chain, const std::vector<DType>& inputs);

Status infer_chain(InferContext& c);
Status eval_chain(EvalContext& c);
Status decompose_chain(RewriteContext& c);

}  // namespace anyrt
