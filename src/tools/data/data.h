#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/session.h"
#include "tools/data/options.h"

namespace anyrt {

// The values of a model's inputs, made from what the caller gave on the command line; run, bench, compare and others
// share this.
//
// Each text is "[NAME=]SOURCE[,OPTION=VALUE…]" (see cli::kDataOptions). Sources without a name serve the inputs that
// have no value yet, in the model's order; generated ones (random, zeros, fill) serve all that are left. An .npz file
// or JSON object names the inputs itself, a folder holds input_0.pb, input_1.pb …, a CSV table with a header may feed
// one input a column.
//
// Values are converted to what the input declares: element types as long as no value changes (pictures and sound are
// rounded), axes of size 1 added or dropped in front. What is missing, surplus or does not fit is an error that names
// the input, what was expected and found.
struct LoadedInputs {
  std::vector<Value> values;       // by position; empty for inputs with a default that were not given
  std::vector<std::string> notes;  // what had to be assumed, for people
};
Expected<LoadedInputs> load_inputs(const std::vector<ValueSpec>& inputs, const std::vector<std::string>& texts,
                                   const DataOptions& options = {});

}  // namespace anyrt
