#include <algorithm>

#include "devices/cpu/conv/blocked.h"
#include "opdef/blocked.h"

namespace anyrt::cpu {
namespace {

// Dims of W, where the node is a convolution on blocks of one vector that these kernels do.
const Tensor* blocked_weights(const KernelQuery& q) {
  const int64_t block = q.i("block"), group = q.i("group", 1);
  const Tensor* w = q.input_constant(1);
  if (block == 0 || block != conv_tile_kernels().lanes || !w || w->size() == 0) return nullptr;
  const int64_t axes = w->rank() - 2;
  if (axes < 1 || axes > 3 || group < 1 || w->dim(0) % group != 0) return nullptr;
  return w;
}

bool is_depthwise(const KernelQuery& q, const Tensor& w) {
  const int64_t group = q.i("group", 1);
  return group > 1 && w.dim(1) == 1 && w.dim(0) == group && w.rank() <= 4 && q.i("x_plain") == 0;
}

bool accepts_direct(const KernelQuery& q) {
  const Tensor* w = blocked_weights(q);
  if (!w || is_depthwise(q, *w)) return false;
  const int64_t block = q.i("block"), group = q.i("group", 1);
  return group == 1 || (w->dim(0) / group % block == 0 && (q.i("x_plain") != 0 || w->dim(1) % block == 0));
}

bool accepts_depthwise(const KernelQuery& q) {
  const Tensor* w = blocked_weights(q);
  return w && is_depthwise(q, *w);
}

// Where only the batch is open, so that the decision can be made now.
bool accepts_winograd(const KernelQuery& q) {
  const Tensor* w = blocked_weights(q);
  const SymShape* x = q.input_shape(0);
  if (!w || !x || q.weights_once() || w->rank() < 4 || q.i("x_plain") != 0 || q.i("group", 1) != 1) return false;
  Dims dims = {1, q.i("in_channels")};
  for (size_t i = 2; i < static_cast<size_t>(w->rank()); ++i) {
    if (!(*x)[i].is_const()) return false;
    dims.push_back((*x)[i].value());
  }
  const Expected<ConvGeometry> g = conv_geometry(q, dims, w->dims());
  return g.ok() && blocked_winograd_pays(*g);
}

Expected<std::shared_ptr<const void>> prepare_winograd(const KernelQuery& q) {
  const Tensor& w = *q.input_constant(1);
  ANYRT_ASSIGN(auto state, pack_blocked_winograd(w, q.store()));
  std::const_pointer_cast<BlockedWeights>(std::static_pointer_cast<const BlockedWeights>(state))->original =
      w.uncopied();
  return state;
}

Expected<Tensor> unpack_original(const void* state, size_t) {
  return static_cast<const BlockedWeights*>(state)->original;
}

Expected<std::shared_ptr<const void>> prepare_direct(const KernelQuery& q) {
  const Tensor& w = *q.input_constant(1);
  ANYRT_ASSIGN(auto state, pack_blocked(w, q.i("group", 1), q.i("x_plain") != 0, false, q.store()));
  const SymShape* x = q.input_shape(0);
  const bool open = !x || !std::all_of(x->begin() + 2, x->end(), [](const Dim& d) { return d.is_const(); });
  const bool square = w.rank() >= 4 && w.dim(w.rank() - 2) == 3 && w.dim(w.rank() - 1) == 3 && q.i("group", 1) == 1 &&
                      q.i("x_plain") == 0;
  std::const_pointer_cast<BlockedWeights>(std::static_pointer_cast<const BlockedWeights>(state))->winograd_later =
      open && square && q.accuracy() != Accuracy::kStrict && !q.weights_once();
  return state;
}

ConvBound bind_direct(ConvPlan plan, BlockedState w) {
  if (w->winograd_later && blocked_winograd_pays(plan.g)) {
    ANYRT_ASSIGN(BlockedState made, winograd_form(w));
    return bind_blocked_winograd(std::move(plan), std::move(made), std::move(w));
  }
  return bind_blocked_direct(std::move(plan), std::move(w));
}

ConvBound bind_winograd(ConvPlan plan, BlockedState w) {
  return bind_blocked_winograd(std::move(plan), std::move(w), nullptr);
}

Expected<std::shared_ptr<const void>> prepare_depthwise(const KernelQuery& q) {
  return pack_blocked(*q.input_constant(1), q.i("group", 1), false, true, q.store());
}

Expected<Tensor> unpack(const void* state, size_t) {
  return unpack_blocked(*static_cast<const BlockedWeights*>(state));
}

template <ConvBound (*kBind)(ConvPlan, BlockedState)>
ConvBound bind(const BindQuery& q, const std::shared_ptr<const void>& state) {
  const Dims x = q.i("x_plain") != 0 ? q.input(0).dims : plain_dims(q.input(0).dims, q.i("in_channels"));
  const Dims z = q.has_input(3) ? plain_dims(q.input(3).dims, q.i("out_channels")) : Dims();
  ANYRT_ASSIGN(ConvPlan plan, plan_conv(q, x, z));
  return kBind(std::move(plan), std::static_pointer_cast<const BlockedWeights>(state));
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_conv_blocked_winograd",
     .op = "FusedConv",
     .domain = "anyrt",
     .layout = {Layout::Kind::kBlocked, 1, 0},
     .accuracy = Accuracy::kDefault,
     .priority = 1,
     .accepts = accepts_winograd,
     .prepare = prepare_winograd,
     .packs = 2,
     .unpack = unpack_original,
     .bind = bind<bind_winograd>},
    {.kernel = "f32_conv_blocked",
     .op = "FusedConv",
     .domain = "anyrt",
     .layout = {Layout::Kind::kBlocked, 1, 0},
     .accepts = accepts_direct,
     .prepare = prepare_direct,
     .packs = 2,
     .unpack = unpack,
     .bind = bind<bind_direct>},
    {.kernel = "f32_conv_blocked_depthwise",
     .op = "FusedConv",
     .domain = "anyrt",
     .layout = {Layout::Kind::kBlocked, 1, 0},
     .accepts = accepts_depthwise,
     .prepare = prepare_depthwise,
     .packs = 2,
     .unpack = unpack,
     .bind = bind<bind_blocked_depthwise>},
};

}  // namespace

extern const KernelTable kernels_conv_blocked = {kRows};

}  // namespace anyrt::cpu
