#include "opdef/grid_sample.h"

#include <algorithm>
#include <cmath>

#include "opdef/complex_pairs.h"
#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kPlainDTypes}, {"T2", kFloats}};
constexpr Param kInputs[] = {
    {"X", "T1", kRequiredParam, "[N, C, spatial…]"},
    {"grid", "T2", kRequiredParam, "[N, positions…, spatial rank]: last axis first, in [-1, 1]"}};
constexpr Param kOutputs[] = {{"Y", "T1", kRequiredParam, "[N, C, positions…]"}};
constexpr AttrDef kAttrs[] = {
    int_attr("align_corners", 0).with_doc("-1 and 1 are the centres of the corner elements, else their outer edges"),
    string_attr("mode", "linear").with_doc("linear, nearest or cubic"),
    string_attr("padding_mode", "zeros").with_doc("zeros, border or reflection"),
};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape *x = c.input_shape(0), *grid = c.input_shape(1);
  if (x && x->size() < 3) return invalid_model("X has rank {}, expected 3 or more", x->size());
  if (x && grid && x->size() != grid->size()) return invalid_model("X has rank {}, grid {}", x->size(), grid->size());
  if (!x && !grid) return {};
  SymShape out(x ? x->size() : grid->size());
  if (x) {
    out[0] = (*x)[0];
    out[1] = (*x)[1];
  }
  for (size_t i = 2; grid && i < out.size(); ++i) out[i] = (*grid)[i - 1];
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

using Sampler = GridSampler;
using Mode = GridSampler::Mode;

// All elements of a plane that one position reads, and their weights. An offset of -1 reads zero.
template <class G>
struct Reads {
  std::vector<int64_t> offset;
  std::vector<G> weight;
};

template <class G>
void place_all(const Sampler& s, const G* position, Reads<G>& r, std::vector<int64_t>& index, std::vector<G>& weight) {
  const size_t rank = s.dims.size(), taps = static_cast<size_t>(s.taps());
  for (size_t a = 0; a < rank; ++a)
    place_on_grid(s, a, position[rank - 1 - a], index.data() + a * taps, weight.data() + a * taps);
  for (size_t k = 0; k < r.offset.size(); ++k) {
    size_t rest = k;
    int64_t offset = 0;
    G w = 1;
    for (size_t a = rank; a-- > 0; rest /= taps) {
      const size_t at = a * taps + rest % taps;
      w *= weight[at];
      offset = offset < 0 || index[at] < 0 ? -1 : offset + index[at] * s.strides[a];
    }
    r.offset[k] = offset;
    r.weight[k] = w;
  }
}

// visit(batch entry, position, reads) for every position of the grid.
template <class G, class F>
void for_each_position(EvalContext& c, const Sampler& s, const Tensor& grid, const F& visit) {
  const int64_t rank = static_cast<int64_t>(s.dims.size()), count = product(grid.dims(), 1, grid.rank() - 1);
  c.parallel_for(grid.dim(0) * count, 64, [&](int64_t first, int64_t last) {
    Reads<G> r;
    const size_t taps = static_cast<size_t>(s.taps());
    size_t reads = 1;
    for (int64_t a = 0; a < rank; ++a) reads *= taps;
    r.offset.resize(reads);
    r.weight.resize(reads);
    std::vector<int64_t> index(static_cast<size_t>(rank) * taps);
    std::vector<G> weight(index.size());
    for (int64_t i = first; i < last; ++i) {
      place_all(s, grid.data<G>() + i * rank, r, index, weight);
      visit(i / count, i % count, r);
    }
  });
}

