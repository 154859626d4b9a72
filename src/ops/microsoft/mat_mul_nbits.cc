#include <algorithm>

#include "opdef/cost.h"
#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/matmul.h"
#include "opdef/packed_bits.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr DTypeSet kReals = DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16;
constexpr TypeRule kTypes[] = {
    {"T1", kReals}, {"T2", DType::kUInt8}, {"T3", kReals | DType::kUInt8}, {"T4", DType::kInt32}};
constexpr Param kInputs[] = {{"A", "T1", kRequiredParam, "[…, K]"},
                             {"B", "T2", kRequiredParam, "[N, blocks, bytes of a block]; empty: no weights"},
                             {"scales", "T1", kRequiredParam, "[N, blocks]"},
                             {"zero_points", "T3", kOptionalParam, "packed bytes of each row, or one number a block"},
                             {"g_idx", "T4", kOptionalParam, "the block whose scale each row of the weights has"},
                             {"bias", "T1", kOptionalParam, "[N]"}};
constexpr Param kOutputs[] = {{"Y", "T1", kRequiredParam, "[…, N]"}};
constexpr AttrDef kAttrs[] = {required_attr("K", AttrKind::kInt),
                              required_attr("N", AttrKind::kInt),
                              int_attr("accuracy_level", 0).with_doc("a hint; sums are always of float32"),
                              int_attr("bits", 4).with_doc("2, 4 or 8"),
                              required_attr("block_size", AttrKind::kInt),
                              int_attr("weight_prepacked", 0)};

Status check_attrs(const AttrReader& a) {
  ANYRT_TRY(check_packing(a.i("bits"), a.i("block_size")));
  if (a.i("K") < 1 || a.i("N") < 1)
    return invalid_argument("K and N must be positive, found {} and {}", a.i("K"), a.i("N"));
  if (a.i("weight_prepacked") != 0) return not_implemented("weights packed for a device");
  return {};
}

Status infer(InferContext& c) {
  ANYRT_TRY(check_attrs(c));
  std::optional<SymShape> shape;
  if (const SymShape* a = c.input_shape(0)) {
    if (a->empty()) return invalid_model("A must have rank 1 or more");
    if (a->back().is_const() && a->back().value() != c.i("K"))
      return invalid_model("A has shape {}, expected {} columns", shape_string(*a), c.i("K"));
    shape = *a;
    shape->back() = Dim(c.i("N"));
  }
  c.set_output(0, c.input_dtype(0), shape);
  return {};
}

Status check_dims(const Tensor& t, const char* name, const Dims& flat, const Dims& full) {
  if (t.dims() == flat || t.dims() == full) return {};
  return invalid_argument("{} has shape {}, expected {}", name, shape_string(t.dims()), shape_string(full));
}

// The weights as float rows, made a few rows at a time.
struct Weights {
  int64_t n = 0, k = 0, bits = 0, block = 0, blocks = 0, blob = 0, zero_row = 0;
  Tensor packed, scales, float_zeros, packed_zeros;
  std::vector<int64_t> groups;  // empty: row i of a block is of that block

