#include <algorithm>
#include <limits>

#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/tile_common.h"
#include "opdef/elementwise_chain.h"

namespace anyrt::cpu {
namespace {

constexpr DTypeSet kComputed = DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16 | DType::kBool;

// Makes the steps of a TileProgram from those of a chain. Constants are numbered from 0 until their number is known.
class Lowering {
 public:
  explicit Lowering(const Chain& chain) : chain_(chain) {}

  Status lower() {
    for (size_t i = 0; i < chain_.inputs; ++i) values_.push_back({Ref::kInput, static_cast<int>(i)});
    for (const ChainStep& step : chain_.steps) {
      ANYRT_ASSIGN(const Ref value, lower_step(step));
      values_.push_back(value);
    }
    return {};
  }

  std::vector<TileProgram::Step> steps() const {
    std::vector<TileProgram::Step> out;
    for (const Lowered& l : lowered_) {
      TileProgram::Step step{l.call};
      for (int i = 0; i < map_arity(l.call.op); ++i) step.in[i] = number(l.in[i]);
      out.push_back(step);
    }
    return out;
  }
  int value(int of_chain) const { return number(values_[static_cast<size_t>(of_chain)]); }
  const std::vector<float>& constants() const { return constants_; }

 private:
  struct Ref {
    enum Kind : uint8_t { kInput, kConstant, kStep } kind = kInput;
    int index = 0;
  };
  struct Lowered {
    MapCall call;
    Ref in[3];
  };

  int number(const Ref& r) const {
    const int inputs = static_cast<int>(chain_.inputs), constants = static_cast<int>(constants_.size());
    return r.index + (r.kind == Ref::kInput ? 0 : r.kind == Ref::kConstant ? inputs : inputs + constants);
  }

  Ref ref(const ChainOperand& o) {
    if (o.value >= 0) return values_[static_cast<size_t>(o.value)];
    return constant(o.number);
  }
  Ref constant(float v) {
    constants_.push_back(v);
    return {Ref::kConstant, static_cast<int>(constants_.size()) - 1};
  }
  Ref add(const MapCall& call, std::initializer_list<Ref> in) {
    Lowered one{call, {}};
    std::copy(in.begin(), in.end(), one.in);
    lowered_.push_back(one);
    return {Ref::kStep, static_cast<int>(lowered_.size()) - 1};
  }

  Expected<Ref> lower_step(const ChainStep& step) {
    const std::string& op = step.node.op;
    const std::vector<ChainOperand>& o = step.operands;
    const AttrReader attrs(step.node);
    if (op == "Clip") return lower_clip(o);
    if (op == "Cast") {
      const DType to = attrs.dtype("to");
      if (to != DType::kFloat32 && to != DType::kBool) return not_implemented("Cast to {}", dtype_name(to));
      return add({to == DType::kBool ? Map::kTruth : Map::kIdentity}, {ref(o[0])});
    }
    if (op == "Max") return fold(Map::kMax, o);
    if (op == "Min") return fold(Map::kMin, o);
    if (op == "Sum") return fold(Map::kAdd, o);
    if (op == "Mean") {
      const Ref sum = fold(Map::kAdd, o);
      return add({Map::kQuotient, static_cast<float>(o.size())}, {sum});
    }
    if (op == "Pow" && o[1].value < 0 && o[1].number == 2) return add({Map::kSquare}, {ref(o[0])});
    const auto call = map_call(attrs);
    if (!call || static_cast<size_t>(map_arity(call->op)) != o.size()) return not_implemented("{} in a chain", op);
    if (o.size() == 1) return add(*call, {ref(o[0])});
    const Ref first = ref(o[0]), second = ref(o[1]);
    return o.size() == 2 ? add(*call, {first, second}) : add(*call, {first, second, ref(o[2])});
  }

  Ref fold(Map op, const std::vector<ChainOperand>& o) {
    Ref all = ref(o[0]);
    for (size_t i = 1; i < o.size(); ++i) all = add({op}, {all, ref(o[i])});
    return all;
  }

  Ref lower_clip(const std::vector<ChainOperand>& o) {
    const float infinity = std::numeric_limits<float>::infinity();
    ChainOperand low{.number = -infinity}, high{.number = infinity};
    if (o.size() > 1 && !o[1].omitted) low = o[1];
    if (o.size() > 2 && !o[2].omitted) high = o[2];
    const bool numbers = low.value < 0 && high.value < 0 && low.number == low.number && high.number == high.number;
    if (numbers) return add({Map::kClip, low.number, high.number}, {ref(o[0])});
    const Ref x = ref(o[0]), a = ref(low);
    return add({Map::kLimit}, {x, a, ref(high)});
  }

  const Chain& chain_;
  std::vector<Ref> values_;  // of the chain
  std::vector<float> constants_;
  std::vector<Lowered> lowered_;
};

// Values are computed in f32: other types than those that fit may only be cast to it.
Status check_types(const Chain& chain, const std::vector<DType>& dtypes) {
  for (size_t i = chain.inputs; i < dtypes.size(); ++i) {
    if (!kComputed.has(dtypes[i])) return not_implemented("values of {}", dtype_name(dtypes[i]));
  }
  for (const ChainStep& step : chain.steps) {
    for (const ChainOperand& o : step.operands) {
      if (o.value < 0 || step.node.op == "Cast") continue;
      const DType dtype = dtypes[static_cast<size_t>(o.value)];
      if (!kComputed.has(dtype)) return not_implemented("{} of {}", step.node.op, dtype_name(dtype));
    }
  }
  return {};
}

Expected<std::unique_ptr<BoundStep>> bind(const BindQuery& q, const std::shared_ptr<const void>&) {
  ANYRT_ASSIGN(const Chain chain, read_chain(q, q.num_inputs()));
  std::vector<DType> types;
  std::vector<BoundTensor> inputs;
  for (size_t i = 0; i < q.num_inputs(); ++i) {
    types.push_back(q.input(i).dtype);
    inputs.push_back(q.input(i));
  }
  ANYRT_TRY(check_types(chain, chain_dtypes(chain, types)));
  Lowering lowering(chain);
  ANYRT_TRY(lowering.lower());
  std::vector<TileProgram::Output> outputs;
  for (size_t i = 0; i < chain.outputs.size(); ++i) {
    if (!q.wants_output(i)) return not_implemented("an output that nobody reads");
    outputs.push_back({lowering.value(chain.outputs[i]), q.output(i).dtype});
  }
  ANYRT_ASSIGN(TileProgram program,
               TileProgram::make(q.output(0).dims, inputs, lowering.constants(), lowering.steps(), std::move(outputs)));
  return bound_step([program = std::move(program)](const StepArgs& args) {
    program.run(args.in, args.out, args.threads);
    return Status();
  });
}

constexpr KernelRow kRows[] = {
    {.kernel = "elementwise_chain",
     .op = "ElementwiseChain",
     .domain = "anyrt",
     .dtypes = kNumeric | DType::kBool,
     .in_place = 0xffff,
     .bind = bind},
};

}  // namespace

extern const KernelTable kernels_chain = {kRows};

}  // namespace anyrt::cpu
