#pragma once

#include <cmath>
#include <string_view>

#include "opdef/eval.h"
#include "opdef/infer.h"

// What the operators of ai.onnx.ml share.

namespace anyrt {

inline constexpr const char* kMlDomain = "ai.onnx.ml";
inline constexpr DTypeSet kMlNumbers = DTypeSet(DType::kFloat32) | DType::kFloat64 | DType::kInt32 | DType::kInt64;
inline constexpr DTypeSet kMlLabels = DTypeSet(DType::kInt64) | DType::kString;

enum class PostTransform { kNone, kSoftmax, kLogistic, kSoftmaxZero, kProbit };
Expected<PostTransform> parse_post_transform(std::string_view name);

// Changes a row of scores; LOGISTIC and PROBIT act element by element.
template <class T>
void apply_post_transform(PostTransform how, std::span<T> scores);
template <class T>
T logistic(T x);

// X of rank 1 (one row) or 2 as rows of features.
struct Rows {
  int64_t count = 0, width = 0;
};
Expected<Rows> rows_of(const Tensor& x);
// The number of rows of input i, symbolically.
Dim infer_rows(const InferContext& c, size_t i);

// Class labels are strings or integers; classifiers compute their positions and write them at the end.
class ClassLabels {
 public:
  ClassLabels(const AttrReader& c, std::string_view strings, std::string_view ints)
      : strings_(&c.strings(strings)), ints_(&c.ints(ints)) {}
  size_t size() const { return strings_->empty() ? ints_->size() : strings_->size(); }
  DType dtype() const { return strings_->empty() ? DType::kInt64 : DType::kString; }
  // Output i: the label of each position; without labels the position itself.
  Status write(EvalContext& c, size_t i, const std::vector<int64_t>& positions) const;

 private:
  const std::vector<std::string>* strings_;
  const std::vector<int64_t>* ints_;
};

}  // namespace anyrt
