#include <benchmark/benchmark.h>

#include <random>

#include "devices/cpu/gemm/gemm.h"
#include "devices/cpu/kernel.h"

// f32 products at the sizes of networks; ANYRT_ISA limits the instruction set. Arguments: M, K, N, threads. "peak" is
// what one core reaches in registers.

namespace anyrt::cpu {
namespace {

std::vector<float> numbers(int64_t n) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> unit(-1, 1);
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = unit(random);
  return x;
}

void run(benchmark::State& state, bool packed, bool trans) {
  apply_isa_limit();
  const int64_t m = state.range(0), k = state.range(1), n = state.range(2);
  const auto a = numbers(m * k), b = numbers(k * n);
  std::vector<float> c(static_cast<size_t>(m * n));
  GemmProblem p;
  p.m = m, p.n = n, p.k = k;
  p.a_row = k, p.c_row = n;
  p.b_row = trans ? 1 : n, p.b_col = trans ? k : 1;
  PackedMatrices weights;
  if (packed) {
    weights = packed_form(DType::kFloat32, k, n);
    weights.bytes = *allocate_buffer(weights.stride);
    pack_into(weights, b.data(), p.b_row, p.b_col, 0, weights.bytes->data());
    p.set_packed(weights);
  }
  const Gemm gemm(p);
  const auto scratch = *allocate_buffer(gemm.scratch_bytes());
  for (auto _ : state) {
    gemm.run(a.data(), packed ? static_cast<const void*>(weights.bytes->data()) : b.data(), c.data(), {},
             scratch->data(), static_cast<int>(state.range(3)));
    benchmark::ClobberMemory();
  }
  state.counters["GF"] =
      benchmark::Counter(2e-9 * static_cast<double>(m * n * k), benchmark::Counter::kIsIterationInvariantRate);
}

void constant_b(benchmark::State& state) { run(state, true, false); }
void plain_b(benchmark::State& state) { run(state, false, false); }
void transposed_b(benchmark::State& state) { run(state, false, true); }

void sizes(benchmark::internal::Benchmark* b) {
  b->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (int threads : {1, 2}) {
    for (const auto& [m, k, n] : std::vector<std::tuple<int, int, int>>{{1, 768, 768},
                                                                        {1, 768, 3072},
                                                                        {1, 4096, 4096},
                                                                        {4, 768, 768},
                                                                        {16, 768, 768},
                                                                        {128, 64, 128},
                                                                        {128, 768, 768},
                                                                        {128, 768, 3072},
                                                                        {128, 3072, 768},
                                                                        {384, 768, 768},
                                                                        {512, 768, 3072},
                                                                        {512, 1024, 1024}}) {
      b->Args({m, k, n, threads});
    }
  }
}
BENCHMARK(constant_b)->Apply(sizes);
BENCHMARK(plain_b)->Apply(sizes);
BENCHMARK(transposed_b)->Apply(sizes);

}  // namespace
}  // namespace anyrt::cpu
