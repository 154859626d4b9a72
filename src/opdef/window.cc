#include "opdef/window.h"

#include <algorithm>
#include <cmath>

#include "opdef/infer.h"

namespace anyrt {
namespace {

// Keeps every product of the window arithmetic inside int64.
constexpr int64_t kMaxWindow = int64_t{1} << 30;
constexpr int64_t kMaxSpatial = int64_t{1} << 45;

Expected<std::vector<int64_t>> read_list(const AttrReader& a, const char* name, size_t count, int64_t fallback,
                                         int64_t least) {
  const std::vector<int64_t>& given = a.ints(name);
  if (given.empty()) return std::vector<int64_t>(count, fallback);
  if (given.size() != count) {
    return invalid_model("attribute {} has {} entries, expected {}", name, given.size(), count);
  }
  for (int64_t v : given) {
    if (v < least || v > kMaxWindow) return invalid_model("attribute {} holds {}, expected {} or more", name, v, least);
  }
  return given;
}

Expected<AutoPad> read_auto_pad(const AttrReader& a) {
  const std::string& s = a.s("auto_pad");
  if (s.empty() || s == "NOTSET") return AutoPad::kNotSet;
  if (s == "VALID") return AutoPad::kValid;
  if (s == "SAME_UPPER") return AutoPad::kSameUpper;
  if (s == "SAME_LOWER") return AutoPad::kSameLower;
  return invalid_model("auto_pad is '{}', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", s);
}

}  // namespace

Expected<WindowAttrs> read_window_attrs(const AttrReader& a, std::span<const int64_t> kernel) {
  WindowAttrs w;
  const std::vector<int64_t>& given = a.ints("kernel_shape");
  if (kernel.empty()) {
    if (given.empty()) return invalid_model("attribute kernel_shape is missing or empty");
    w.kernel = given;
  } else {
    w.kernel.assign(kernel.begin(), kernel.end());
    if (!given.empty() && given != w.kernel) {
      return invalid_model("kernel_shape is {}, the weights say {}", shape_string(given), shape_string(w.kernel));
    }
  }
  int64_t taps = 1;
  for (int64_t k : w.kernel) {
    if (k < 1 || k > kMaxWindow) return invalid_model("kernel_shape holds {}, expected 1 or more", k);
    if (__builtin_mul_overflow(taps, k, &taps) || taps > kMaxSpatial) {
      return invalid_model("kernel_shape {} is too large", shape_string(w.kernel));
    }
  }
  const size_t n = w.kernel.size();
  ANYRT_ASSIGN(w.strides, read_list(a, "strides", n, 1, 1));
  ANYRT_ASSIGN(w.dilations, read_list(a, "dilations", n, 1, 1));
  ANYRT_ASSIGN(const std::vector<int64_t> pads, read_list(a, "pads", 2 * n, 0, 0));
  w.pad_begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(n));
  w.pad_end.assign(pads.begin() + static_cast<std::ptrdiff_t>(n), pads.end());
  ANYRT_ASSIGN(w.auto_pad, read_auto_pad(a));
  if (w.auto_pad != AutoPad::kNotSet) {
    std::fill(w.pad_begin.begin(), w.pad_begin.end(), 0);
    std::fill(w.pad_end.begin(), w.pad_end.end(), 0);
  }
  w.ceil_mode = a.i("ceil_mode") != 0;
  return w;
}

Dim window_output_dim(const WindowAttrs& attrs, size_t axis, const Dim& in) {
  const Dim stride(attrs.strides[axis]), extent(attrs.extent(axis));
  if (attrs.auto_pad == AutoPad::kSameUpper || attrs.auto_pad == AutoPad::kSameLower) return Dim::ceil_div(in, stride);
  const Dim begin(attrs.pad_begin[axis]), end(attrs.pad_end[axis]);
  const Dim travel = in + begin + end - extent;
  if (!attrs.ceil_mode) return Dim::floor_div(travel, stride) + Dim(1);
  // A last window that would start in the padding at the end is left out.
  return Dim::min(Dim::ceil_div(travel, stride) + Dim(1), Dim::ceil_div(in + begin, stride));
}

