#include <algorithm>
#include <cmath>

#include "opdef/ml_util.h"
#include "opdef/svm.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kMlNumbers}, {"T2", kMlLabels}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {
    {"Y", "T2", kRequiredParam, "[N]: a label for each row"},
    {"Z", "float32", kRequiredParam, "[N,E]: a score for each class, or for each pair of more than two classes"}};
constexpr AttrDef kAttrs[] = {
    attr("classlabels_ints", AttrKind::kInts),
    attr("classlabels_strings", AttrKind::kStrings),
    attr("coefficients", AttrKind::kFloats).with_doc("[classes - 1, vectors], or [classes,C] without vectors"),
    attr("kernel_params", AttrKind::kFloats).with_doc("gamma, coef0, degree"),
    string_attr("kernel_type", "LINEAR").with_doc("LINEAR, POLY, RBF or SIGMOID"),
    string_attr("post_transform", "NONE"),
    attr("prob_a", AttrKind::kFloats).with_doc("with prob_b: scores of pairs become probabilities of classes"),
    attr("prob_b", AttrKind::kFloats),
    attr("rho", AttrKind::kFloats).with_doc("added to the score of each pair"),
    attr("support_vectors", AttrKind::kFloats).with_doc("[vectors,C], in order of classes"),
    attr("vectors_per_class", AttrKind::kInts),
};

struct Machine {
  size_t classes = 0, pairs = 0, vectors = 0;
  std::vector<size_t> starts;  // first support vector of each class, and the total
  bool has_vectors() const { return vectors > 0; }
};

ClassLabels labels_of(const AttrReader& c) { return {c, "classlabels_strings", "classlabels_ints"}; }

Expected<Machine> machine_of(const AttrReader& c) {
  Machine m;
  m.classes = labels_of(c).size();
  if (m.classes == 0 || m.classes > 65535) return invalid_model("{} class labels", m.classes);
  m.pairs = m.classes * (m.classes - 1) / 2;
  m.starts.push_back(0);
  for (int64_t n : c.ints("vectors_per_class")) {
    if (n < 0 || n > (int64_t{1} << 40)) return invalid_model("vectors_per_class holds {}", n);
    m.vectors += static_cast<size_t>(n);
    m.starts.push_back(m.vectors);
  }
  const size_t a = c.floats("prob_a").size(), b = c.floats("prob_b").size(), rho = c.floats("rho").size();
  if (!m.has_vectors()) return rho >= 1 ? Expected<Machine>(m) : invalid_model("rho is empty");
  if (m.starts.size() != m.classes + 1) {
    return invalid_model("vectors_per_class has {} entries for {} classes", m.starts.size() - 1, m.classes);
  }
  if (a != b || (a != 0 && a < m.pairs) || rho < m.pairs) {
    return invalid_model("{} entries in prob_a, {} in prob_b, {} in rho for {} pairs", a, b, rho, m.pairs);
  }
  if (c.floats("coefficients").size() / m.vectors < m.classes - 1) {
    return invalid_model("{} coefficients for {} support vectors of {} classes", c.floats("coefficients").size(),
                         m.vectors, m.classes);
  }
  return m;
}

size_t score_columns(const AttrReader& c, const Machine& m) {
  if (!m.has_vectors() || !c.floats("prob_a").empty()) return m.classes;
  return m.classes > 2 ? m.pairs : 2;
}

Status infer(InferContext& c) {
  ANYRT_TRY(svm_kernel(c).status());
  ANYRT_TRY(parse_post_transform(c.s("post_transform")).status());
  ANYRT_ASSIGN(const Machine m, machine_of(c));
  const Dim n = infer_rows(c, 0);
  c.set_output(0, labels_of(c).dtype(), SymShape{n});
  c.set_output(1, DType::kFloat32, SymShape{n, Dim(static_cast<int64_t>(score_columns(c, m)))});
  return {};
}

// Scores of the classifiers that tell class i from class j, for i < j, and how often each class wins.
void score_pairs(const Machine& m, const std::vector<float>& coefficients, const std::vector<float>& rho,
                 const std::vector<float>& kernels, std::span<float> scores, std::vector<int64_t>& votes) {
  const auto part = [&](size_t row, size_t of_class) {
    double sum = 0;
    for (size_t v = m.starts[of_class]; v < m.starts[of_class + 1]; ++v) {
      sum += coefficients[row * m.vectors + v] * kernels[v];
    }
    return sum;
  };
  size_t pair = 0;
  for (size_t i = 0; i + 1 < m.classes; ++i) {
    for (size_t j = i + 1; j < m.classes; ++j, ++pair) {
      const double sum = part(j - 1, i) + part(i, j) + rho[pair];
      scores[pair] = static_cast<float>(sum);
      ++votes[sum > 0 ? i : j];
    }
  }
}

