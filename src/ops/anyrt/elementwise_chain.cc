#include "opdef/elementwise_chain.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric | DType::kBool}};
constexpr Param kInputs[] = {{"inputs", "T", kVariadicAnyParam, "values v0, v1 …, which broadcast"}};
constexpr Param kOutputs[] = {{"outputs", "T", kVariadicAnyParam, "of the broadcast shape of all inputs"}};
constexpr AttrDef kAttrs[] = {
    required_attr("program", AttrKind::kStrings)
        .with_doc("a line for each element-wise operator: its name, operands (v3: a value, 0.5: a number, _: none) and "
                  "attributes; it makes the next value"),
    attr("outputs", AttrKind::kInts).with_doc("numbers of the values that leave; the last one when empty")};

}  // namespace

extern const OpDef op_anyrt_elementwise_chain = {
    .name = "ElementwiseChain",
    .domain = "anyrt",
    .doc = "Several element-wise operators of ONNX at once.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_chain,
    .eval = eval_chain,
    .decompose = decompose_chain,
    .cases = ANYRT_CASES(R"(
      program=["Add v0 v1", "Mul v2 0.5"] : f32[3]{1 2 3}, f32[]{1} -> f32[3]{1 1.5 2}
      program=["Sigmoid v0", "Mul v0 v1"] : f32[2]{0 1} -> f32[2]{0 0.7310586}
      program=["Greater v0 0", "Where v2 v0 v1"] : f32[2,1]{1 -1}, f32[2]{5 6} -> f32[2,2]{1 1 5 6}
      program=["Clip v0 _ 1", "LeakyRelu v1 alpha=0.5"] outputs=[1, 2] : f32[2]{2 -2} -> f32[2]{1 -2}, f32[2]{1 -1}
      program=["Cast v0 to=1", "Add v1 v2"] : i64[2]{3 -1}, f32[2]{0.5 0.5} -> f32[2]{3.5 -0.5}
      program=["Where v0 0 -3", "Neg v1"] : bool[2]{true false} -> f32[2]{0 3}
      program=["Not v0"] : bool[2]{true false} -> bool[2]{false true}
      program=["Exp v0", "Add v1 v2"] : f16[0,3]{}, f16[3]{1 2 3} -> f16[0,3]{}
      program=["Add v0 v2"] : f32[1]{1} -> !none of the 1 values
      program=["MatMul v0 v0"] : f32[1]{1} -> !no element-wise operator
      program=["Add v0"] : f32[1]{1} -> !Add
    )"),
};

}  // namespace anyrt
