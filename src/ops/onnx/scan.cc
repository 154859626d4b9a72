#include <numeric>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/loop_util.h"
#include "opdef/scan_batch.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"V", kAllDTypes}};
constexpr Param kInputs[] = {
    {"initial_state_and_scan_inputs", "V", kVariadicAnyParam, "N states, then M tensors to walk through"}};
constexpr Param kOutputs[] = {
    {"final_state_and_scan_outputs", "V", kVariadicAnyParam, "N states at the end, then K stacked results"}};
constexpr AttrDef kAttrs[] = {
    required_attr("body", AttrKind::kGraph).with_doc("(states…, slices…) -> (states…, results…)"),
    required_attr("num_scan_inputs", AttrKind::kInt).with_doc("M"),
    attr("scan_input_axes", AttrKind::kInts).with_doc("axis to walk along; 0 when absent"),
    attr("scan_input_directions", AttrKind::kInts).with_doc("1: from the end; 0 when absent"),
    attr("scan_output_axes", AttrKind::kInts).with_doc("axis to stack along; 0 when absent"),
    attr("scan_output_directions", AttrKind::kInts).with_doc("1: later results come first; 0 when absent"),
};

struct Layout {
  size_t states = 0, scans = 0, results = 0;
};

Expected<Layout> layout_of(const AttrReader& c, size_t num_inputs, size_t num_outputs) {
  const Graph& body = *c.graph("body");
  const int64_t scans = c.i("num_scan_inputs");
  if (scans < 1 || static_cast<uint64_t>(scans) > num_inputs) {
    return invalid_model("num_scan_inputs must be in [1, {}], found {}", num_inputs, scans);
  }
  Layout l{num_inputs - static_cast<size_t>(scans), static_cast<size_t>(scans), 0};
  if (body.inputs.size() != num_inputs) {
    return invalid_model("the body has {} inputs, expected {}", body.inputs.size(), num_inputs);
  }
  if (body.outputs.size() < l.states || body.outputs.size() < num_outputs) {
    return invalid_model("the body has {} outputs, expected {}", body.outputs.size(), std::max(l.states, num_outputs));
  }
  l.results = body.outputs.size() - l.states;
  for (const char* name : {"scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"}) {
    const size_t expected = std::string_view(name).starts_with("scan_input") ? l.scans : l.results;
    if (c.has_attr(name) && c.ints(name).size() != expected) {
      return invalid_model("{} has {} entries, expected {}", name, c.ints(name).size(), expected);
    }
  }
  for (const char* name : {"scan_input_directions", "scan_output_directions"}) {
    for (int64_t d : c.ints(name)) {
      if (d != 0 && d != 1) return invalid_model("{} must hold 0 or 1, found {}", name, d);
    }
  }
  return l;
}

int64_t entry(const AttrReader& c, std::string_view name, size_t k) {
  const std::vector<int64_t>& list = c.ints(name);
  return k < list.size() ? list[k] : 0;
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const Layout l, layout_of(c, c.num_inputs(), c.num_outputs()));
  std::vector<Type> types;
  Dim length;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    Type t = c.input_type(i);
    if (i >= l.states && t.is_tensor() && t.shape) {
      ANYRT_ASSIGN(const int64_t axis,
                   normalize_axis(entry(c, "scan_input_axes", i - l.states), static_cast<int64_t>(t.shape->size())));
      const Dim d = (*t.shape)[axis];
      if (d.is_const() && length.is_const() && !(d == length)) {
        return invalid_model("input {} has {} elements on its scan axis, another {}", i, d.value(), length.value());
      }
      if (!length.is_const() && !d.is_unknown()) length = d;
      t.shape->erase(t.shape->begin() + axis);
    }
    types.push_back(std::move(t));
  }
  ANYRT_ASSIGN(std::vector<Type> out, infer_loop_body(c, "body", std::move(types), 0, 0, l.states));
  for (size_t i = 0; i < c.num_outputs(); ++i) {
    Type t = out[i];
    if (i >= l.states && t.is_tensor() && t.shape) {
      ANYRT_ASSIGN(const int64_t axis, normalize_axis(entry(c, "scan_output_axes", i - l.states),
                                                      static_cast<int64_t>(t.shape->size()) + 1));
      t.shape->insert(t.shape->begin() + axis, length);
    }
    c.set_output(i, std::move(t));
  }
  return {};
}

// x with `axis` moved to the front.
Expected<Tensor> axis_first(const Tensor& x, int64_t axis) {
  ANYRT_ASSIGN(const int64_t at, normalize_axis(axis, x.rank()));
  if (at == 0) return x;
  std::vector<int64_t> perm(x.dims().size());
  std::iota(perm.begin(), perm.end(), 0);
  perm.erase(perm.begin() + at);
  perm.insert(perm.begin(), at);
  return transpose(x, perm);
}

Status eval(EvalContext& c) {
  const Graph& body = *c.graph("body");
  ANYRT_ASSIGN(const Layout l, layout_of(c, c.num_inputs(), c.num_outputs()));
  std::vector<Tensor> scans;
  for (size_t k = 0; k < l.scans; ++k) {
    ANYRT_ASSIGN(Tensor x, axis_first(c.input(l.states + k), entry(c, "scan_input_axes", k)));
    if (k > 0 && x.dim(0) != scans[0].dim(0)) {
      return invalid_argument("scan input {} has {} elements on its axis, the first one {}", k, x.dim(0),
                              scans[0].dim(0));
    }
    scans.push_back(std::move(x));
  }
  std::vector<Value> state;
  for (size_t k = 0; k < l.states; ++k) state.push_back(c.value(k));
  std::vector<std::vector<Value>> results(l.results);
  const int64_t length = scans[0].dim(0);
  if (scans[0].size() == 0 && length > (1 << 24)) return invalid_argument("{} slices without elements", length);
  for (int64_t i = 0; i < length; ++i) {
    ANYRT_TRY(c.check_cancelled());
    std::vector<Value> in = std::move(state);
    for (size_t k = 0; k < l.scans; ++k) {
      ANYRT_ASSIGN(Tensor row, view_row(scans[k], entry(c, "scan_input_directions", k) != 0 ? length - 1 - i : i));
      in.emplace_back(std::move(row));
    }
    ANYRT_ASSIGN(std::vector<Value> out, c.run_subgraph("body", std::move(in)));
    for (size_t k = 0; k < l.results; ++k) results[k].push_back(std::move(out[l.states + k]));
    out.resize(l.states);
    state = std::move(out);
  }
  for (size_t k = 0; k < l.states && k < c.num_outputs(); ++k) c.set_output(k, std::move(state[k]));
  for (size_t k = 0; l.states + k < c.num_outputs(); ++k) {
    if (!c.wants_output(l.states + k)) continue;
    ANYRT_ASSIGN(Tensor y, stack_results(body, l.states + k, results[k], entry(c, "scan_output_axes", k),
                                         entry(c, "scan_output_directions", k) != 0));
    c.set_output(l.states + k, std::move(y));
  }
  return {};
}

Status upgrade(RewriteContext& c) { return c.version() < 9 ? upgrade_batched_scan(c) : Status(); }

Status downgrade(RewriteContext& c) {
  if (c.version() < 9) return not_implemented("opset 8 has a batched Scan only, at least 9 is needed");
  return {};
}

}  // namespace

extern const OpDef op_onnx_scan = {
    .name = "Scan",
    .since = 25,
    .first = 8,
    .doc = "Runs a subgraph for each slice of some tensors, carrying states along, and stacks its results.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
};

}  // namespace anyrt
