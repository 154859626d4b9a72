#include "devices/cpu/kernel.h"

#include <hwy/detect_targets.h>
#include <hwy/targets.h>

#include <climits>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace anyrt::cpu {

namespace {

const Type kUnknownType;

const char* const kIsaNames[] = {"any", "scalar", "sse4", "avx2", "avx512", "vnni", "amx", "neon", "sve", "rvv"};
constexpr int kIsaCount = static_cast<int>(std::size(kIsaNames));

// Position of the limit in kIsaNames; -1 = no limit.
int isa_limit() {
  static const int limit = [] {
    const char* text = std::getenv("ANYRT_ISA");
    if (!text) return -1;
    for (int k = 1; k < kIsaCount; ++k) {
      if (std::strcmp(text, kIsaNames[k]) == 0) return k;
    }
    return -1;
  }();
  return limit;
}

// Highway's targets that this machine has and ANYRT_ISA allows.
int64_t usable_targets() {
  int64_t targets = hwy::SupportedTargets();
  const int limit = isa_limit() < 0 ? INT_MAX : isa_limit();
  if (limit < static_cast<int>(Isa::kNeon)) targets &= ~HWY_NEON;
  if (limit < static_cast<int>(Isa::kAvx512)) targets &= ~HWY_AVX3;
  if (limit < static_cast<int>(Isa::kAvx2)) targets &= ~HWY_AVX2;
  if (limit < static_cast<int>(Isa::kSse4)) targets &= ~HWY_SSE4;
  return targets;
}

}  // namespace

void apply_isa_limit() {
  static const bool applied = [] {
    // Chosen now: a function that is looked up before would choose again, slowly, on each of its calls.
    hwy::GetChosenTarget().Update(usable_targets());
    return true;
  }();
  (void)applied;
}

std::vector<std::string> dispatch_isas() {
  std::vector<std::string> names;
  for (int64_t rest = usable_targets() & HWY_TARGETS; rest != 0; rest &= rest - 1) {
    names.push_back(hwy::TargetName(rest & -rest));
  }
  return names;
}

void force_isa(const std::string& name) {
  int64_t chosen = usable_targets();
  for (int64_t rest = chosen; rest != 0; rest &= rest - 1) {
    if (name == hwy::TargetName(rest & -rest)) chosen = rest & -rest;
  }
  hwy::GetChosenTarget().Update(chosen);
}

const char* kernel_isa() {
  const int64_t targets = usable_targets() & HWY_TARGETS;
  switch (targets & -targets) {
    case HWY_AVX3: return "avx512";
    case HWY_AVX2: return "avx2";
    case HWY_SSE4: return "sse4";
    case HWY_NEON: return "neon";
    default: return "scalar";
  }
}

Status check_isa_limit() {
  const char* text = std::getenv("ANYRT_ISA");
  if (!text || !*text || isa_limit() > 0) return {};
  std::string names;
  for (int k = 1; k < kIsaCount; ++k) names += std::string(k > 1 ? ", " : "") + kIsaNames[k];
  return invalid_argument("ANYRT_ISA is '{}', expected one of {}", text, names);
}

bool isa_allowed(Isa isa) { return isa == Isa::kAny || isa_limit() < 0 || static_cast<int>(isa) <= isa_limit(); }

const Type& KernelQuery::input_type(size_t i) const {
  return has_input(i) ? graph_.value(node_->inputs[i]).type : kUnknownType;
}

DType KernelQuery::input_dtype(size_t i) const {
  const Type& t = input_type(i);
  return t.is_tensor() ? t.dtype : DType::kUndefined;
}

const SymShape* KernelQuery::input_shape(size_t i) const {
  const Type& t = input_type(i);
  return t.is_tensor() && t.shape ? &*t.shape : nullptr;
}

const Type& KernelQuery::output_type(size_t i) const {
  return i < node_->outputs.size() && node_->outputs[i] != kNoValue ? graph_.value(node_->outputs[i]).type
                                                                    : kUnknownType;
}

const Tensor* KernelQuery::input_constant(size_t i) const {
  if (!has_input(i)) return nullptr;
  const ValueInfo& v = graph_.value(node_->inputs[i]);
  return v.is_constant() && !graph_.is_input(node_->inputs[i]) ? &v.constant : nullptr;
}

const KernelRow* find_kernel(const KernelQuery& query) {
  apply_isa_limit();
  const Node& node = query.node();
  const KernelRow* best = nullptr;
  // Builds for given models leave out the types that these do not have.
  constexpr DTypeSet kDoubles = DType::kFloat64, kHalves = DType::kFloat16 | DType::kBFloat16;
  if (!ANYRT_FLOAT64_KERNELS && kDoubles.has(query.input_dtype(0))) return nullptr;
  if (!ANYRT_FLOAT16_KERNELS && kHalves.has(query.input_dtype(0))) return nullptr;
  for (size_t t = 0; t < kKernelTablesSize; ++t) {
    for (const KernelRow& row : kKernelTables[t]->rows) {
      if (node.op != row.op || node.domain != row.domain || !row.dtypes.has(query.input_dtype(0))) continue;
      if (row.accuracy > query.accuracy() || !isa_allowed(row.isa)) continue;
      if (best && best->priority >= row.priority) continue;
      if (!row.accepts || row.accepts(query)) best = &row;
    }
  }
  return best;
}

}  // namespace anyrt::cpu
