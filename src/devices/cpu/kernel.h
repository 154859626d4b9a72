#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/device.h"
#include "device/packed_store.h"
#include "graph/graph.h"
#include "opdef/attrs.h"
#include "opdef/eval.h"
#include "tensor/dtype.h"

namespace anyrt::cpu {

// What a kernel may look at when a node is compiled. Shapes are symbolic: `shape` is null where the rank is not known.
class KernelQuery : public AttrReader {
 public:
  KernelQuery(const Graph& graph, NodeId id, Accuracy accuracy, bool weights_once = false, PackedStore* store = nullptr)
      : AttrReader(graph.node(id)), graph_(graph), accuracy_(accuracy), weights_once_(weights_once), store_(store) {}
  bool has_input(size_t i) const { return i < node_->inputs.size() && node_->inputs[i] != kNoValue; }
  const Type& input_type(size_t i) const;
  DType input_dtype(size_t i) const;
  const SymShape* input_shape(size_t i) const;
  const Type& output_type(size_t i) const;
  const Tensor* input_constant(size_t i) const;  // weights and other compile-time constants
  Accuracy accuracy() const { return accuracy_; }
  bool weights_once() const { return weights_once_; }  // as in DeviceOptions
  // Where `prepare` gets the memory of packed weights from; may be null.
  PackedStore* store() const { return store_; }
  const Graph& graph() const { return graph_; }

 private:
  const Graph& graph_;
  Accuracy accuracy_;
  bool weights_once_;
  PackedStore* store_;
};

// Which instruction set a kernel is built for; kAny dispatches by itself (Highway).
enum class Isa : uint8_t { kAny, kScalar, kSse4, kAvx2, kAvx512, kVnni, kAmx, kNeon, kSve, kRvv };

// One kernel: (operator, dtypes of input 0, layout, accuracy class, ISA) -> functions. Rows of one operator are tried
// from the highest priority down; the first that accepts is used, and `eval` where none does.
struct KernelRow {
  const char* kernel;  // "f32_gemm"
  const char* op;
  const char* domain = "";
  DTypeSet dtypes = DType::kFloat32;  // of input 0
  Layout layout = {};
  Accuracy accuracy = Accuracy::kStrict;  // the strictest class whose bounds the kernel keeps
  Isa isa = Isa::kAny;
  int priority = 0;
  uint32_t in_place = 0;                          // bit i: output 0 may take the bytes of input i (of equal size)
  bool (*accepts)(const KernelQuery&) = nullptr;  // null: every node with these dtypes
  // Packs weights and the like, once per session; null: no state. What is large, is plain numbers and is read as it
  // lies gets its memory from the query's store (take_packed), so that it can be kept for other processes.
  Expected<std::shared_ptr<const void>> (*prepare)(const KernelQuery&) = nullptr;
  // Bit i: where input i is a constant and there is a state, neither bind nor run reads the constant any more: its
  // memory is given up. `unpack` makes it again, with its plain dims, for when the reference has to run after all.
  uint32_t packs = 0;
  Expected<Tensor> (*unpack)(const void* state, size_t input) = nullptr;
  // Works out everything that depends on sizes; see device/bound.h. One of bind and run must be there; where only
  // `bind` is, the reference runs what it refuses.
  BindFn bind = nullptr;
  // Reads c.input(i), writes through c.output(i, …); parallel work through c.parallel_for.
  Status (*run)(EvalContext& c, const void* state) = nullptr;
};

// Every kernels/<file>.cc defines `const KernelTable kernels_<file>`; the build writes the list.
struct KernelTable {
  std::span<const KernelRow> rows;
};
extern const KernelTable* const kKernelTables[];
extern const size_t kKernelTablesSize;

// The best row for the node, or null (then `eval` runs it).
const KernelRow* find_kernel(const KernelQuery& query);

// ISA limit from ANYRT_ISA (scalar, sse4, avx2, avx512, neon …), for tests and comparisons.
bool isa_allowed(Isa isa);
// An error where ANYRT_ISA is none of those names.
Status check_isa_limit();
// The best instruction set that kernels are compiled for, this machine has and ANYRT_ISA allows, by its name there.
const char* kernel_isa();
// Makes Highway's dispatch choose, within it; called before the first kernel is found.
void apply_isa_limit();
// For tests: the instruction sets that this machine has, ANYRT_ISA allows and kernels are compiled for, by name, and
// dispatch kept to one of them ("" = the best again).
std::vector<std::string> dispatch_isas();
void force_isa(const std::string& name);

}  // namespace anyrt::cpu
