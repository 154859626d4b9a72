#include "passes/pipeline.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>

#include "pass_selection.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

constexpr bool kInexact = false;

// A selective build names the passes that it keeps; the others do nothing and are not linked.
constexpr std::string_view kSelected[] = {ANYRT_SELECTED_PASSES ""};
constexpr auto kept(std::string_view name, decltype(PassRow::run) run) -> decltype(run) {
  bool found = std::size(kSelected) == 1;
  for (const std::string_view s : kSelected) found = found || s == name;
  return found ? run : nullptr;
}
#define ANYRT_PASS(name) kept(#name, name)

constexpr PassRow kPasses[] = {
    {"eliminate_dead_code", "drop nodes, captures and optional outputs that nobody reads",
     ANYRT_PASS(eliminate_dead_code)},
    {"inline_constant_if", "replace an If whose condition is constant by the branch it takes",
     ANYRT_PASS(inline_constant_if)},
    {"fold_shapes", "make constants of integers that are known from shapes", ANYRT_PASS(fold_shapes)},
    {"fold_constants", "compute nodes whose inputs are all constant", ANYRT_PASS(fold_constants)},
    {"eliminate_identity", "drop nodes that give back their input: Identity, idle Dropout, Cast, Reshape, Slice …",
     ANYRT_PASS(eliminate_identity)},
    {"eliminate_neutral", "drop x*1, x/1, x-0 and the like", ANYRT_PASS(eliminate_neutral)},
    {"merge_initializers", "keep one of initializers with the same content", ANYRT_PASS(merge_initializers)},
    {"merge_common", "keep one of nodes that compute the same", ANYRT_PASS(merge_common)},
    {"merge_casts", "cast at once what is cast twice, where the type between holds every value",
     ANYRT_PASS(merge_casts)},
    {"merge_transposes", "transpose at once what is transposed twice", ANYRT_PASS(merge_transposes)},
    {"simplify_reshape", "skip what Reshape, Squeeze, Unsqueeze and Flatten undo; make computed shapes constant",
     ANYRT_PASS(simplify_reshape)},
    {"divide_by_multiplying", "multiply by the reciprocal of powers of two", ANYRT_PASS(divide_by_multiplying)},
    {"fuse_conv_batchnorm", "fold BatchNormalization into the weights of a convolution",
     ANYRT_PASS(fuse_conv_batchnorm), kInexact},
    {"fuse_conv_arithmetic", "fold a sum, difference, product or quotient by channel into the weights of a convolution",
     ANYRT_PASS(fuse_conv_arithmetic), kInexact},
    {"fuse_pad_conv", "let a convolution do the padding of a Pad before it", ANYRT_PASS(fuse_pad_conv), kInexact},
    {"fuse_layer_norm", "make a LayerNormalization of its parts", ANYRT_PASS(fuse_layer_norm), kInexact},
    {"fuse_rms_norm", "make an RMSNormalization of its parts", ANYRT_PASS(fuse_rms_norm), kInexact},
    {"fuse_gelu", "make a Gelu of its parts, with erf or tanh", ANYRT_PASS(fuse_gelu), kInexact},
    {"fuse_gates", "make a Swish, HardSwish or Mish of its parts", ANYRT_PASS(fuse_gates), kInexact},
    {"fuse_rotary", "make a RotaryEmbedding of halves that are turned by cosines and sines", ANYRT_PASS(fuse_rotary),
     kInexact},
    {"fuse_attention", "make an Attention of two products with scale, masks and a softmax between",
     ANYRT_PASS(fuse_attention), kInexact},
    {"fuse_attention_cache", "let an Attention put past keys and values before its own",
     ANYRT_PASS(fuse_attention_cache)},
    {"fuse_attention_heads", "let an Attention split and merge the heads", ANYRT_PASS(fuse_attention_heads)},
    {"simplify_pow", "square, take the root or the reciprocal instead of Pow", ANYRT_PASS(simplify_pow), kInexact},
    {"fuse_matmul_add", "make a Gemm of MatMul and Add of matrices", ANYRT_PASS(fuse_matmul_add), kInexact},
};