// Class probabilities p from pairwise ones, r[i,j] = P(i | i or j): Wu, Lin and Weng's second method, by fixed-point
// iteration on Q p = (p Q p) 1.
void couple_probabilities(size_t n, const std::vector<float>& r, std::span<float> p) {
  std::vector<float> q(n * n, 0.0f), qp(n);
  for (size_t i = 0; i < n; ++i) {
    p[i] = 1.0f / static_cast<float>(n);
    for (size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      q[i * n + i] += r[j * n + i] * r[j * n + i];
      q[i * n + j] = -r[j * n + i] * r[i * n + j];
    }
  }
  for (int round = 0; round < 100; ++round) {
    float pqp = 0, worst = 0;
    for (size_t i = 0; i < n; ++i) {
      qp[i] = 0;
      for (size_t j = 0; j < n; ++j) qp[i] += q[i * n + j] * p[j];
      pqp += p[i] * qp[i];
    }
    for (size_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(qp[i] - pqp));
    if (worst < 0.005f / static_cast<float>(n)) return;
    for (size_t i = 0; i < n; ++i) {
      const float diff = (pqp - qp[i]) / q[i * n + i], scale = 1 + diff;
      p[i] += diff;
      pqp = (pqp + diff * (diff * q[i * n + i] + 2 * qp[i])) / scale / scale;
      for (size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + diff * q[i * n + j]) / scale;
        p[j] /= scale;
      }
    }
  }
}

void probabilities(const AttrReader& c, const Machine& m, std::span<const float> pair_scores, std::span<float> out) {
  const size_t n = m.classes;
  std::vector<float> r(n * n, 0.0f);
  size_t pair = 0;
  for (size_t i = 0; i + 1 < n; ++i) {
    for (size_t j = i + 1; j < n; ++j, ++pair) {
      const float p = 1 - logistic(pair_scores[pair] * c.floats("prob_a")[pair] + c.floats("prob_b")[pair]);
      r[i * n + j] = std::clamp(p, 1e-7f, 1 - 1e-7f);
      r[j * n + i] = 1 - r[i * n + j];
    }
  }
  couple_probabilities(n, r, out);
}

struct Weights {
  const std::vector<float>& coefficients;
  bool all_positive;
};

// One row: fills `scores`, returns the position of the class.
int64_t classify(const AttrReader& c, const Machine& m, const SvmKernel& kernel, const Weights& w,
                 std::span<const float> row, PostTransform transform, std::span<float> scores) {
  const std::vector<float>&rho = c.floats("rho"), &support = c.floats("support_vectors");
  const bool probable = m.has_vectors() && !c.floats("prob_a").empty();
  std::vector<int64_t> votes(m.classes, 0);
  if (m.has_vectors()) {
    std::vector<float> kernels(m.vectors), pair_scores(std::max<size_t>(m.pairs, 1));
    for (size_t v = 0; v < m.vectors; ++v) kernels[v] = kernel(row, support.data() + v * row.size());
    score_pairs(m, w.coefficients, rho, kernels, pair_scores, votes);
    if (probable) {
      probabilities(c, m, pair_scores, scores);
    } else {
      std::copy_n(pair_scores.begin(), m.pairs, scores.begin());
    }
  } else {
    for (size_t k = 0; k < m.classes; ++k) {
      scores[k] = SvmKernel()(row, w.coefficients.data() + k * row.size()) + rho[0];
    }
  }
  int64_t best = 0;
  float top = 0;
  if (m.has_vectors()) {
    best = std::max_element(votes.begin(), votes.end()) - votes.begin();
  } else {
    best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    top = scores[best];
  }
  // Two linear scores: a clear one speaks for the second class.
  if (m.classes == 2 && !probable && (w.all_positive ? top >= 0.5f : top > 0)) best = 1;
  if (m.has_vectors() && !probable && m.classes <= 2) {
    const float s = m.pairs > 0 ? scores[0] : 0;
    if (transform == PostTransform::kLogistic) {
      scores[0] = logistic(-s);
      scores[1] = logistic(s);
    } else {
      scores[0] = transform == PostTransform::kNone ? -s : 1 - s;
      scores[1] = s;
      if (transform == PostTransform::kProbit) apply_post_transform(transform, scores);
    }
  } else if (scores.size() > 1 || transform == PostTransform::kProbit) {
    apply_post_transform(transform, scores);
  }
  return best;
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_ASSIGN(const SvmKernel kernel, svm_kernel(c));
  ANYRT_ASSIGN(const PostTransform transform, parse_post_transform(c.s("post_transform")));
  ANYRT_ASSIGN(const Machine m, machine_of(c));
  const std::vector<float>&coefficients = c.floats("coefficients"), &support = c.floats("support_vectors");
  const size_t width = static_cast<size_t>(rows.width);
  const size_t lines = m.has_vectors() ? m.vectors : m.classes;
  const std::vector<float>& matrix = m.has_vectors() ? support : coefficients;
  if (width == 0 || matrix.size() % width != 0 || matrix.size() / width != lines) {
    return invalid_argument("{} numbers for {} vectors of {} features", matrix.size(), lines, width);
  }
  const size_t columns = score_columns(c, m);
  ANYRT_ASSIGN(Tensor * z, c.output(1, DType::kFloat32, {rows.count, static_cast<int64_t>(columns)}));
  const Weights weights{coefficients,
                        std::all_of(coefficients.begin(), coefficients.end(), [](float v) { return v >= 0; })};
  std::vector<int64_t> chosen(static_cast<size_t>(rows.count));
  for (size_t r = 0; r < chosen.size(); ++r) {
    ANYRT_TRY(c.check_cancelled());
    const std::span<const float> row(x.data<float>() + r * width, width);
    chosen[r] = classify(c, m, kernel, weights, row, transform, {z->mutable_data<float>() + r * columns, columns});
  }
  return labels_of(c).write(c, 0, chosen);
}

}  // namespace

extern const OpDef op_ml_svm_classifier = {
    .name = "SVMClassifier",
    .domain = kMlDomain,
    .doc = "Support vector machine: each pair of classes has a classifier, the class that wins most is chosen.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
};

}  // namespace anyrt
