#include <algorithm>
#include <unordered_map>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kString) | DType::kInt32 | DType::kInt64},
                               {"T1", DType::kFloat32}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[C] or [N,C]: a text of C tokens in each row"}};
constexpr Param kOutputs[] = {{"Y", "T1", kRequiredParam, "[columns] or [N,columns]"}};
constexpr AttrDef kAttrs[] = {
    required_attr("max_gram_length", AttrKind::kInt),
    required_attr("min_gram_length", AttrKind::kInt),
    required_attr("max_skip_count", AttrKind::kInt).with_doc("tokens that may lie between those of an n-gram"),
    required_attr("mode", AttrKind::kString).with_doc("TF, IDF or TFIDF"),
    required_attr("ngram_counts", AttrKind::kInts).with_doc("where in the pool the n-grams of each length start"),
    required_attr("ngram_indexes", AttrKind::kInts).with_doc("the column that each n-gram counts in"),
    attr("pool_int64s", AttrKind::kInts),
    attr("pool_strings", AttrKind::kStrings),
    attr("weights", AttrKind::kFloats).with_doc("one for each n-gram; 1 when absent"),
};

Expected<int64_t> column_count(const AttrReader& c) {
  int64_t most = -1;
  for (int64_t i : c.ints("ngram_indexes")) {
    if (i < 0 || i == INT64_MAX) return invalid_model("ngram_indexes holds {}", i);
    most = std::max(most, i);
  }
  return most + 1;
}

// The n-grams as a tree: from a node (0 is the root) by the number of the next token to another node.
struct Pool {
  std::unordered_map<uint64_t, uint32_t> edges;
  std::vector<int64_t> ngram_at{-1};  // n-gram that ends at a node

  static uint64_t edge(uint32_t node, uint32_t token) { return uint64_t{node} << 32 | token; }
  void add(std::span<const uint32_t> tokens, int64_t ngram) {
    uint32_t node = 0;
    for (uint32_t t : tokens) {
      const auto [it, fresh] = edges.emplace(edge(node, t), static_cast<uint32_t>(ngram_at.size()));
      if (fresh) ngram_at.push_back(-1);
      node = it->second;
    }
    ngram_at[node] = ngram;
  }
};

constexpr uint32_t kUnknownToken = 0xffffffffu;

struct Settings {
  int64_t shortest, longest, skips;
};

Expected<Pool> make_pool(const AttrReader& c, std::span<const uint32_t> tokens, const Settings& s) {
  const std::vector<int64_t>& starts = c.ints("ngram_counts");
  const int64_t size = static_cast<int64_t>(tokens.size());
  const int64_t ngrams = static_cast<int64_t>(c.ints("ngram_indexes").size());
  if (static_cast<uint64_t>(s.longest) > starts.size()) {
    return invalid_model("ngram_counts has {} entries, but n-grams are up to {} long", starts.size(), s.longest);
  }
  Pool pool;
  int64_t ngram = 0;
  for (size_t n = 1; n <= starts.size(); ++n) {
    const int64_t begin = starts[n - 1], end = n < starts.size() ? starts[n] : size;
    const int64_t length = static_cast<int64_t>(n);
    if (begin < 0 || end < begin || end > size || (end - begin) % length != 0) {
      return invalid_model("the pool's part [{}, {}) for n-grams of length {} is broken", begin, end, n);
    }
    for (int64_t at = begin; at < end; at += length, ++ngram) {
      if (ngram >= ngrams) return invalid_model("the pool has more n-grams than ngram_indexes has entries, {}", ngrams);
      if (length >= s.shortest && length <= s.longest) {
        pool.add(tokens.subspan(static_cast<size_t>(at), n), ngram);
      }
    }
  }
  if (ngram != ngrams) return invalid_model("the pool has {} n-grams, ngram_indexes {} entries", ngram, ngrams);
  return pool;
}

// Calls found(n-gram) for each one in a row. An n-gram's tokens lie one, two … up to skips + 1 apart; a single token
// counts once.
template <class F>
Status find_ngrams(EvalContext& c, const Pool& pool, std::span<const uint32_t> row, const Settings& s, F found) {
  const int64_t size = static_cast<int64_t>(row.size());
  const int64_t furthest = std::min(s.skips, size) + 1;
  for (int64_t step = 1; step <= furthest; ++step) {
    ANYRT_TRY(c.check_cancelled());
    for (int64_t start = 0; start < size; ++start) {
      uint32_t node = 0;
      int64_t at = start;
      for (int64_t n = 1; n <= s.longest && at < size; ++n, at += step) {
        if (row[at] == kUnknownToken) break;
        const auto it = pool.edges.find(Pool::edge(node, row[at]));
        if (it == pool.edges.end()) break;
        node = it->second;
        if (pool.ngram_at[node] >= 0 && (n > 1 || step == 1)) found(pool.ngram_at[node]);
      }
    }
    if (s.longest == 1) break;
  }
  return {};
}

template <class T>
uint32_t number_of(std::unordered_map<T, uint32_t>& numbers, const T& token) {
  return numbers.emplace(token, static_cast<uint32_t>(numbers.size())).first->second;
}

