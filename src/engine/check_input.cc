#include "engine/session.h"

namespace anyrt {

namespace {

Status check_dims(const SymShape& want, const Dims& found, Dim::Bindings* symbols) {
  if (want.size() != found.size()) {
    return invalid_argument("expected rank {} {}, found rank {} {}", want.size(), shape_string(want), found.size(),
                            shape_string(found));
  }
  for (size_t k = 0; k < want.size(); ++k) {
    if (want[k].is_const() && want[k].value() != found[k]) {
      return invalid_argument("expected shape {}, found {}: dimension {} must be {}", shape_string(want),
                              shape_string(found), k, want[k].value());
    }
    if (!symbols) continue;
    if (const auto symbol = want[k].symbol_name()) {
      const auto [it, fresh] = symbols->emplace(*symbol, found[k]);
      // onnxruntime accepts models whose symbols are used carelessly, so a clash only unbinds the symbol.
      if (!fresh && it->second != found[k]) it->second = -1;
    }
  }
  return {};
}

}  // namespace

Status check_input(const ValueSpec& spec, const Value& value, Dim::Bindings* symbols) {
  const auto context = [&](Status s) {
    return s.ok() ? Status() : std::move(s).with_context("input '" + spec.name + "'");
  };
  const Type& want = spec.type;
  if (value.empty()) {
    if (want.is_optional() || spec.has_default) return {};
    return context(invalid_argument("no value given, expected {}", want.to_string()));
  }
  const Type& inner = want.is_optional() && want.elem ? *want.elem : want;
  if (!inner.defined()) return {};
  if (inner.is_tensor() && value.is_tensor() && inner.dtype == value.tensor().dtype()) {
    return inner.shape ? context(check_dims(*inner.shape, value.tensor().dims(), symbols)) : Status();
  }
  const Type found = value.type();
  if (!same_kind_and_dtype(inner, found)) {
    return context(invalid_argument("expected {}, found {}", want.to_string(), value.type_string()));
  }
  if (inner.is_tensor() && inner.shape) return context(check_dims(*inner.shape, value.tensor().dims(), symbols));
  return {};
}

}  // namespace anyrt
