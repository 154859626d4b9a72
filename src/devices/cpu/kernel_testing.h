#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "devices/cpu/kernel.h"
#include "interp/case_graph.h"
#include "interp/interp.h"
#include "opdef/cases.h"
#include "opdef/inference.h"
#include "opdef/schema.h"
#include "tensor/compare.h"

// For kernel tests: one node through its kernel (prepare, bind, run) against the reference.

namespace anyrt::cpu {

// Calls f() once for each instruction set that the machine has and ANYRT_ISA allows, with dispatch kept to it.
template <class F>
void on_every_isa(const F& f) {
  apply_isa_limit();
  force_isa("");
  for (const std::string& isa : dispatch_isas()) {
    force_isa(isa);
    SCOPED_TRACE(isa);
    f();
  }
  force_isa("");
}

struct KernelCheck {
  const char* domain = "";
  const char* op = "";
  const char* kernel = "";  // the row that must be chosen; "" = any
  uint32_t constants = 0;   // bit i: input i is a weight
  Accuracy accuracy = Accuracy::kDefault;
  Tolerance tolerance = {1e-5, 1e-6};
  double scale_tolerance = 0;  // more that may differ, as a part of the output's largest magnitude
};

// `line` is a test case (opdef/cases.h), its outputs `?`, or one literal each that only counts; data may be
// {rand:SEED}. Runs with 1 and with 3 threads. Returns whether the kernel took the sizes; a kernel that refuses them is
// no failure.
inline bool check_kernel(const KernelCheck& check, const std::string& line) {
  SCOPED_TRACE(std::string(check.op) + " " + line);
  const OpDef* def = find_op(check.domain, check.op);
  if (!def) {
    ADD_FAILURE() << "no operator " << check.op;
    return false;
  }
  const auto cases = parse_cases(line);
  if (!cases.ok() || cases->size() != 1) {
    ADD_FAILURE() << "not one case: " << cases.status().message();
    return false;
  }
  const OpCase& one = (*cases)[0];
  Graph graph;
  Node made = case_node(*def, one);
  std::vector<Value> given;
  for (size_t i = 0; i < one.inputs.size(); ++i) {
    const Value& v = one.inputs[i];
    if (v.empty()) {
      made.inputs.push_back(kNoValue);
    } else if (check.constants >> i & 1) {
      made.inputs.push_back(graph.add_constant("", v.tensor()));
    } else {
      made.inputs.push_back(graph.add_input("", v.type()));
      given.push_back(v);
    }
  }
  for (size_t i = 0; i < case_output_count(*def, one); ++i) {
    made.outputs.push_back(graph.add_value(""));
    graph.outputs.push_back(made.outputs.back());
  }
  const NodeId id = graph.add_node(std::move(made));
  Status status = normalize_node(graph, id);
  if (status.ok()) status = infer_types(graph);
  if (!status.ok()) {
    ADD_FAILURE() << status.message();
    return false;
  }
  const auto want = interpret(graph, given);
  if (!want.ok()) {
    ADD_FAILURE() << want.status().message();
    return false;
  }
  const KernelQuery query(graph, id, check.accuracy);
  const KernelRow* row = find_kernel(query);
  if (!row) {
    ADD_FAILURE() << "no kernel";
    return false;
  }
  if (*check.kernel) {
    EXPECT_STREQ(row->kernel, check.kernel);
  }
  if (!row->bind) {
    ADD_FAILURE() << row->kernel << " cannot be bound";
    return false;
  }
  std::shared_ptr<const void> state;
  if (row->prepare) {
    auto prepared = row->prepare(query);
    if (!prepared.ok()) {
      ADD_FAILURE() << prepared.status().message();
      return false;
    }
    state = std::move(*prepared);
  }
  const Node& node = graph.node(id);
  std::vector<BoundTensor> in(node.inputs.size()), out(node.outputs.size());
  std::vector<const void*> in_bytes(in.size(), nullptr);
  for (size_t i = 0; i < in.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const Tensor& t = one.inputs[i].tensor();
    in[i] = {t.dtype(), t.dims(), nullptr, std::nullopt};
    if (check.constants >> i & 1) {
      in[i].constant = &graph.value(node.inputs[i]).constant;
      if (is_int(t.dtype()) && t.size() <= 1024) in[i].ints = *to_int64s(t);
    }
    in_bytes[i] = t.raw();
    if (state && (check.constants & row->packs) >> i & 1) {  // given up once packed
      in_bytes[i] = nullptr;
      const auto again = row->unpack(state.get(), i);
      EXPECT_TRUE(again.ok() && compare_values(Value(*again), one.inputs[i], Tolerance{0, 0}).equal) << "unpack " << i;
    }
  }
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = {(*want)[i].tensor().dtype(), (*want)[i].tensor().dims(), nullptr, std::nullopt};
  auto bound = row->bind(BindQuery(node, in, out), state);
  if (!bound.ok()) return false;
  std::vector<Tensor> first;
  for (int threads : {1, 3}) {
    std::vector<Tensor> got;
    std::vector<void*> out_bytes;
    for (const BoundTensor& t : out) {
      got.push_back(*Tensor::make(t.dtype, t.dims));
      std::fill_n(reinterpret_cast<unsigned char*>(got.back().mutable_raw()), got.back().bytes(), 0xff);
      out_bytes.push_back(got.back().mutable_raw());
    }
    const auto scratch = allocate_buffer((*bound)->scratch_bytes);
    std::fill_n(reinterpret_cast<unsigned char*>((*scratch)->data()), (*bound)->scratch_bytes, 0xff);
    status = (*bound)->run({in_bytes.data(), out_bytes.data(), (*scratch)->data(), threads});
    EXPECT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < got.size(); ++i) {
      Tolerance tolerance = check.tolerance;
      if (check.scale_tolerance > 0) {
        double most = 0;
        const auto values = to_doubles((*want)[i].tensor());
        for (size_t k = 0; values.ok() && k < values->size(); ++k) {
          if (std::isfinite((*values)[k])) most = std::max(most, std::abs((*values)[k]));
        }
        tolerance.atol += check.scale_tolerance * most;
      }
      const Comparison c = compare_values(Value(got[i]), (*want)[i], tolerance);
      EXPECT_TRUE(c.equal) << row->kernel << " with " << threads << " threads, output " << i << ": " << c.message;
    }
    if (threads == 1) first = got;
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(std::memcmp(got[i].raw(), first[i].raw(), got[i].bytes()), 0) << "bits differ by thread count";
    }
  }
  return true;
}

}  // namespace anyrt::cpu