// Inner graphs first.
Status run_on(const PassRow& pass, Graph& graph, PassContext& context) {
  if (!pass.run) return {};
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    for (Graph* sub : graph.node(id).subgraphs()) ANYRT_TRY(run_on(pass, *sub, context));
  }
  const size_t before = context.changes();
  ANYRT_TRY(pass.run(graph, context));
  return context.changes() == before ? Status() : graph.sort();
}

Status run_checked(const PassRow& pass, Graph& graph, PassContext& context, bool verify) {
  Status status = run_on(pass, graph, context);
  if (status.ok() && verify && context.changes() > 0) status = verify_structure(graph);
  return status.ok() ? Status() : std::move(status).with_context(std::string("pass ") + pass.name);
}

Status select(const PipelineOptions& options, std::vector<PassStats>& selected) {
  for (const auto* list : {&options.disabled, &options.enabled}) {
    for (const std::string& name : *list) {
      if (find_pass(name)) continue;
      std::string names;
      for (const PassRow& pass : all_passes()) names += (names.empty() ? "" : ", ") + std::string(pass.name);
      return invalid_argument("there is no pass '{}'; the passes are: {}", name, names);
    }
  }
  const auto names = [](const std::vector<std::string>& list, const PassRow& pass) {
    return std::find(list.begin(), list.end(), pass.name) != list.end();
  };
  for (const PassRow& pass : all_passes()) {
    const bool on = pass.on || names(options.enabled, pass);
    if (on && !names(options.disabled, pass) && (pass.exact || !options.exact_only)) selected.push_back({&pass});
  }
  return {};
}

}  // namespace

std::span<const PassRow> all_passes() { return kPasses; }

const PassRow* find_pass(std::string_view name) {
  for (const PassRow& pass : all_passes()) {
    if (name == pass.name) return &pass;
  }
  return nullptr;
}

Status run_pass(std::string_view name, Graph& graph, const PassOptions& options, size_t* changes) {
  const PassRow* pass = find_pass(name);
  if (!pass) return invalid_argument("there is no pass '{}'", name);
  PassContext context(options);
  Status status = run_checked(*pass, graph, context, true);
  if (changes) *changes = context.changes();
  return status;
}

Status run_passes(Graph& graph, const PipelineOptions& options, PipelineReport* report) {
  PipelineReport local;
  PipelineReport& r = report ? *report : local;
  r = {};
  ANYRT_TRY(select(options, r.passes));
  // By pass: r.changes when it last ran and found nothing; then it need not run again before others change something.
  std::vector<size_t> rested(r.passes.size(), SIZE_MAX);
  for (bool more = true; more && r.rounds < options.max_rounds; ++r.rounds) {
    more = false;
    for (size_t i = 0; i < r.passes.size(); ++i) {
      PassStats& stats = r.passes[i];
      if (rested[i] == r.changes) continue;
      PassContext context(options.pass);
      const auto start = std::chrono::steady_clock::now();
      ANYRT_TRY(run_checked(*stats.pass, graph, context, options.verify));
      stats.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      ++stats.runs;
      stats.changes += context.changes();
      r.changes += context.changes();
      rested[i] = context.changes() == 0 ? r.changes : SIZE_MAX;
      more = more || context.changes() > 0;
      if (context.changes() > 0 && options.on_change) options.on_change(stats.pass->name, graph);
    }
  }
  graph.compact();
  return {};
}

std::string PipelineReport::to_string() const {
  std::string text = fmt::format("{:<32} {:>8} {:>6} {:>10}\n", "pass", "changes", "runs", "ms");
  for (const PassStats& s : passes) {
    text += fmt::format("{:<32} {:>8} {:>6} {:>10.3f}\n", s.pass->name, s.changes, s.runs, s.seconds * 1e3);
  }
  return text + fmt::format("{:<32} {:>8} {:>6} rounds\n", "all", changes, rounds);
}

}  // namespace anyrt
