#include "tools/data/adapt.h"

namespace anyrt {

namespace {

Status cannot_hold(const Tensor& x, int64_t i, DType to) {
  auto one =
      Tensor::view(x.dtype(), {1}, x.buffer(), x.buffer_offset() + static_cast<size_t>(i) * element_size(x.dtype()));
  std::string text = "?";
  if (one.ok()) {
    if (auto printed = cast_tensor(*one, DType::kString); printed.ok()) text = *printed->data<std::string>();
  }
  return invalid_argument("element {} of the {} data is {}, which {} cannot hold", i, dtype_name(x.dtype()), text,
                          dtype_name(to));
}

Status check_integers(const Tensor& x, const Tensor& out) {
  ANYRT_ASSIGN(const auto before, to_int64s(x));
  ANYRT_ASSIGN(const auto after, to_int64s(out));
  // Values over 2^63 look negative here, on one side only.
  const bool sign_matters = (x.dtype() == DType::kUInt64) != (out.dtype() == DType::kUInt64);
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] != after[i] || (sign_matters && before[i] < 0))
      return cannot_hold(x, static_cast<int64_t>(i), out.dtype());
  }
  return ok_status();
}

Status check_floats(const Tensor& x, const Tensor& out) {
  ANYRT_ASSIGN(const auto before, to_doubles(x));
  ANYRT_ASSIGN(const auto after, to_doubles(out));
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] != after[i]) return cannot_hold(x, static_cast<int64_t>(i), out.dtype());
  }
  return ok_status();
}

bool is_whole(DType d) { return is_int(d) || d == DType::kBool; }

}  // namespace

Expected<Tensor> convert_exactly(const Tensor& x, DType to) {
  if (x.dtype() == to || to == DType::kUndefined) return x;
  if (x.dtype() == DType::kString || to == DType::kString || is_complex(x.dtype()) != is_complex(to)) {
    return invalid_argument("{} data was given, expected {}", dtype_name(x.dtype()), dtype_name(to));
  }
  ANYRT_ASSIGN(Tensor out, cast_tensor(x, to));
  if (!is_whole(to)) return out;
  if (x.dtype() == DType::kBool) return out;
  if (to == DType::kBool) {
    ANYRT_ASSIGN(const Tensor back, cast_tensor(out, DType::kFloat32));
    ANYRT_TRY(check_floats(x, back));
  } else if (is_int(x.dtype())) {
    ANYRT_TRY(check_integers(x, out));
  } else {
    ANYRT_TRY(check_floats(x, out));
  }
  return out;
}

bool fits_shape(const Type& type, const Dims& dims) {
  if (!type.shape) return true;
  if (type.shape->size() != dims.size()) return false;
  for (size_t i = 0; i < dims.size(); ++i) {
    const Dim& d = (*type.shape)[i];
    if (d.is_const() && d.value() != dims[i]) return false;
  }
  return true;
}

Expected<Tensor> adapt_tensor(const Tensor& x, const Type& type) {
  auto fail = [&] { return invalid_argument("expected {}, found {}", type.to_string(), x.type_string()); };
  if (type.defined() && !type.is_tensor()) return fail();
  auto converted = convert_exactly(x, type.dtype);
  if (!converted.ok()) return std::move(converted).status();
  Tensor out = *std::move(converted);
  if (fits_shape(type, out.dims())) return out;
  const size_t want = type.shape->size();
  Dims dims = x.dims();
  Dims shorter = dims;
  while (dims.size() < want) dims.insert(dims.begin(), 1);
  while (dims.size() > want && dims.front() == 1) dims.erase(dims.begin());
  if (fits_shape(type, dims)) return out.reshaped(std::move(dims));
  if (!shorter.empty() && shorter.back() == 1) {
    shorter.pop_back();
    if (fits_shape(type, shorter)) return out.reshaped(std::move(shorter));
  }
  return fail();
}

}  // namespace anyrt
