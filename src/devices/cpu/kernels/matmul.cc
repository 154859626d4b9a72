#include <algorithm>

#include "devices/cpu/gemm/convert.h"
#include "devices/cpu/gemm/epilogue.h"
#include "devices/cpu/gemm/gemm.h"
#include "devices/cpu/kernel.h"
#include "opdef/matmul_shape.h"

namespace anyrt::cpu {
namespace {

// B as a packed weight; its matrices are numbered in row-major order of the leading axes.
struct Weights {
  PackedMatrices b;
  Dims dims;                           // of B
  int64_t row = 0, col = 0, step = 0;  // of its elements and matrices
};

bool is_half(DType d) { return d == DType::kFloat16 || d == DType::kBFloat16; }

Expected<std::shared_ptr<const void>> prepare_weights(const KernelQuery& q) {
  const Tensor* b = q.input_constant(1);
  if (!b || b->rank() == 0 || b->size() == 0) return std::shared_ptr<const void>();
  const bool vector = b->rank() == 1, trans = q.i("transB") != 0 && !vector;
  int64_t k = vector ? b->dim(0) : b->dim(b->rank() - 2), n = vector ? 1 : b->dim(b->rank() - 1);
  const int64_t row = trans ? 1 : n, col = trans ? n : 1, size = k * n;
  if (trans) std::swap(k, n);
  auto w = std::make_shared<Weights>();
  ANYRT_ASSIGN(w->b, pack_matrices(*b, row, col, k, n, b->size() / size, size, q.store()));
  w->dims = b->dims();
  w->row = row;
  w->col = col;
  w->step = size;
  return std::shared_ptr<const void>(std::move(w));
}

Expected<Tensor> unpack_weights(const void* state, size_t) {
  const Weights& w = *static_cast<const Weights*>(state);
  ANYRT_ASSIGN(Tensor b, Tensor::make(w.b.dtype, w.dims));
  unpack_matrices(w.b, w.row, w.col, w.step, b.mutable_raw());
  return b;
}

// A product as any of the operators here states it.
struct Spec {
  bool trans_a = false, trans_b = false;
  const BoundTensor* bias = nullptr;
  const BoundTensor* z = nullptr;
  size_t bias_input = 0, z_input = 0;
  Epilogue epilogue;
};

// Offsets of the matrices of a stack, in row-major order of `batch`.
std::vector<int64_t> stack_offsets(const Dims& batch, const Dims& strides) {
  std::vector<int64_t> at;
  std::vector<int64_t> index(batch.size(), 0);
  if (product(batch) == 0) return at;
  do {
    int64_t offset = 0;
    for (size_t i = 0; i < batch.size(); ++i) offset += index[i] * strides[i];
    at.push_back(offset);
  } while (next_index(index, batch));
  return at;
}

// Bias strides over [batch…, m, n]; rows of A that are merged into one matrix need a bias that repeats or goes on.
void set_bias(const MatmulShape& s, const BoundTensor& a, const BoundTensor& b, const BoundTensor& bias, Epilogue& e,
              Dims& batch_strides) {
  Dims out = s.batch;
  if (a.rank() > 1) out.push_back(s.m);
  if (b.rank() > 1) out.push_back(s.n);
  Dims strides = broadcast_strides(bias.dims, out);
  if (b.rank() > 1) {
    e.bias_col = strides.back();
    strides.pop_back();
  }
  if (a.rank() > 1) {
    e.bias_row = strides.back();
    strides.pop_back();
  }
  batch_strides = strides;
}

class Product final : public BoundStep {
 public:
  static Expected<std::unique_ptr<BoundStep>> bind(const BindQuery& q, Spec spec,
                                                   const std::shared_ptr<const void>& state) {
    const BoundTensor &a = q.input(0), &b = q.input(1);
    Dims a_dims = a.dims, b_dims = b.dims;
    if (spec.trans_a) std::swap(a_dims[a_dims.size() - 1], a_dims[a_dims.size() - 2]);
    if (spec.trans_b) std::swap(b_dims[b_dims.size() - 1], b_dims[b_dims.size() - 2]);
    ANYRT_ASSIGN(MatmulShape s, matmul_shape(a_dims, b_dims));
    Epilogue& e = spec.epilogue;
    Dims bias_strides(s.batch.size(), 0);
    if (spec.bias) {
      e.has_bias = true;
      set_bias(s, a, b, *spec.bias, e, bias_strides);
    }
    e.has_z = spec.z != nullptr;
    const DType dtype = a.dtype;
    GemmProblem p;
    p.dtype = is_half(dtype) ? DType::kFloat32 : dtype;
    p.m = s.m;
    p.n = s.n;
    p.k = s.k;
    // One right matrix for a dense stack of left ones is a single tall product.
    bool tall = !spec.trans_a;
    int64_t dense = s.m * s.k, dense_bias = s.m * e.bias_row;
    for (size_t i = s.batch.size(); i-- > 0; dense *= s.batch[i], dense_bias *= s.batch[i]) {
      if (s.batch[i] == 1) continue;
      tall = tall && s.b_strides[i] == 0 && s.a_strides[i] == dense && bias_strides[i] == dense_bias;
    }
    if (tall) {
      p.m *= product(s.batch);
      s.batch.clear();
      s.a_strides.clear();
      s.b_strides.clear();
      bias_strides.clear();
    }
    const int64_t count = product(s.batch);
    if (count == 0) p.m = 0;
    p.a_row = spec.trans_a ? 1 : s.k;
    p.a_col = spec.trans_a ? s.m : 1;
    p.b_row = spec.trans_b ? 1 : s.n;
    p.b_col = spec.trans_b ? s.k : 1;
    p.c_row = s.n;
    if (count > 1) {
      p.a_at = stack_offsets(s.batch, s.a_strides);
      p.b_at = stack_offsets(s.batch, s.b_strides);
      for (int64_t i = 0; i < count; ++i) p.c_at.push_back(i * s.m * s.n);
      if (spec.bias) e.bias_at = stack_offsets(s.batch, bias_strides);
    }
    auto step = std::make_unique<Product>();
    step->packed_ = std::static_pointer_cast<const Weights>(state);
    if (step->packed_) {
      for (int64_t& at : p.b_at) at /= std::max<int64_t>(1, s.k * s.n);
      p.set_packed(step->packed_->b);
    }
    step->dtype_ = dtype;
    step->bias_input_ = spec.bias_input;
    step->z_input_ = spec.z_input;
    step->epilogue_ = std::move(e);
    step->gemm_.emplace(std::move(p));
    step->scratch_bytes = step->gemm_->scratch_bytes();
    if (is_half(dtype)) {
      const auto place = [&](int64_t n) {
        const size_t at = (step->scratch_bytes + 63) / 64 * 64;
        step->scratch_bytes = at + static_cast<size_t>(n) * sizeof(float);
        return Wide{n, at};
      };
      step->a_ = place(a.count());
      if (!step->packed_) step->b_ = place(b.count());
      if (spec.bias) step->bias_ = place(spec.bias->count());
      if (spec.z) step->z_ = place(spec.z->count());
      step->c_ = place(q.output(0).count());
    }
    return std::unique_ptr<BoundStep>(std::move(step));
  }