  float zero(int64_t row, int64_t b) const {
    if (float_zeros.defined()) return float_zeros.data<float>()[row * blocks + b];
    if (packed_zeros.defined())
      return static_cast<float>(packed_at(packed_zeros.data<uint8_t>() + row * zero_row, b, bits));
    return static_cast<float>(1u << (bits - 1));
  }
  void row(int64_t row, float* out) const {
    const float* scale = scales.data<float>() + row * blocks;
    for (int64_t b = 0; b < blocks; ++b) {
      const uint8_t* bytes = packed.data<uint8_t>() + (row * blocks + b) * blob;
      const int64_t count = std::min(block, k - b * block);
      const float s = scale[b], z = zero(row, b);
      float* to = out + b * block;
      for (int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(packed_at(bytes, i, bits));
      if (groups.empty()) {
        for (int64_t i = 0; i < count; ++i) to[i] = (to[i] - z) * s;
      } else {
        for (int64_t i = 0; i < count; ++i) {
          const int64_t g = groups[static_cast<size_t>(b * block + i)];
          to[i] = (to[i] - zero(row, g)) * scale[g];
        }
      }
    }
  }
};

Expected<Weights> read_weights(EvalContext& c) {
  Weights w;
  w.n = c.i("N");
  w.k = c.i("K");
  w.bits = c.i("bits");
  w.block = c.i("block_size");
  w.blocks = divide_up(w.k, w.block);
  w.blob = w.block / 8 * w.bits;
  w.packed = c.input(1);
  ANYRT_TRY(check_dims(w.packed, "B", {w.n, w.blocks, w.blob}, {w.n, w.blocks, w.blob}));
  ANYRT_TRY(check_dims(c.input(2), "scales", {w.n * w.blocks}, {w.n, w.blocks}));
  ANYRT_ASSIGN(w.scales, c.input_as(2, DType::kFloat32));
  if (c.has_input(3)) {
    const Tensor& z = c.input(3);
    if (z.dtype() == DType::kUInt8) {
      w.zero_row = divide_up(w.blocks * w.bits, 8);
      ANYRT_TRY(check_dims(z, "zero_points", {w.n * w.zero_row}, {w.n, w.zero_row}));
      w.packed_zeros = z;
    } else {
      ANYRT_TRY(check_dims(z, "zero_points", {w.n * w.blocks}, {w.n, w.blocks}));
      ANYRT_ASSIGN(w.float_zeros, c.input_as(3, DType::kFloat32));
    }
  }
  if (c.has_input(4)) {
    ANYRT_ASSIGN(w.groups, c.input_ints(4));
    if (c.input(4).rank() != 1 || static_cast<int64_t>(w.groups.size()) < w.k)
      return invalid_argument("g_idx has shape {}, expected [{}]", shape_string(c.input(4).dims()), w.k);
    for (int64_t g : w.groups) {
      if (g < 0 || g >= w.blocks) return invalid_argument("g_idx holds {}, expected 0 to {}", g, w.blocks - 1);
    }
  }
  return w;
}

// True when a dimension of B is 0 and all others are as they should be.
bool no_weights(const AttrReader& a, const Dims& b) {
  const int64_t blob = a.i("block_size") / 8 * a.i("bits");
  const Dims full = {a.i("N"), divide_up(a.i("K"), a.i("block_size")), blob};
  bool empty = false;
  for (size_t i = 0; b.size() == 3 && i < 3; ++i) {
    if (b[i] != 0 && b[i] != full[i]) return false;
    empty = empty || b[i] == 0;
  }
  return empty;
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check_attrs(c));
  const Tensor& a = c.input(0);
  const int64_t n = c.i("N"), k = c.i("K");
  if (a.rank() == 0 || a.dims().back() != k)
    return invalid_argument("A has shape {}, expected {} columns", shape_string(a.dims()), k);
  Dims dims = a.dims();
  dims.back() = n;
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(DType::kFloat32, dims));
  float* out = y.mutable_data<float>();
  const int64_t m = a.size() / k;
  if (!no_weights(c, c.input(1).dims())) {
    ANYRT_ASSIGN(const Weights w, read_weights(c));
    ANYRT_ASSIGN(const Tensor wide, c.input_as(0, DType::kFloat32));
    // Enough rows at a time for a good matrix product, few enough to stay in cache.
    const int64_t step = 32;
    ANYRT_TRY(Tensor::make(DType::kFloat32, {step, k}).status());
    c.parallel_for(divide_up(n, step), 1, [&](int64_t begin, int64_t end) {
      std::vector<float> rows(static_cast<size_t>(step * k));
      for (int64_t first = begin * step; first < std::min(n, end * step); first += step) {
        const int64_t count = std::min(step, n - first);
        for (int64_t r = 0; r < count; ++r) w.row(first + r, rows.data() + r * k);
        matmul_f32(nullptr, m, count, k, {wide.data<float>(), k, 1}, {rows.data(), 1, k}, out + first, n);
      }
    });
  }
  if (c.has_input(5)) {
    ANYRT_TRY(check_dims(c.input(5), "bias", {n}, {n}));
    ANYRT_ASSIGN(const Tensor bias, c.input_as(5, DType::kFloat32));
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) out[i * n + j] += bias.data<float>()[j];
    }
  }
  return c.set_output_as(0, y, a.dtype());
}

}  // namespace

extern const OpDef op_microsoft_mat_mul_nbits = {
    .name = "MatMulNBits",
    .domain = "com.microsoft",
    .doc = "Matrix product with weights that are quantised in blocks of 2, 4 or 8 bits.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cost = cost_matmul,
    .cases = ANYRT_CASES(R"(
      bits=4 block_size=16 N=2 K=16 : f32[1,16]{-0.5 0.75 -0.5 0.75 0 0.25 0.5 0 -0.5 -0.5 -0.75 0.5 0 -0.75 0.75 -0.5}, u8[2,1,8]{125 146 254 121 137 106 41 233 190 129 210 103 144 206 5 58}, f32[2]{0.5 0.25} -> f32[1,2]{1 3.625} ~ 1e-4 1e-5
      bits=2 block_size=16 N=1 K=20 : f32[1,20]{-0.25 -0.75 -0.75 1 1 -0.5 -1 -0.5 0.5 0.5 -1 0.25 -1 0 0.25 1 -0.5 0.5 0.75 0.75}, u8[1,2,4]{94 14 218 31 9 38 47 144}, f32[1,2]{0.5 0.25}, u8[1]{13} -> f32[1,1]{-1.875} ~ 1e-4 1e-5
      K=16 N=2 bits=4 block_size=16 : f32[1,16]{rand:1}, u8[2,1,0]{}, f32[0]{}, _, _, f32[2]{1 2} -> f32[1,2]{1 2}
      K=32 N=8 bits=2 block_size=16 : f16[2,3,32]{rand:1}, u8[8,2,4]{rand:2}, f16[8,2]{rand:3}, u8[8,1]{rand:4} -> ?
      K=16 N=2 bits=3 block_size=16 : f32[1,16]{rand:1}, u8[2,1,8]{rand:2}, f32[2]{1 2} -> !bits
      K=16 N=2 bits=4 block_size=16 : f32[1,16]{rand:1}, u8[2,1,7]{rand:2}, f32[2]{1 2} -> !B has shape
      K=16 N=1 bits=4 block_size=16 : f32[1,16]{rand:1}, u8[1,1,8]{rand:2}, f32[1]{1}, _, i32[16]{0 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0} -> !g_idx
    )"),
};

}  // namespace anyrt
