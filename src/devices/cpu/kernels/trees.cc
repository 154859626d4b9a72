#include <algorithm>
#include <limits>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/flat_trees_common.h"
#include "tensor/dispatch.h"

// Tree ensembles, parsed once. Rows are shared out among the threads, and for few rows the trees; scores are summed in
// the order of the trees whatever the number of threads.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kRowsOfPiece = 64;
constexpr size_t kPieceBytes = 256 << 10;  // of tiles
constexpr int64_t kFewRows = 16;
constexpr int64_t kWorthThreads = 12000;  // comparisons, of a nanosecond or two each

template <class T>
size_t padded(int64_t count) {
  return (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
}

// Rows as FlatTrees wants them.
template <class T, class In>
void fill_rows(const FlatTrees<T>& trees, const In* x, int64_t n, int64_t width, T* rows) {
  constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
  const int64_t tiled = trees.tiled_rows(n);
  for (int64_t r = 0; r < tiled; r += kTreeLanes) {
    T* tile = rows + r * (width + 1);
    std::fill_n(tile, kTreeLanes, kNan);
    for (int64_t lane = 0; lane < kTreeLanes; ++lane) {
      for (int64_t k = 0; k < width; ++k) tile[(k + 1) * kTreeLanes + lane] = static_cast<T>(x[(r + lane) * width + k]);
    }
  }
  for (int64_t r = tiled; r < n; ++r) {
    T* row = rows + r * (width + 1);
    row[0] = kNan;
    for (int64_t k = 0; k < width; ++k) row[k + 1] = static_cast<T>(x[r * width + k]);
  }
}

template <class T>
struct Sizes {
  Sizes(const FlatTrees<T>& trees, Rows of) : rows(of), targets(trees.model().targets) {
    const int64_t each = static_cast<int64_t>(sizeof(T)) * (rows.width + 1);
    piece = std::clamp<int64_t>(static_cast<int64_t>(kPieceBytes) / each / kTreeLanes, 1, kRowsOfPiece / kTreeLanes) *
            kTreeLanes;
    piece = std::min(piece, (rows.count + kTreeLanes - 1) / kTreeLanes * kTreeLanes);
  }
  size_t rows_bytes() const { return padded<T>(piece * (rows.width + 1)); }
  size_t scores_bytes() const { return padded<T>(piece * targets); }
  size_t bytes() const { return rows_bytes() + scores_bytes() + padded<uint8_t>(piece * targets); }

  Rows rows;
  int64_t targets, piece;
};

// Output 0 of a classifier and the scores, each null where nobody asks for it.
template <class Out>
struct Results {
  int64_t* labels;
  Out* scores;
};

template <class T, class Out>
void store_row(const TreeModel<T>& model, const T* scores, int64_t best, int64_t r, const Results<Out>& to) {
  for (int64_t k = 0; to.scores && k < model.targets; ++k)
    to.scores[r * model.targets + k] = static_cast<Out>(scores[k]);
  if (to.labels) to.labels[r] = model.int_label.empty() ? best : model.int_label[static_cast<size_t>(best)];
}

// Rows [begin, end), no more than a piece.
template <class T, class In, class Out>
void score_piece(const FlatTrees<T>& trees, const Sizes<T>& s, const In* x, int64_t begin, int64_t end,
                 std::byte* scratch, const Results<Out>& to) {
  T* rows = reinterpret_cast<T*>(scratch);
  T* scores = reinterpret_cast<T*>(scratch + s.rows_bytes());
  auto* has = reinterpret_cast<uint8_t*>(scratch + s.rows_bytes() + s.scores_bytes());
  int64_t chosen[kRowsOfPiece];
  fill_rows(trees, x + begin * s.rows.width, end - begin, s.rows.width, rows);
  trees.score(rows, end - begin, s.rows.width, scores, has, chosen);
  for (int64_t r = begin; r < end; ++r)
    store_row(trees.model(), scores + (r - begin) * s.targets, chosen[r - begin], r, to);
}

template <class T, class In, class Out>
class TreeStep final : public BoundStep {
 public:
  TreeStep(std::shared_ptr<const FlatTrees<T>> trees, Rows rows, size_t scores_output)
      : trees_(std::move(trees)), s_(*trees_, rows), scores_output_(scores_output), slots_(slot_count()) {
    few_ = trees_->branchless() && rows.count <= std::min(kFewRows, s_.piece);
    if (few_) leaves_bytes_ = padded<uint32_t>(rows.count * trees_->sets() * kTreeLanes);
    scratch_bytes = slots_ * s_.bytes() + leaves_bytes_;
  }

  Status run(const StepArgs& args) const override {
    const In* x = args.input<In>(0);
    const Results<Out> to = {scores_output_ == 1 ? args.output<int64_t>(0) : nullptr, args.output<Out>(scores_output_)};
    const int64_t n = s_.rows.count, work = n * trees_->depth();
    const int threads = std::min(args.threads > 0 ? args.threads : static_cast<int>(slots_), static_cast<int>(slots_));
    if (threads == 1 || work < kWorthThreads) {
      for (int64_t r = 0; r < n; r += s_.piece)
        score_piece(*trees_, s_, x, r, std::min(n, r + s_.piece), args.scratch, to);
      return {};
    }
    if (few_) {
      share_trees(x, args.scratch, threads, to);
      return {};
    }
    const int64_t share = (n / (2 * threads) + kTreeLanes - 1) / kTreeLanes * kTreeLanes;
    const int64_t grain = std::clamp(share, kTreeLanes, s_.piece);
    Slots free(slots_);
    parallel_for(
        n, grain,
        [&](int64_t begin, int64_t end) {
          const size_t slot = free.take();
          for (int64_t r = begin; r < end; r += s_.piece)
            score_piece(*trees_, s_, x, r, std::min(end, r + s_.piece), args.scratch + slot * s_.bytes(), to);
          free.give_back(slot);
        },
        threads);
    return {};
  }

 private:
  void share_trees(const In* x, std::byte* scratch, int threads, const Results<Out>& to) const {
    constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
    const int64_t n = s_.rows.count, width = s_.rows.width, sets = trees_->sets(), each = sets * kTreeLanes;
    auto* leaves = reinterpret_cast<uint32_t*>(scratch);
    T* rows = reinterpret_cast<T*>(scratch + leaves_bytes_);
    T* scores = reinterpret_cast<T*>(scratch + leaves_bytes_ + s_.rows_bytes());
    auto* has = reinterpret_cast<uint8_t*>(scratch + leaves_bytes_ + s_.rows_bytes() + s_.scores_bytes());
    for (int64_t r = 0; r < n; ++r) {
      T* row = rows + r * (width + 1);
      row[0] = kNan;
      for (int64_t k = 0; k < width; ++k) row[k + 1] = static_cast<T>(x[r * width + k]);
    }
    const int64_t grain = 1 + kWorthThreads * sets / (4 * n * trees_->depth());
    parallel_for(
        sets, grain,
        [&](int64_t begin, int64_t end) {
          for (int64_t r = 0; r < n; ++r) trees_->find_leaves(rows + r * (width + 1), begin, end, leaves + r * each);
        },
        threads);
    for (int64_t r = 0; r < n; ++r)
      store_row(trees_->model(), scores, trees_->score_leaves(leaves + r * each, scores, has), r, to);
  }

  std::shared_ptr<const FlatTrees<T>> trees_;
  Sizes<T> s_;
  size_t scores_output_, slots_, leaves_bytes_ = 0;
  bool few_ = false;
};

template <class T>
using Read = Expected<TreeModel<T>> (*)(const AttrReader&);

template <class T>
Expected<State> prepare_as(const KernelQuery& q, Read<T> read) {
  ANYRT_ASSIGN(TreeModel<T> model, read(q));
  ANYRT_TRY(model.trees.check(std::numeric_limits<int64_t>::max(), model.targets));
  return State(std::make_shared<const FlatTrees<T>>(std::move(model)));
}

template <Read<float> read_float, Read<double> read_double>
Expected<State> prepare(const KernelQuery& q) {
  return q.input_dtype(0) == DType::kFloat64 ? prepare_as<double>(q, read_double) : prepare_as<float>(q, read_float);
}

template <class T>
Status check_width(const FlatTrees<T>& trees, int64_t width) {
  if (trees.features() <= width) return {};
  return invalid_argument("feature {} of {}", trees.features() - 1, width);
}

template <class T, class In>
Bound bind_as(const BindQuery& q, const State& state) {
  auto trees = std::static_pointer_cast<const FlatTrees<T>>(state);
  const Dims& dims = q.input(0).dims;
  if (dims.empty() || dims.size() > 2) return not_implemented("rank of X");
  const Rows rows = dims.size() == 1 ? Rows{1, dims[0]} : Rows{dims[0], dims[1]};
  ANYRT_TRY(check_width(*trees, rows.width));
  const TreeModel<T>& model = trees->model();
  if (model.classifier && model.int_label.empty()) return not_implemented("labels of strings");
  const size_t scores = model.classifier ? 1 : 0;
  if (q.wants_output(scores) && q.output(scores).dtype == DType::kFloat64)
    return std::unique_ptr<BoundStep>(std::make_unique<TreeStep<T, In, double>>(std::move(trees), rows, scores));
  return std::unique_ptr<BoundStep>(std::make_unique<TreeStep<T, In, float>>(std::move(trees), rows, scores));
}

Bound bind(const BindQuery& q, const State& state) {
  switch (q.input(0).dtype) {
    case DType::kFloat32: return bind_as<float, float>(q, state);
    case DType::kFloat64: return bind_as<double, double>(q, state);
    case DType::kInt32: return bind_as<float, int32_t>(q, state);
    case DType::kInt64: return bind_as<float, int64_t>(q, state);
    default: return not_implemented("element type");
  }
}

template <class T>
Status run_as(EvalContext& c, const FlatTrees<T>& trees) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, dtype_of<T>));
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_TRY(check_width(trees, rows.width));
  const TreeModel<T>& model = trees.model();
  ANYRT_ASSIGN(Tensor y, Tensor::make(dtype_of<T>, {rows.count, model.targets}));
  std::vector<int64_t> chosen(static_cast<size_t>(rows.count));
  const Sizes<T> s(trees, rows);
  c.parallel_for(rows.count, std::max<int64_t>(s.piece, 1), [&](int64_t begin, int64_t end) {
    std::vector<T> of_rows(static_cast<size_t>(s.piece * (rows.width + 1)));
    std::vector<uint8_t> has(static_cast<size_t>(s.piece * s.targets));
    for (int64_t r = begin; r < end; r += s.piece) {
      const int64_t n = std::min(end - r, s.piece);
      fill_rows(trees, x.template data<T>() + r * rows.width, n, rows.width, of_rows.data());
      trees.score(of_rows.data(), n, rows.width, y.template mutable_data<T>() + r * s.targets, has.data(),
                  chosen.data() + r);
    }
  });
  if (!model.classifier) {
    return c.set_output_as(0, y, c.node().op == "TreeEnsemble" ? c.input(0).dtype() : DType::kFloat32);
  }
  ANYRT_TRY(write_tree_labels(c, model, chosen));
  return c.set_output_as(1, y, DType::kFloat32);
}

Status run(EvalContext& c, const void* state) {
  return c.input(0).dtype() == DType::kFloat64 ? run_as(c, *static_cast<const FlatTrees<double>*>(state))
                                               : run_as(c, *static_cast<const FlatTrees<float>*>(state));
}

constexpr KernelRow kRows[] = {
    {.kernel = "flat_trees",
     .op = "TreeEnsembleRegressor",
     .domain = kMlDomain,
     .dtypes = kMlNumbers,
     .prepare = prepare<read_tree_regressor<float>, read_tree_regressor<double>>,
     .bind = bind,
     .run = run},
    {.kernel = "flat_trees",
     .op = "TreeEnsembleClassifier",
     .domain = kMlDomain,
     .dtypes = kMlNumbers,
     .prepare = prepare<read_tree_classifier<float>, read_tree_classifier<double>>,
     .bind = bind,
     .run = run},
    {.kernel = "flat_trees",
     .op = "TreeEnsemble",
     .domain = kMlDomain,
     .dtypes = kFloats3,
     .prepare = prepare<read_tree_targets<float>, read_tree_targets<double>>,
     .bind = bind,
     .run = run},
};

}  // namespace

extern const KernelTable kernels_trees = {kRows};

}  // namespace anyrt::cpu