  Status run(const StepArgs& args) const override {
    const void* b = packed_ ? packed_->b.bytes->data() : args.in[1];
    if (dtype_ == DType::kFloat64) {
      multiply<double>(args, args.in[0], b, bias(args), z(args), args.out[0]);
    } else if (dtype_ == DType::kFloat32) {
      multiply<float>(args, args.in[0], b, bias(args), z(args), args.out[0]);
    } else {
      const auto wide = [&](const Wide& w, const void* from) -> const void* {
        if (!from) return nullptr;
        float* to = reinterpret_cast<float*>(args.scratch + w.at);
        widen(dtype_, from, to, w.count, args.threads);
        return to;
      };
      if (!packed_) b = wide(b_, b);
      float* c = reinterpret_cast<float*>(args.scratch + c_.at);
      multiply<float>(args, wide(a_, args.in[0]), b, wide(bias_, bias(args)), wide(z_, z(args)), c);
      narrow_to(dtype_, c, args.out[0], c_.count, args.threads);
    }
    return {};
  }

 private:
  struct Wide {  // an operand as f32 in the scratch
    int64_t count = 0;
    size_t at = 0;
  };

  const void* bias(const StepArgs& args) const { return epilogue_.has_bias ? args.in[bias_input_] : nullptr; }
  const void* z(const StepArgs& args) const { return epilogue_.has_z ? args.in[z_input_] : nullptr; }

