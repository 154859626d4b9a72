#include <random>

#include "devices/cpu/kernel_run_testing.h"
#include "opdef/ml_util.h"

namespace anyrt::cpu {
namespace {

struct Forest {
  int trees = 3, depth = 4, features = 3, targets = 1;
  int mode = 0;           // the first and only comparison; -1: any that go with <=, -2: all
  int weights = 1;        // 0: none or several a leaf, 1: one, 2: one of each target
  bool one_each = false;  // a tree speaks of one target only
  bool missing = false;
  bool doubles = false;
};

constexpr const char* kModes[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  // Few values, so that features often equal thresholds.
  std::string number() { return fmt::format("{:.1f}", 0.5 * (below(17) - 8)); }
  int mode(const Forest& f) {
    if (f.mode >= 0) return f.mode;
    return f.mode == -2 ? below(6) : 3 * below(2);
  }

  // The attributes of TreeEnsembleClassifier ("class") or TreeEnsembleRegressor ("target").
  std::string node_lists(const Forest& f, const std::string& prefix) {
    tree_ids_ = node_ids_ = features_ = values_ = modes_ = yes_ = no_ = missing_ = "";
    weight_trees_ = weight_nodes_ = weight_targets_ = weights_ = "";
    for (tree_ = 0; tree_ < f.trees; ++tree_) {
      next_ = 1;
      tree_target_ = below(f.targets);
      node(f, 0, f.depth);
    }
    const auto list = [](std::string s) {
      if (!s.empty()) s.pop_back();
      return "[" + s + "]";
    };
    const auto numbers = [&](const char* name, const std::string& s) {
      if (!f.doubles) return fmt::format("{}={} ", name, list(s));
      std::string spaced = s;
      std::replace(spaced.begin(), spaced.end(), ',', ' ');
      return fmt::format("{}_as_tensor=f64[{}]{{{}}} ", name, std::count(s.begin(), s.end(), ','), spaced);
    };
    std::string all = fmt::format(
        "nodes_treeids={} nodes_nodeids={} nodes_featureids={} nodes_modes={} nodes_truenodeids={} "
        "nodes_falsenodeids={} ",
        list(tree_ids_), list(node_ids_), list(features_), list(modes_), list(yes_), list(no_));
    if (f.missing) all += fmt::format("nodes_missing_value_tracks_true={} ", list(missing_));
    all += numbers("nodes_values", values_) + numbers((prefix + "_weights").c_str(), weights_);
    all += fmt::format("{0}_treeids={1} {0}_nodeids={2} {0}_ids={3} ", prefix, list(weight_trees_), list(weight_nodes_),
                       list(weight_targets_));
    return all;
  }

  std::string rows(const char* type, int n, int width, bool nans) {
    const bool whole = *type == 'i';
    std::string all = fmt::format("{}[{},{}]{{", type, n, width);
    for (int i = 0; i < n * width; ++i) {
      if (nans && below(5) == 0) {
        all += below(2) ? "nan " : "-inf ";
      } else {
        all += (whole ? std::to_string(below(9) - 4) : number()) + " ";
      }
    }
    return all + "}";
  }

 private:
  void weight(const std::string& id, int target) {
    weight_trees_ += std::to_string(tree_) + ",";
    weight_nodes_ += id + ",";
    weight_targets_ += std::to_string(target) + ",";
    weights_ += fmt::format("{:.3f},", 0.001 * (below(4001) - 2000));
  }

  void node(const Forest& f, int id, int depth) {
    const std::string name = std::to_string(id);
    tree_ids_ += std::to_string(tree_) + ",";
    node_ids_ += name + ",";
    const bool leaf = depth == 0 || below(6) == 0;
    features_ += std::to_string(leaf ? 0 : below(f.features)) + ",";
    values_ += leaf ? "0.0," : number() + ",";
    modes_ += fmt::format("\"{}\",", leaf ? "LEAF" : kModes[mode(f)]);
    missing_ += leaf || below(2) ? "0," : "1,";
    if (leaf) {
      yes_ += "0,";
      no_ += "0,";
      const int count = f.weights == 0 ? below(4) : f.weights == 1 ? 1 : f.targets;
      for (int k = 0; k < count; ++k) weight(name, f.weights == 2 ? k : f.one_each ? tree_target_ : below(f.targets));
      return;
    }
    const int yes = next_++, no = next_++;
    yes_ += std::to_string(yes) + ",";
    no_ += std::to_string(no) + ",";
    node(f, yes, depth - 1);
    node(f, no, depth - 1);
  }

  std::mt19937 random_;
  int tree_ = 0, next_ = 0, tree_target_ = 0;
  std::string tree_ids_, node_ids_, features_, values_, modes_, yes_, no_, missing_;
  std::string weight_trees_, weight_nodes_, weight_targets_, weights_;
};

constexpr Tolerance kSameBits = {0, 0};

TEST(Trees, Regressor) {
  unsigned seed = 1;
  for (const char* how : {"SUM", "AVERAGE", "MIN", "MAX"}) {
    for (const char* transform : {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}) {
      for (const int targets : {1, 2, 3, 5}) {
        for (const int weights : {0, 1, 2}) {
          Maker make(++seed);
          const Forest f = {.trees = 1 + make.below(20),
                            .depth = make.below(7),
                            .targets = targets,
                            .mode = make.below(7) - 1,
                            .weights = weights,
                            .one_each = make.below(2) == 0,
                            .missing = make.below(2) == 0,
                            .doubles = make.below(4) == 0};
          const char* types[] = {"f32", "f64", "i32", "i64", "f32"};
          const char* type = types[make.below(5)];
          std::string line =
              make.node_lists(f, "target") +
              fmt::format("aggregate_function=\"{}\" post_transform=\"{}\" n_targets={} ", how, transform, targets);
          if (make.below(2)) line += fmt::format("base_values={} ", targets == 2 ? "[0.5,-0.25]" : "[0.5]");
          line += ": " + make.rows(type, 1 + make.below(40), f.features, *type == 'f') + " -> ?";
          EXPECT_TRUE(check_kernel(
              {.domain = kMlDomain, .op = "TreeEnsembleRegressor", .kernel = "flat_trees", .tolerance = kSameBits},
              line));
        }
      }
    }
  }
}

TEST(Trees, EveryModeAndMissing) {
  for (int mode = -2; mode < 6; ++mode) {
    for (const bool missing : {false, true}) {
      for (const int rows : {0, 1, 7, 8, 9, 150}) {
        Maker make(static_cast<unsigned>(rows * 20 + mode * 2 + missing + 10));
        const Forest f = {.trees = 11, .depth = 5, .mode = mode, .missing = missing};
        const std::string line = make.node_lists(f, "target") + ": " + make.rows("f32", rows, 5, true) + " -> ?";
        EXPECT_TRUE(check_kernel({.domain = kMlDomain, .op = "TreeEnsembleRegressor", .tolerance = kSameBits}, line));
      }
    }
  }
}

TEST(Trees, SmallOnesOnEveryIsa) {
  on_every_isa([] {
    for (int mode = -1; mode < 4; ++mode) {
      for (const bool missing : {false, true}) {
        Maker make(static_cast<unsigned>(mode * 2 + missing + 50));
        const Forest f = {
            .trees = 40, .depth = 6, .features = 4, .targets = 3, .mode = mode, .one_each = true, .missing = missing};
        const std::string line =
            make.node_lists(f, "target") + "n_targets=3 : " + make.rows("f32", 70, 5, true) + " -> ?";
        EXPECT_TRUE(check_kernel({.domain = kMlDomain, .op = "TreeEnsembleRegressor", .tolerance = kSameBits}, line));
      }
    }
  });
}

TEST(Trees, ManyTreesAreSharedOut) {
  for (const int rows : {1, 3, 200}) {
    for (const int weights : {0, 1, 2}) {
      Maker make(static_cast<unsigned>(rows + weights));
      const Forest f = {.trees = 400, .depth = 8, .features = 2, .targets = 3, .weights = weights};
      const std::string line =
          make.node_lists(f, "target") + "n_targets=3 : " + make.rows("f32", rows, 2, true) + " -> ?";
      EXPECT_TRUE(check_kernel({.domain = kMlDomain, .op = "TreeEnsembleRegressor", .tolerance = kSameBits}, line));
    }
  }
}

TEST(Trees, Classifier) {
  unsigned seed = 1000;
  for (const char* transform : {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}) {
    for (const char* labels : {"[7]", "[3,4]", "[10,20,30]", "[5,4,3,2]"}) {
      for (const char* base : {"", "base_values=[0.25] ", "base_values=[0.25,-0.5] "}) {
        for (const int weights : {0, 1, 2}) {
          Maker make(++seed);
          const int classes = static_cast<int>(std::count(labels, labels + std::strlen(labels), ',')) + 1;
          const Forest f = {.trees = 1 + make.below(12),
                            .depth = make.below(6),
                            .targets = classes,
                            .mode = make.below(4),
                            .weights = weights,
                            .one_each = make.below(2) == 0};
          const char* type = make.below(3) == 0 ? "f64" : "f32";
          const std::string line =
              make.node_lists(f, "class") +
              fmt::format("{}classlabels_int64s={} post_transform=\"{}\" : ", base, labels, transform) +
              make.rows(type, 1 + make.below(30), f.features, true) + " -> ?, ?";
          EXPECT_TRUE(
              check_kernel({.domain = kMlDomain, .op = "TreeEnsembleClassifier", .tolerance = kSameBits}, line));
        }
      }
    }
  }
}

TEST(Trees, OfVersion5) {
  for (const char* type : {"f32", "f64"}) {
    for (const char* modes : {"0 0 0", "1 1 2", "6 0 6"}) {
      for (const char* how : {"0", "1", "2", "3"}) {
        const std::string line = fmt::format(
            "tree_roots=[0,2] nodes_splits={0}[3]{{3.14 1.5 4.2}} nodes_featureids=[0,1,0] nodes_modes=u8[3]{{{1}}} "
            "membership_values={0}[5]{{1 3 nan 4 nan}} nodes_truenodeids=[1,0,2] nodes_trueleafs=[0,1,1] "
            "nodes_falsenodeids=[2,1,3] nodes_falseleafs=[0,1,1] leaf_targetids=[0,1,0,1] "
            "leaf_weights={0}[4]{{5.23 12.12 -12.23 7.21}} n_targets=2 aggregate_function={2} : "
            "{0}[9,2]{{1 1.5 2 0 3 3 4 nan nan 5 6 6 7 7 8 8 4.2 9}} -> ?",
            type, modes, how);
        EXPECT_TRUE(check_kernel({.domain = kMlDomain, .op = "TreeEnsemble", .tolerance = kSameBits}, line));
      }
    }
  }
}

// What bind refuses the kernel runs by itself: labels of strings, f16.
TEST(Trees, WhatIsNotBound) {
  for (const char* labels : {R"(["a"])", R"(["a","b"])", R"(["a","b","c"])"}) {
    Maker make(5);
    const Forest f = {.trees = 9,
                      .targets = static_cast<int>(std::count(labels, labels + std::strlen(labels), ',')) + 1};
    check_kernel_run(kMlDomain, "TreeEnsembleClassifier",
                     make.node_lists(f, "class") + fmt::format("classlabels_strings={} : ", labels) +
                         make.rows("f32", 21, f.features, true) + " -> ?, ?");
  }
  check_kernel_run(
      kMlDomain, "TreeEnsemble",
      "tree_roots=[0] nodes_splits=f16[1]{0.5} nodes_featureids=[1] nodes_modes=u8[1]{0} nodes_truenodeids=[0] "
      "nodes_trueleafs=[1] nodes_falsenodeids=[1] nodes_falseleafs=[1] leaf_targetids=[0,0] "
      "leaf_weights=f16[2]{10 20} : f16[3,2]{1 2 3 0.5 0 nan} -> ?");
  Maker make(6);
  check_kernel_run(kMlDomain, "TreeEnsembleRegressor",
                   make.node_lists({.trees = 3, .depth = 6, .features = 9}, "target") + ": " +
                       make.rows("f32", 2, 2, false) + " -> ?",
                   "feature 8 of 2");
}

}  // namespace
}  // namespace anyrt::cpu
