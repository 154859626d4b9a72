#pragma once

#include <cstdint>

#include "opdef/recurrent.h"

// One step of a recurrent layer, for blocks of as many hidden units as a vector has lanes.

namespace anyrt::cpu {

// What is the same in all steps of one direction. Vectors of hidden units are padded to whole blocks.
struct CellSpec {
  int64_t hidden = 0;
  // Blocks of recurrent weights, each [hidden][gates][lanes]; for a GRU whose reset comes first, the update and reset
  // gates, and the candidate apart.
  const float* weights = nullptr;
  const float* candidate = nullptr;
  const float* hidden_bias = nullptr;  // GRU: of the recurrent part of the candidate, where the reset scales it
  const float* peepholes = nullptr;    // LSTM: of input, output, forget gate
  bool coupled = false;                // LSTM: the forget gate is 1 - the input gate
  float clip = 0;                      // infinite: none
  const RecurrentActivation* functions = nullptr;
  bool usual = true;  // functions are the defaults and there is no limit
};

// One step of some rows (entries of the batch).
struct CellRows {
  int64_t count = 0;
  const float* const* x = nullptr;  // what comes from the input and the biases: blocks of [gates][lanes]
  const float* const* h = nullptr;  // before
  float* const* next = nullptr;     // h afterwards
  float* const* cell = nullptr;     // LSTM: changed in place
  float* const* update = nullptr;   // GRU whose reset comes first: update gates, and h scaled by the reset gates
  float* const* scaled = nullptr;
};

// Blocks [begin, end).
using CellFn = void (*)(const CellSpec& spec, const CellRows& rows, int64_t begin, int64_t end);

struct CellFunctions {
  int64_t lanes;
  CellFn lstm;
  CellFn gru;                       // the reset gate scales what comes from h
  CellFn gru_gates, gru_candidate;  // the reset gate scales h: one after the other
  CellFn rnn;
};
CellFunctions cell_functions();

}  // namespace anyrt::cpu
