#include <re2/re2.h>

#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DType::kString}, {"T2", DType::kBool}};
constexpr Param kInputs[] = {{"X", "T1"}};
constexpr Param kOutputs[] = {{"Y", "T2"}};
constexpr AttrDef kAttrs[] = {attr("pattern", AttrKind::kString).with_doc("in RE2's syntax")};

Status infer(InferContext& c) {
  const SymShape* s = c.input_shape(0);
  c.set_output(0, DType::kBool, s ? std::optional<SymShape>(*s) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  if (!c.has_attr("pattern")) return invalid_model("attribute 'pattern' is missing");
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 pattern(c.s("pattern"), options);
  if (!pattern.ok()) return invalid_model("pattern '{}': {}", c.s("pattern"), pattern.error());
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kBool, x.dims()));
  for (int64_t i = 0; i < x.size(); ++i) {
    y->mutable_data<bool>()[i] = RE2::FullMatch(x.data<std::string>()[i], pattern);
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_regex_full_match = {
    .name = "RegexFullMatch",
    .since = 20,
    .first = 20,
    .doc = "Whether strings match a regular expression from end to end.",
    .flags = kHostOnly | kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      pattern="www\\.[\\w.-]+\\.\\bcom\\b" : str[3]{"www.google.com" "www.facebook.com" "www.bbc.co.uk"} -> bool[3]{true true false}
      pattern="." : str[1,2]{"é" "ab"} -> bool[1,2]{true false}
      pattern="a|b" : str[0]{} -> bool[0]{}
      pattern="(" : str[1]{"a"} -> !pattern '('
    )"),
};

}  // namespace anyrt
