#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "engine/session.h"

namespace anyrt {

// The outputs of a run, with their names.
struct NamedValue {
  std::string name;
  Value value;
  Type type = {};  // as declared: .pb files tell optionals from what they hold
};

struct TableOptions {
  int64_t max_elements = 8;         // shown of each output
  int64_t top_k = 0;                // > 0: the largest elements along the last axis instead
  std::vector<std::string> labels;  // of the indices of that axis
  bool softmax = false;             // show top-k values as probabilities
};

// For people: a line for each output with type, range and mean, then its elements or its top k.
std::string output_table(const std::vector<NamedValue>& outputs, const TableOptions& options);

// {"outputs": [{"name", "type", and "dtype", "shape", "data" of tensors or "values" of sequences, "entries" of maps}]};
// with top_k each tensor that has an axis to rank gets "top": [[{"index", "label", "value"}]].
Expected<Json> outputs_to_json(const std::vector<NamedValue>& outputs, const TableOptions& options);
Expected<Json> value_to_json(const Value& value);

// One label a line, or a JSON array of strings, or a JSON object from index to label (or to an array that ends with
// it).
Expected<std::vector<std::string>> read_labels(const std::string& path);

struct Ranked {
  int64_t index = 0;
  double value = 0;
};
// The k largest elements along the last axis that is longer than 1, for each row before it, largest first; NaN counts
// as smallest, equal ones in order of index. Errors for data that is not numeric.
Expected<std::vector<std::vector<Ranked>>> top_k(const Tensor& tensor, int64_t k, bool softmax);

// Writes outputs as "[NAME=]PATH" says, by the path's ending: .npz and .json hold all outputs; .npy, .pb, .csv, .png,
// .txt (strings) one: the named one, or the only one. A path that ends with '/' gives a folder of output_N.pb files, as
// test data has them.
Status write_outputs(const std::vector<NamedValue>& outputs, const std::string& target);

}  // namespace anyrt
