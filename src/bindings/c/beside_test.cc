#include <gtest/gtest.h>
#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "anyrt/anyrt.hpp"
#include "bindings/c/test_models.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

// What a host program notices of the library beside its results.
namespace {

using anyrt::Session;
using anyrt::Value;
using test_models::Message;

Session from(const std::string& bytes, const anyrt::Options& options = {}) {
  return Session::from_bytes(bytes.data(), bytes.size(), options);
}

// Resident memory in KiB, without what stays mapped from files.
long resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::stol(line.substr(8));
  }
  return 0;
}

// Bytes in use on the heap. What the process keeps of freed memory depends on which threads came when.
size_t heap_in_use() {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

double process_seconds() {
  timespec t = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// y = relu(x W) with W float32[size,size], which the caller's bytes hold.
std::string big_model(int64_t size) {
  Message g;
  g.message(1, test_models::node("MatMul", {"x", "w"}, {"m"})).message(1, test_models::node("Relu", {"m"}, {"y"}));
  g.message(5,
            test_models::tensor<float>("w", 1, {size, size}, std::vector<float>(static_cast<size_t>(size * size), 1)));
  g.text(2, "big").message(11, test_models::value_info("x", test_models::tensor_type(1, {-1, size})));
  g.message(12, test_models::value_info("y", test_models::tensor_type(1, {-1, size})));
  return test_models::model(g);
}

// A mode as hosts set it, with rounding and the treatment of subnormals changed, and its register.
#if defined(__SSE2__)
constexpr unsigned kFlags = 0x3fu;                                                                // exceptions so far
constexpr unsigned kOddMode = (0x1f80u | _MM_ROUND_UP | _MM_FLUSH_ZERO_ON | 0x0040u) & ~0x0020u;  // flush both ways
unsigned float_mode() { return _mm_getcsr(); }
void set_float_mode(unsigned mode) { _mm_setcsr(mode); }
#define ANYRT_TEST_FLOAT_MODE 1
#elif defined(__aarch64__)
constexpr uint64_t kFlags = 0;
constexpr uint64_t kOddMode = uint64_t{1} << 24 | uint64_t{1} << 25 | uint64_t{1} << 22;  // flush, one NaN, upwards
uint64_t float_mode() {
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void set_float_mode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#define ANYRT_TEST_FLOAT_MODE 1
#elif defined(__riscv)
constexpr unsigned kFlags = 0x1fu;
constexpr unsigned kOddMode = 3u << 5;  // upwards; subnormals are always kept
unsigned float_mode() {
  unsigned mode;
  asm volatile("frcsr %0" : "=r"(mode));
  return mode;
}
void set_float_mode(unsigned mode) { asm volatile("fscsr %0" : : "r"(mode)); }
#define ANYRT_TEST_FLOAT_MODE 1
#endif

#ifdef ANYRT_TEST_FLOAT_MODE
TEST(CBeside, FloatingPointModeIsTheCallers) {
  const Session s = from(test_models::add_model());
  const float tiny = 1e-40f;  // a subnormal, which kernels keep
  const Value x = Value::tensor<float>({1, 2}, {-1, tiny - 2});
  const auto before = float_mode();
  set_float_mode(kOddMode);
  const anyrt::Values out = s.run({x});
  const auto after = float_mode();
  set_float_mode(before);
  EXPECT_EQ(after & ~kFlags, kOddMode & ~kFlags);
  const Session identity =
      from(test_models::unary_model("Abs", test_models::tensor_type(1, {1}), test_models::tensor_type(1, {1})));
  const Value small = Value::tensor<float>({1}, {-tiny});
  set_float_mode(kOddMode);
  const anyrt::Values kept = identity.run({small});
  set_float_mode(before);
  EXPECT_EQ(kept[0].data<float>()[0], tiny);
}
#endif

TEST(CBeside, IdleThreadsSleep) {
  Session s = from(big_model(256), {{"threads", "4"}});
  const Value x = Value::zeros(ANYRT_FLOAT32, {512, 256});
  for (int i = 0; i < 5; ++i) s.run({x});
  std::promise<void> done;
  s.run_async({}, {x}, {}, [&](const anyrt::Error*, anyrt::Values) { done.set_value(); });
  done.get_future().wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double begin = process_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(process_seconds() - begin, 0.02);
}

TEST(CBeside, AThousandSessionsLeaveNothing) {
  const std::string small = test_models::add_model();
  const Value x = Value::tensor<float>({1, 2}, {1, 2});
  const auto cycle = [&] {
    Session s = from(small);
    s.run({x});
    s.run_async({}, {x}, {}, [](const anyrt::Error*, anyrt::Values) {});
  };
  for (int i = 0; i < 100; ++i) cycle();
  const size_t used = heap_in_use();
  const long before = resident();
  for (int i = 0; i < 1000; ++i) cycle();
  EXPECT_LT(heap_in_use(), used + (64 << 10)) << "bytes over 1,000 sessions";
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps freed memory for a while; it looks for leaks itself";
#endif
  if (std::getenv("ANYRT_EMULATOR"))
    GTEST_SKIP() << "resident memory is the emulator's, which keeps some for each thread";
  EXPECT_LT(resident() - before, 8 << 10) << "KiB over 1,000 sessions";
}

TEST(CBeside, AMillionRunsLeaveNothing) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const int runs = 20000;
#else
  const int runs = 1000000;
#endif
  const Session s =
      from(test_models::unary_model("Relu", test_models::tensor_type(1, {4}), test_models::tensor_type(1, {4})));
  const Value x = Value::tensor<float>({4}, {-1, 2, -3, 4});
  for (int i = 0; i < 1000; ++i) s.run({x});
  [[maybe_unused]] const long before = resident();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i) s.run({x});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
#if !defined(__SANITIZE_ADDRESS__)  // which keeps freed memory for a while
  EXPECT_LT(resident() - before, 1024) << "KiB over " << runs << " runs";
#endif
  std::printf("%d runs of one node: %.0f ns each\n", runs, 1e9 * seconds / runs);
}

TEST(CBeside, SixteenSessionsHoldWeightsOnce) {
  constexpr int64_t kSize = 2048;  // 16 MiB of weights
  const std::string path = ::testing::TempDir() + "/anyrt_c_shared_weights.onnx";
  std::ofstream(path, std::ios::binary) << big_model(kSize);
  const Value x = Value::zeros(ANYRT_FLOAT32, {1, kSize});
  {
    std::vector<Session> all;
    all.emplace_back(path);
    all[0].run({x});
    const long one = resident();
    for (int i = 1; i < 16; ++i) {
      all.emplace_back(path);
      all.back().run({x});
    }
    EXPECT_LT(resident() - one, 8 << 10) << "KiB for 15 more sessions";
  }
  std::remove(path.c_str());
}

}  // namespace
