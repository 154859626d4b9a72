#pragma once

#include "passes/pass.h"

namespace anyrt {

// One pass, one file; what each does stands in the table of pipeline.cc.
Status eliminate_dead_code(Graph& graph, PassContext& context);
Status eliminate_identity(Graph& graph, PassContext& context);
Status eliminate_neutral(Graph& graph, PassContext& context);
Status fold_constants(Graph& graph, PassContext& context);
Status fold_shapes(Graph& graph, PassContext& context);
Status simplify_reshape(Graph& graph, PassContext& context);
Status inline_constant_if(Graph& graph, PassContext& context);
Status divide_by_multiplying(Graph& graph, PassContext& context);
Status fuse_conv_batchnorm(Graph& graph, PassContext& context);
Status fuse_conv_arithmetic(Graph& graph, PassContext& context);
Status fuse_pad_conv(Graph& graph, PassContext& context);
Status fuse_gates(Graph& graph, PassContext& context);
Status fuse_gelu(Graph& graph, PassContext& context);
Status fuse_layer_norm(Graph& graph, PassContext& context);
Status fuse_rms_norm(Graph& graph, PassContext& context);
Status fuse_rotary(Graph& graph, PassContext& context);
Status fuse_attention(Graph& graph, PassContext& context);
Status fuse_attention_cache(Graph& graph, PassContext& context);
Status fuse_attention_heads(Graph& graph, PassContext& context);
Status simplify_pow(Graph& graph, PassContext& context);
Status fuse_matmul_add(Graph& graph, PassContext& context);
Status merge_casts(Graph& graph, PassContext& context);
Status merge_transposes(Graph& graph, PassContext& context);
Status merge_common(Graph& graph, PassContext& context);
Status merge_initializers(Graph& graph, PassContext& context);

}  // namespace anyrt
