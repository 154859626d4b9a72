#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "devices/cpu/attention/softmax.h"
#include "devices/cpu/gemm/block.h"

// Scaled dot-product attention in f32 without score matrices: keys are gone through in blocks, with a running maximum
// and sum for each query. Heads are read and written where they lie, by strides.

namespace anyrt::cpu {

// Element h of row t of head n of batch entry b lies at b * batch + n * head + t * row + h.
struct HeadStrides {
  int64_t batch = 0, head = 0, row = 0;
};

struct AttentionSizes {
  int64_t batch = 0, heads = 0, kv_heads = 0, queries = 0;
  int64_t old_keys = 0, new_keys = 0;  // most of them: keys of the past, in memory of their own, then the fresh ones
  int64_t head = 0, v_head = 0;
};

// Added to the scores, or who takes part, by [batch, head, query, key]; keys lie side by side.
struct AttentionMask {
  enum class Kind : uint8_t { kNone, kAdd, kBool };
  Kind kind = Kind::kNone;
  int64_t batch = 0, head = 0, query = 0;  // strides
  int64_t keys = 0;                        // that it covers
  bool hides_rest = false;                 // keys beyond take no part; else nothing is added
};

// What stays the same over the runs of a step.
struct AttentionSpec {
  AttentionSizes sizes;
  HeadStrides q, k, v, old_k, old_v, y;
  std::array<AttentionMask, 2> masks;
  float scale = 1, softcap = 0;
  bool causal = false;         // query i sees the past and fresh keys up to i
  int64_t window = 0;          // the last so many keys that a query sees; 0: all
  bool empty_is_zero = false;  // the result where no key takes part; else NaN
};

// What one run reads and writes.
struct AttentionData {
  const float *q = nullptr, *k = nullptr, *v = nullptr, *old_k = nullptr, *old_v = nullptr;
  float* y = nullptr;
  std::array<const void*, 2> masks = {};
  const float* sinks = nullptr;        // of each head: a score that takes part in the softmax but has no value
  const int64_t* old = nullptr;        // keys of the past in use, by batch entry; null: all
  const int64_t* fresh = nullptr;      // fresh keys in use, by batch entry; null: all
  const int64_t* total = nullptr;      // limit on all keys together, by batch entry; null: none
  const int64_t* mask_skip = nullptr;  // key of the mask that key 0 is, by batch entry; null: 0
};

class Attention {
 public:
  explicit Attention(const AttentionSpec& spec);
  size_t scratch_bytes() const { return slots_ * slot_bytes_; }
  void run(const AttentionData& data, std::byte* scratch, int threads) const;

 private:
  struct Task;
  void run_tile(const Task& task, float* scratch) const;
  void run_few(const Task& task, float* scratch) const;

  AttentionSpec s_;
  GemmKernels kernels_;
  AttentionFunctions f_;
  int64_t rows_ = 0;  // queries of all heads that share keys
  int64_t tile_ = 0;  // of them that are done at once
  bool few_ = false;
  size_t slots_ = 1, slot_bytes_ = 0;
};

}  // namespace anyrt::cpu
