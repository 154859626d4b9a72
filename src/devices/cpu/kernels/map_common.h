#pragma once

#include <cstdint>
#include <optional>

#include "opdef/attrs.h"

namespace anyrt::cpu {

// Element-wise functions of f32 values; truth is 1 and 0. Kernels of single operators and chains share them.
enum class Map : uint8_t {
  // of one value
  kIdentity,
  kAbs,
  kNeg,
  kSqrt,
  kReciprocal,
  kSquare,
  kQuotient,  // x / a
  kExp,
  kLog,
  kErf,
  kSign,
  kFloor,
  kCeil,
  kRound,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kShrink,  // a = bias, b = lambd
  kNot,
  kTruth,  // x != 0
  kIsNaN,
  kIsInf,  // a, b: whether plus, minus infinity counts
  kRelu,
  kClip,  // a, b: limits
  kLeakyRelu,
  kHardSigmoid,
  kHardSwish,
  kSigmoid,
  kSwish,
  kTanh,
  kElu,
  kSelu,
  kCelu,
  kGelu,
  kGeluTanh,
  kMish,
  kSoftplus,
  kSoftsign,
  kThresholdedRelu,
  // of two
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMax,
  kMin,
  kPow,
  kMod,   // sign of the divisor
  kFmod,  // sign of the dividend
  kPRelu,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kEqual,
  kAnd,
  kOr,
  kXor,
  // of three
  kWhere,
  kLimit,  // value, low, high
};

inline int map_arity(Map op) { return op < Map::kAdd ? 1 : op < Map::kWhere ? 2 : 3; }
// Whether the results are 1 and 0.
bool map_is_truth(Map op);
// About how many of the cheapest function one costs.
int map_cost(Map op);

// `rows` times `n` elements. Strides in elements; a step is 1, or 0 where one value stands for the whole row. An
// operand that starts where `out` does, with the same strides, may be overwritten.
struct MapBlock {
  int64_t rows = 1, n = 0;
  const float* in[3] = {};
  int64_t row[3] = {}, step[3] = {};
  float* out = nullptr;
  int64_t out_row = 0;
  float a = 0, b = 0;
};
using MapFn = void (*)(const MapBlock&);

// For the instruction set of now.
MapFn map_function(Map op);

// An operator's function with its parameters.
struct MapCall {
  Map op = Map::kIdentity;
  float a = 0, b = 0;
};
// Of an ONNX operator whose function follows from its name and attributes: not of Clip, Cast and those of any number of
// inputs.
std::optional<MapCall> map_call(const AttrReader& node);

}  // namespace anyrt::cpu
