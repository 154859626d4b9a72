#pragma once

#include <span>
#include <vector>

#include "device/bound.h"
#include "devices/cpu/kernels/broadcast_common.h"
#include "devices/cpu/kernels/map_common.h"

namespace anyrt::cpu {

// A few element-wise functions over inputs that broadcast, in one pass over tiles that stay in the first-level cache.
// Values are computed in f32 whatever the inputs and outputs are stored in. Values are numbered: the inputs first, then
// constants, then what each step makes.
class TileProgram {
 public:
  static constexpr size_t kMostInputs = 16;
  static constexpr size_t kMostConstants = 32;
  static constexpr size_t kMostSteps = 64;

  struct Step {
    MapCall call;
    int in[3] = {};
  };
  struct Output {
    int value = 0;
    DType dtype = DType::kFloat32;
  };

  // Every output has the dims `out`. NotImplemented where there are too many inputs, steps or values at a time.
  static Expected<TileProgram> make(const Dims& out, std::span<const BoundTensor> inputs, std::vector<float> constants,
                                    std::span<const Step> steps, std::vector<Output> outputs);
  // Inputs and outputs in the order of `make`. An input of as many bytes as output 0 may share its memory.
  void run(const void* const* in, void* const* out, int threads) const;

 private:
  static constexpr int64_t kTile = 1024;
  static constexpr size_t kMostBuffers = 16;
  using Loops = BroadcastLoops<kMostInputs>;

  enum class Kind : uint8_t {
    kScalar,   // one element for all of the output
    kDirect,   // elements side by side as in the output
    kRowOne,   // one element for the part of a row that a tile is
    kPattern,  // a row that repeats
    kPerRow,   // one element for each of the rows of a tile
    kRows,     // rows that lie apart
  };
  struct Input {
    DType dtype = DType::kFloat32;
    Kind kind = Kind::kDirect;
    bool moves = false;  // between blocks of the outer axes
    int buffer = -1;     // -1: read where it lies
    int64_t row = 0, step = 0;
  };
  struct Bound {
    MapFn f = nullptr;
    int arity = 1;
    int in[3] = {};
    float a = 0, b = 0;
    bool scalar = false;
    int buffer = -1;  // -1: straight to output 0
  };
  struct Tile {
    int64_t outer = 0, row = 0, column = 0, rows = 1, n = 0;
  };
  struct State;

  size_t first_step() const { return inputs_.size() + constants_.size(); }
  TileProgram(const Dims& out, std::span<const Dims* const> operands) : loops_(out, operands) {}
  Status assign_buffers(std::span<const Step> steps);
  void choose_tiles();
  Tile tile(int64_t index) const;
  void run_tiles(const void* const* in, void* const* out, int64_t begin, int64_t end) const;
  void resolve(State& state, const Tile& t, const void* const* in) const;
  void finish(const State& state, const Tile& t, void* const* out) const;

  Loops loops_;
  std::vector<Input> inputs_;
  std::vector<float> constants_;
  std::vector<Bound> steps_;
  std::vector<Output> outputs_;
  bool by_row_ = false;  // tiles are parts of one row, else whole rows
  int64_t tile_rows_ = 1, tile_n_ = 0;
  int64_t tiles_per_block_ = 0, tiles_per_row_ = 1, tiles_ = 0, grain_ = 1;
};

// n elements as f32, and f32 values as elements, with the instruction set of now.
void widen_elements(DType dtype, const void* from, float* to, int64_t n);
void narrow_elements(DType dtype, const float* from, void* to, int64_t n);

}  // namespace anyrt::cpu
