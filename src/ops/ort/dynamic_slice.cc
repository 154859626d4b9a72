#include "opdef/rewrite.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"data", "T"}, {"starts", "Tind"}, {"ends", "Tind"}, {"axes", "Tind", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "T"}};

}  // namespace

extern const OpDef op_ort_dynamic_slice = {
    .name = "DynamicSlice",
    .doc = "An experimental name of Slice with computed ranges.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .upgrade =
        [](RewriteContext& c) {
          c.become("", "Slice");
          return Status();
        },
};

}  // namespace anyrt
