#include "opdef/eval.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DType::kString}};
constexpr Param kInputs[] = {{"X", "T"}, {"Y", "T", kRequiredParam, "broadcasts with X"}};
constexpr Param kOutputs[] = {{"Z", "T"}};

Status eval(EvalContext& c) {
  const Tensor &a = c.input(0), &b = c.input(1);
  ANYRT_ASSIGN(const Dims dims, broadcast_dims(a.dims(), b.dims()));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kString, dims));
  const std::string *pa = a.data<std::string>(), *pb = b.data<std::string>();
  std::string* out = y->mutable_data<std::string>();
  for_each_broadcast_run(dims, a.dims(), b.dims(),
                         [&](int64_t o, int64_t ia, int64_t ib, int64_t n, int64_t step_a, int64_t step_b) {
                           for (int64_t i = 0; i < n; ++i) out[o + i] = pa[ia + i * step_a] + pb[ib + i * step_b];
                         });
  return {};
}

}  // namespace

extern const OpDef op_onnx_string_concat = {
    .name = "StringConcat",
    .since = 20,
    .first = 20,
    .doc = "Joins strings pair by pair, with NumPy broadcasting.",
    .flags = kHostOnly | kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : str[2]{"a" "b"}, str[2]{"c" ""} -> str[2]{"ac" "b"}
      : str[2,1]{"a" "b"}, str[]{"-"} -> str[2,1]{"a-" "b-"}
      : str[0]{}, str[1]{"x"} -> str[0]{}
      : str[2]{"a" "b"}, str[3]{"c" "d" "e"} -> !do not broadcast
    )"),
};

}  // namespace anyrt