template <class T, class PoolToken>
std::vector<uint32_t> number_tokens(const std::vector<PoolToken>& pool, std::span<const T> text,
                                    std::vector<uint32_t>& pool_numbers) {
  std::unordered_map<PoolToken, uint32_t> numbers;
  for (const PoolToken& t : pool) pool_numbers.push_back(number_of(numbers, t));
  std::vector<uint32_t> out;
  out.reserve(text.size());
  for (const T& t : text) {
    const auto it = numbers.find(PoolToken(t));
    out.push_back(it == numbers.end() ? kUnknownToken : it->second);
  }
  return out;
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const int64_t columns, column_count(c));
  const SymShape* s = c.input_shape(0);
  c.set_output(0, DType::kFloat32);
  if (!s) return {};
  if (s->empty() || s->size() > 2) return invalid_model("X must have rank 1 or 2, found {}", shape_string(*s));
  SymShape out = *s;
  out.back() = columns;
  c.set_output(0, DType::kFloat32, std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 1 || x.rank() > 2) return invalid_argument("X must have rank 1 or 2, found {}", x.type_string());
  const Settings s{c.i("min_gram_length"), c.i("max_gram_length"), c.i("max_skip_count")};
  if (s.shortest < 1 || s.longest < s.shortest || s.skips < 0) {
    return invalid_model("n-gram lengths {} to {} with {} skips", s.shortest, s.longest, s.skips);
  }
  const std::string& mode = c.s("mode");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") {
    return invalid_model("mode must be TF, IDF or TFIDF, found '{}'", mode);
  }
  const std::vector<int64_t>& columns = c.ints("ngram_indexes");
  const std::vector<float>& weights = c.floats("weights");
  if (!weights.empty() && weights.size() != columns.size()) {
    return invalid_model("{} weights for {} n-grams", weights.size(), columns.size());
  }
  const bool strings = x.dtype() == DType::kString;
  if (c.has_attr(strings ? "pool_int64s" : "pool_strings")) {
    return invalid_argument("the pool does not hold tokens of type {}", dtype_name(x.dtype()));
  }
  std::vector<uint32_t> pool_tokens, text;
  if (strings) {
    text = number_tokens(c.strings("pool_strings"), x.span<std::string>(), pool_tokens);
  } else {
    dispatch<int32_t, int64_t>(
        x.dtype(), [&]<class T>(TypeTag<T>) { text = number_tokens(c.ints("pool_int64s"), x.span<T>(), pool_tokens); });
  }
  ANYRT_ASSIGN(const Pool pool, make_pool(c, pool_tokens, s));
  ANYRT_ASSIGN(const int64_t width, column_count(c));
  Dims dims = x.dims();
  const int64_t row_size = dims.back(), rows = x.rank() == 2 ? dims[0] : 1;
  dims.back() = width;
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, dims));
  float* out = y->mutable_data<float>();
  std::fill_n(out, y->size(), 0.0f);
  const bool add = mode != "IDF", weigh = mode != "TF" && !weights.empty();
  for (int64_t r = 0; r < rows; ++r, out += width) {
    const auto row =
        std::span<const uint32_t>(text).subspan(static_cast<size_t>(r * row_size), static_cast<size_t>(row_size));
    ANYRT_TRY(find_ngrams(c, pool, row, s, [&](int64_t ngram) {
      const float w = weigh ? weights[ngram] : 1.0f;
      out[columns[ngram]] = add ? out[columns[ngram]] + w : w;
    }));
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_tf_idf_vectorizer = {
    .name = "TfIdfVectorizer",
    .since = 9,
    .first = 9,
    .doc = "Counts the n-grams of a pool in each row, optionally weighted.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      max_gram_length=2 min_gram_length=2 max_skip_count=5 mode="TF" ngram_counts=[0,4] ngram_indexes=[0,1,2,3,4,5,6] pool_int64s=[2,3,5,4,5,6,7,8,6,7] : i32[12]{1 1 3 3 3 7 8 6 7 5 6 8} -> f32[7]{0 0 0 0 1 3 1}
      max_gram_length=2 min_gram_length=1 max_skip_count=0 mode="TFIDF" ngram_counts=[0,2] ngram_indexes=[3,2,1,0] pool_int64s=[5,7,5,7,7,5] weights=[10.0,20.0,30.0,40.0] : i64[5]{5 7 5 5 7} -> f32[4]{40 60 40 30}
      max_gram_length=1 min_gram_length=1 max_skip_count=3 mode="IDF" ngram_counts=[0] ngram_indexes=[0,1] pool_strings=["a","b"] : str[2,2]{"b" "b" "c" "a"} -> f32[2,2]{0 1 1 0}
      max_gram_length=1 min_gram_length=1 max_skip_count=0 mode="TF" ngram_counts=[0] ngram_indexes=[1] pool_strings=["a"] : str[2,0]{} -> f32[2,2]{0 0 0 0}
      max_gram_length=2 min_gram_length=1 max_skip_count=0 mode="TF" ngram_counts=[0] ngram_indexes=[0] pool_strings=["a"] : str[1]{"a"} -> !ngram_counts
    )"),
};

}  // namespace anyrt