template <class G>
Status sample(EvalContext& c, const Sampler& s, const Tensor& grid, const Dims& dims) {
  const Tensor& x = c.input(0);
  const int64_t channels = x.dim(1), plane = product(s.dims), count = product(dims, 2, x.rank());
  if (s.mode == Mode::kNearest) {
    ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), dims));
    dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
      for_each_position<G>(c, s, grid, [&](int64_t n, int64_t p, const Reads<G>& r) {
        for (int64_t ch = n * channels; ch < (n + 1) * channels; ++ch) {
          mutable_storage<T>(*y)[ch * count + p] = r.offset[0] < 0 ? T{} : storage<T>(x)[ch * plane + r.offset[0]];
        }
      });
    });
    return {};
  }
  if (x.dtype() == DType::kString) return invalid_argument("mode {} needs numbers, found strings", c.s("mode"));
  const bool narrow = (is_float(x.dtype()) && x.dtype() != DType::kFloat64) || x.dtype() == DType::kComplex64;
  const DType compute = narrow ? DType::kFloat32 : DType::kFloat64;
  const int64_t parts = is_complex(x.dtype()) ? 2 : 1;
  Tensor wide;
  Dims numbers = dims;
  if (parts == 2) {
    ANYRT_ASSIGN(wide, complex_as_pairs(x));
    numbers.push_back(2);
  } else {
    ANYRT_ASSIGN(wide, c.input_as(0, compute));
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, numbers));
  const bool rounds = parts == 1 && !is_float(x.dtype());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    for_each_position<G>(c, s, grid, [&](int64_t n, int64_t p, const Reads<G>& r) {
      for (int64_t ch = n * channels * parts; ch < (n + 1) * channels * parts; ++ch) {
        const T* in = wide.data<T>() + ch / parts * plane * parts + ch % parts;
        T sum = 0;
        for (size_t k = 0; k < r.offset.size(); ++k) {
          if (r.offset[k] >= 0) sum += static_cast<T>(r.weight[k]) * in[r.offset[k] * parts];
        }
        y.mutable_data<T>()[(ch / parts * count + p) * parts + ch % parts] = rounds ? std::nearbyint(sum) : sum;
      }
    });
  });
  if (parts == 1) return c.set_output_as(0, y, x.dtype());
  ANYRT_ASSIGN(y, pairs_as_complex(y));
  c.set_output(0, std::move(y));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const Tensor& grid = c.input(1);
  if (x.rank() < 3 || x.rank() > 10 || grid.rank() != x.rank() || grid.dim(0) != x.dim(0) ||
      grid.dim(grid.rank() - 1) != x.rank() - 2) {
    return invalid_argument("X {} and grid {} do not fit: expected [N,C,spatial…] and [N,positions…,spatial rank]",
                            shape_string(x.dims()), shape_string(grid.dims()));
  }
  ANYRT_ASSIGN(const Sampler s, read_grid_sampler(c, Dims(x.dims().begin() + 2, x.dims().end())));
  Dims dims{x.dim(0), x.dim(1)};
  dims.insert(dims.end(), grid.dims().begin() + 1, grid.dims().end() - 1);
  ANYRT_ASSIGN(const int64_t count, checked_element_count(dims));
  if (count > 0 && product(s.dims) == 0) return invalid_argument("X has empty planes");
  const DType coordinates = compute_dtype(grid.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(1, coordinates));
  return coordinates == DType::kFloat64 ? sample<double>(c, s, wide, dims) : sample<float>(c, s, wide, dims);
}

// Opset 16 said bilinear and bicubic.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 20) return {};
  const std::string mode = c.s("mode");
  if (mode == "bilinear" || mode.empty()) c.set_attr("mode", std::string("linear"));
  if (mode == "bicubic") c.set_attr("mode", std::string("cubic"));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 20) return {};
  if (c.s("mode") == "linear") c.set_attr("mode", std::string("bilinear"));
  if (c.s("mode") == "cubic") c.set_attr("mode", std::string("bicubic"));
  return {};
}

}  // namespace

extern const OpDef op_onnx_grid_sample = {
    .name = "GridSample",
    .since = 22,
    .first = 16,
    .doc = "Samples each plane of X at the positions that a grid gives.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      align_corners=1 : f32[1,1,1,3]{1 2 4}, f32[1,1,3,2]{-1 0 0.5 0 3 0} -> f32[1,1,1,3]{1 3 0}
      mode="nearest" padding_mode="border" : str[1,1,2,2]{"a" "b" "c" "d"}, f32[1,1,2,2]{-9 9 1 -1} -> str[1,1,1,2]{"c" "b"}
      padding_mode="reflection" align_corners=1 : f64[1,1,3]{1 2 4}, f64[1,2,1]{1.5 -2} -> f64[1,1,2]{3 2}
      align_corners=1 : c64[1,1,3]{1+2i 3-4i 5}, f32[1,2,1]{0.5 3} -> c64[1,1,2]{4-2i 0}
      padding_mode="border" align_corners=1 : bool[1,1,3]{true false false}, f32[1,2,1]{-0.75 -0.25} -> bool[1,1,2]{true false}
      : str[1,1,2]{"a" "b"}, f32[1,1,1]{0} -> !needs numbers
      : f32[1,1,2,2]{1 2 3 4}, f32[1,1,2,2]{nan 0 inf 0} -> f32[1,1,1,2]{0 0}
      mode="cubic" : f16[2,3,4,5]{rand:1}, f16[2,6,7,2]{rand:2} -> ?
      padding_mode="border" : f32[2,3,4,5,6]{rand:1}, f32[2,2,3,4,3]{rand:2} -> ?
      : f32[1,1,2,2]{1 2 3 4}, f32[1,1,1,3]{0 0 0} -> !do not fit
    )"),
};

}  // namespace anyrt
