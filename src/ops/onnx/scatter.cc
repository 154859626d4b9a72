#include "opdef/rewrite.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"data", "T"}, {"indices", "Tind"}, {"updates", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 0)};

}  // namespace

extern const OpDef op_onnx_scatter = {
    .name = "Scatter",
    .since = 11,
    .first = 9,
    .doc = "The first name of ScatterElements.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .upgrade =
        [](RewriteContext& c) {
          c.become("", "ScatterElements");
          return Status();
        },
};

}  // namespace anyrt