  template <class T>
  void multiply(const StepArgs& args, const void* a, const void* b, const void* bias, const void* z, void* c) const {
    const EpilogueRun<T> run{&epilogue_, static_cast<const T*>(bias), static_cast<const T*>(z), static_cast<T*>(c)};
    gemm_->run(a, b, c, epilogue_.needed() ? epilogue_finish(run) : GemmFinish{}, args.scratch, args.threads);
  }

  std::optional<Gemm> gemm_;
  std::shared_ptr<const Weights> packed_;
  DType dtype_ = DType::kFloat32;
  size_t bias_input_ = 0, z_input_ = 0;
  Epilogue epilogue_;
  Wide a_, b_, bias_, z_, c_;
};

Expected<std::unique_ptr<BoundStep>> bind_matmul(const BindQuery& q, const std::shared_ptr<const void>& state) {
  return Product::bind(q, {}, state);
}

Expected<std::unique_ptr<BoundStep>> bind_gemm(const BindQuery& q, const std::shared_ptr<const void>& state) {
  Spec spec;
  spec.trans_a = q.i("transA") != 0;
  spec.trans_b = q.i("transB") != 0;
  spec.epilogue.alpha = q.f("alpha");
  spec.epilogue.beta = q.f("beta");
  if (q.has_input(2)) spec.bias = &q.input(2);
  spec.bias_input = 2;
  return Product::bind(q, std::move(spec), state);
}

Expected<std::unique_ptr<BoundStep>> bind_fused(const BindQuery& q, const std::shared_ptr<const void>& state) {
  Spec spec;
  spec.trans_a = q.i("transA") != 0;
  spec.trans_b = q.i("transB") != 0;
  spec.epilogue.alpha = q.f("alpha");
  ANYRT_ASSIGN(spec.epilogue.activation, read_activation(q));
  spec.epilogue.add_after = q.i("add_after") != 0;
  if (q.has_input(2)) spec.bias = &q.input(2);
  if (q.has_input(3)) spec.z = &q.input(3);
  spec.bias_input = 2;
  spec.z_input = 3;
  return Product::bind(q, std::move(spec), state);
}

constexpr KernelRow kRows[] = {
    {.kernel = "gemm",
     .op = "MatMul",
     .dtypes = kFloats,
     .prepare = prepare_weights,
     .packs = 2,
     .unpack = unpack_weights,
     .bind = bind_matmul},
    {.kernel = "gemm",
     .op = "Gemm",
     .dtypes = kFloats,
     .prepare = prepare_weights,
     .packs = 2,
     .unpack = unpack_weights,
     .bind = bind_gemm},
    {.kernel = "gemm_fused",
     .op = "FusedMatMul",
     .domain = "anyrt",
     .dtypes = kFloats,
     .prepare = prepare_weights,
     .packs = 2,
     .unpack = unpack_weights,
     .bind = bind_fused},
};

}  // namespace

extern const KernelTable kernels_matmul = {kRows};

}  // namespace anyrt::cpu
