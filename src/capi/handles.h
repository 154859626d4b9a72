#pragma once

// What stands behind the handles of anyrt.h that hold data.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anyrt/anyrt.h"
#include "base/status.h"
#include "tensor/value.h"

struct anyrt_status {
  anyrt::Code code;
  const char* text;  // of `owned`, or a literal
  std::string owned;
};

// Texts are made with the object, so that asking for them cannot fail.
struct anyrt_type {
  explicit anyrt_type(anyrt::Type source);
  anyrt::Type type;
  std::string text;
  std::vector<std::string> symbols;  // one a dimension, "" for integers
  std::unique_ptr<anyrt_type> elem;
};

struct anyrt_value {
  explicit anyrt_value(anyrt::Value v) : value(std::move(v)) {}
  anyrt::Value value;
};
