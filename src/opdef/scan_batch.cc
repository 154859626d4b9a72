#include "opdef/scan_batch.h"

namespace anyrt {

namespace {

// Nodes made here are read once more as opset 8, so they are of operators whose present form means the same there.
class Builder {
 public:
  explicit Builder(Graph& graph) : graph_(graph) {}

  ValueId add(const char* op, std::vector<ValueId> inputs, std::vector<Attr> attrs = {}) {
    Node n;
    n.op = op;
    n.inputs = std::move(inputs);
    n.attrs = std::move(attrs);
    const ValueId out = graph_.add_value("");
    n.outputs = {out};
    graph_.add_node(std::move(n));
    return out;
  }
  ValueId ints(const std::vector<int64_t>& values) { return graph_.add_constant("", Tensor::int64s(values)); }

  // y with zeros after its last row, so that it has `length` rows.
  Expected<ValueId> padded(ValueId y, DType dtype, ValueId rows_now, ValueId length) {
    if (dtype == DType::kUndefined) return not_implemented("a result of unknown type with sequence lengths");
    ANYRT_ASSIGN(Tensor zero, Tensor::zeros(dtype, {}));
    const ValueId missing = add("Sub", {length, rows_now});
    const ValueId row_shape = add("Slice", {add("Shape", {y}), ints({1}), ints({INT64_MAX}), ints({0})});
    const ValueId shape = add("Concat", {missing, row_shape}, {{"axis", int64_t{0}}});
    const ValueId filler = add("Expand", {graph_.add_constant("", std::move(zero)), shape});
    return add("Concat", {y, filler}, {{"axis", int64_t{0}}});
  }

 private:
  Graph& graph_;
};

}  // namespace

Status upgrade_batched_scan(RewriteContext& c) {
  // The inner Scan made below is of the newest form already, and says so by this attribute.
  if (c.has_attr("scan_input_axes")) return {};
  Attr* body_attr = c.mutable_node().find_attr("body");
  GraphBox* body = body_attr ? std::get_if<GraphBox>(&body_attr->value) : nullptr;
  const int64_t scans = c.i("num_scan_inputs");
  if (!body || c.num_inputs() < 2 || scans < 1 || scans >= static_cast<int64_t>(c.num_inputs())) {
    return invalid_model("{} scan inputs of {} inputs, or no body", scans, c.num_inputs());
  }
  const bool has_lengths = c.has_input(0);
  const size_t inputs = c.num_inputs() - 1, states = inputs - static_cast<size_t>(scans);
  const std::vector<int64_t> directions = c.ints("directions");
  Graph outer;
  outer.name = (*body)->name + "_batch";
  Builder b(outer);
  const size_t results = (*body)->outputs.size();
  if (results < states) return invalid_model("the body has {} outputs for {} states", results, states);

  Node inner;
  inner.op = "Scan";
  inner.name = c.node().name;
  ValueId length = kNoValue, whole = kNoValue;
  if (has_lengths) {
    outer.add_input("length", Type());
    length = b.add("Reshape", {outer.inputs[0], b.ints({1})});
  }
  for (size_t i = 0; i < inputs; ++i) {
    const ValueId in = outer.add_input("", Type());
    inner.inputs.push_back(in);
  }
  if (has_lengths) {
    whole = b.add("Slice", {b.add("Shape", {inner.inputs.back()}), b.ints({0}), b.ints({1}), b.ints({0})});
    for (size_t i = states; i < inputs; ++i) {
      inner.inputs[i] = b.add("Slice", {inner.inputs[i], b.ints({0}), length, b.ints({0})});
    }
  }
  std::vector<DType> dtypes;
  for (ValueId v : (*body)->outputs) dtypes.push_back((*body)->value(v).type.dtype);
  inner.attrs = {{"body", std::move(*body)},
                 {"num_scan_inputs", scans},
                 {"scan_input_axes", std::vector<int64_t>(static_cast<size_t>(scans), 0)}};
  if (!directions.empty()) inner.attrs.push_back({"scan_input_directions", directions});
  // Outer values reach the inner body through captures of the same slots.
  for (uint32_t slot = 0; slot < c.node().captures.size(); ++slot) {
    const ValueId v = outer.add_value("");
    outer.captures.push_back({slot, v});
    inner.captures.push_back(v);
  }
  for (size_t i = 0; i < results; ++i) inner.outputs.push_back(outer.add_value(""));
  outer.outputs = inner.outputs;
  outer.add_node(std::move(inner));
  if (has_lengths) {
    for (size_t i = states; i < results; ++i) {
      ANYRT_ASSIGN(outer.outputs[i], b.padded(outer.outputs[i], dtypes[i], length, whole));
    }
  }

  if (!has_lengths) {
    for (size_t i = 0; i < inputs; ++i) c.set_input(i, c.input(i + 1));
    c.graph().truncate_inputs(c.id(), inputs);
  }
  c.remove_attr("directions");
  c.set_attr("num_scan_inputs", static_cast<int64_t>(inputs + has_lengths));
  c.set_attr("body", GraphBox(std::move(outer)));
  return {};
}

}  // namespace anyrt