Expected<WindowAxes> make_windows(const WindowAttrs& attrs, std::span<const int64_t> spatial) {
  if (spatial.size() != attrs.rank()) {
    return invalid_argument("the input has {} spatial axes, the kernel {}", spatial.size(), attrs.rank());
  }
  WindowAxes axes(attrs.rank());
  for (size_t i = 0; i < axes.size(); ++i) {
    WindowAxis& w = axes[i];
    w.in = spatial[i];
    if (w.in > kMaxSpatial) return invalid_argument("spatial axis {} of size {} is too large", i, w.in);
    w.kernel = attrs.kernel[i];
    w.stride = attrs.strides[i];
    w.dilation = attrs.dilations[i];
    w.pad_begin = attrs.pad_begin[i];
    w.pad_end = attrs.pad_end[i];
    w.out = window_output_dim(attrs, i, Dim(w.in)).value();
    if (attrs.auto_pad == AutoPad::kSameUpper || attrs.auto_pad == AutoPad::kSameLower) {
      int64_t total = (w.out - 1) * w.stride + attrs.extent(i) - w.in;
      if (!attrs.centre) total = std::max<int64_t>(0, total);
      const int64_t less = total / 2, more = total - less;
      w.pad_begin = attrs.auto_pad == AutoPad::kSameUpper ? less : more;
      w.pad_end = total - w.pad_begin;
    }
    if (w.out < 0) {
      return invalid_argument("a window of {} does not fit spatial axis {} of size {} with padding {} and {}",
                              attrs.extent(i), i, w.in, w.pad_begin, w.pad_end);
    }
  }
  return axes;
}

Dims window_in_dims(const WindowAxes& axes) {
  Dims dims;
  for (const WindowAxis& w : axes) dims.push_back(w.in);
  return dims;
}

Dims window_out_dims(const WindowAxes& axes) {
  Dims dims;
  for (const WindowAxis& w : axes) dims.push_back(w.out);
  return dims;
}

int64_t kernel_size(const WindowAxes& axes) {
  int64_t n = 1;
  for (const WindowAxis& w : axes) n *= w.kernel;
  return n;
}

Status infer_pool(InferContext& c) {
  ANYRT_ASSIGN(const WindowAttrs attrs, read_window_attrs(c));
  std::optional<SymShape> out;
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() != attrs.rank() + 2) {
      return invalid_model("X has rank {}, kernel_shape has {} entries: expected rank {}", x->size(), attrs.rank(),
                           attrs.rank() + 2);
    }
    out = SymShape(x->begin(), x->begin() + 2);
    for (size_t i = 0; i < attrs.rank(); ++i) out->push_back(window_output_dim(attrs, i, (*x)[i + 2]));
  }
  c.set_output(0, c.input_dtype(0), out);
  if (c.has_output(1)) c.set_output(1, DType::kInt64, out);
  return {};
}

Status infer_global_pool(InferContext& c) {
  std::optional<SymShape> out;
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() < 2) return invalid_model("X has rank {}, expected 2 or more", x->size());
    out = SymShape(x->size(), Dim(1));
    (*out)[0] = (*x)[0];
    (*out)[1] = (*x)[1];
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Expected<WindowAxes> pool_windows(const AttrReader& a, const Dims& x) {
  ANYRT_ASSIGN(WindowAttrs attrs, read_window_attrs(a));
  attrs.centre = true;
  if (x.size() != attrs.rank() + 2) {
    return invalid_argument("X has rank {}, kernel_shape has {} entries: expected rank {}", x.size(), attrs.rank(),
                            attrs.rank() + 2);
  }
  return make_windows(attrs, std::span(x).subspan(2));
}

Status upgrade_lp_norm(RewriteContext& c) {
  if (!c.has_attr("p")) return {};
  const float p = c.f("p", 2);
  if (!(p >= 1 && p <= 1024) || p != std::floor(p)) return not_implemented("p = {}: only whole numbers are known", p);
  c.set_attr("p", static_cast<int64_t>(p));
  return {};
}

Status downgrade_pool(RewriteContext& c) {
  struct Row {
    std::string_view op, attr;
    int since;
  };
  static constexpr Row kRows[] = {
      {"AveragePool", "count_include_pad", 7},
      {"AveragePool", "ceil_mode", 10},
      {"AveragePool", "dilations", 19},
      {"MaxPool", "storage_order", 8},
      {"MaxPool", "ceil_mode", 10},
      {"MaxPool", "dilations", 10},
      {"LpPool", "ceil_mode", 18},
      {"LpPool", "dilations", 18},
  };
  for (const Row& row : kRows) {
    if (row.op != c.node().op || c.version() >= row.since) continue;
    const std::vector<int64_t>& list = c.ints(row.attr);
    const bool plain = std::all_of(list.begin(), list.end(), [](int64_t d) { return d == 1; });
    if (c.i(row.attr) != 0 || !plain) return not_implemented("{} needs opset {}", row.attr, row.since);
    c.remove_attr(row.attr);
  }
  if (c.node().op == "LpPool" && c.version() < 2) c.set_attr("p", static_cast<float>(c.i("p")));
  return {};
}

}  // namespace anyrt
