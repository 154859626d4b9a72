#include "tools/data/generate.h"

#include <algorithm>
#include <cmath>

#include "tensor/dispatch.h"
#include "tensor/number_text.h"
#include "tools/data/adapt.h"

namespace anyrt {

namespace {

// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace

Expected<Dims> generated_dims(const Type& type, const Dim::Bindings& dims, std::vector<std::string>& notes) {
  if (!type.shape) return invalid_argument("the model does not tell the rank; give the shape, as in --shape NAME=1x16");
  Dims out;
  for (size_t i = 0; i < type.shape->size(); ++i) {
    const Dim& dim = (*type.shape)[i];
    Dim::Bindings bindings = dims;
    std::vector<std::string> symbols;
    dim.collect_symbols(symbols);
    for (const std::string& s : symbols) {
      if (bindings.emplace(s, 1).second) {
        const std::string note = fmt::format("dimension {} is taken as 1; set it with --dim {}=…", s, s);
        if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
      }
    }
    const auto value = dim.evaluate(bindings);
    if (!value && dim.is_symbolic()) return invalid_argument("dimension {} ({}) has no size", i, dim.to_string());
    if (value && *value < 0) return invalid_argument("dimension {} ({}) would be {}", i, dim.to_string(), *value);
    if (!value)
      notes.push_back(fmt::format("dimension {} of {} is taken as 1; set it with --shape", i, type.to_string()));
    out.push_back(value.value_or(1));
  }
  return out;
}

Expected<Tensor> random_tensor(DType dtype, Dims dims, uint64_t seed, const RandomRange& range) {
  Random random(seed);
  if (dtype == DType::kString || dtype == DType::kBool) {
    ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, std::move(dims)));
    for (int64_t i = 0; i < t.size(); ++i) {
      const uint64_t r = random.next() >> 32;
      if (dtype == DType::kBool) {
        t.mutable_data<bool>()[i] = r % 2;
      } else {
        t.mutable_data<std::string>()[i] = fmt::format("s{}", r % 8);
      }
    }
    return t;
  }
  const bool given = range.low != range.high;
  if (given && !(range.low < range.high))
    return invalid_argument("random numbers from {} to {}", range.low, range.high);
  const bool whole = is_int(dtype);
  const double low = given ? range.low : whole ? 0 : -1, high = given ? range.high : whole ? 8 : 1;
  if (is_complex(dtype)) {
    ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, std::move(dims)));
    dispatch<Complex64, Complex128>(dtype, [&]<class T>(TypeTag<T>) {
      for (T& z : t.mutable_span<T>()) {
        z.re = static_cast<decltype(z.re)>(low + (high - low) * random.unit());
        z.im = static_cast<decltype(z.im)>(low + (high - low) * random.unit());
      }
    });
    return t;
  }
  // Numbers are drawn as double or int64 and then narrowed; large tensors are mostly floats, which need no detour.
  if (dtype == DType::kFloat32) {
    ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, std::move(dims)));
    for (float& v : t.mutable_span<float>()) v = static_cast<float>(low + (high - low) * random.unit());
    return t;
  }
  ANYRT_ASSIGN(Tensor wide, Tensor::make(whole ? DType::kInt64 : DType::kFloat64, std::move(dims)));
  if (whole) {
    if (low < -0x1p62 || high > 0x1p62) return invalid_argument("random integers from {} to {}", low, high);
    for (int64_t& v : wide.mutable_span<int64_t>())
      v = static_cast<int64_t>(std::floor(low + (high - low) * random.unit()));
    if (given) return convert_exactly(wide, dtype);
  } else {
    for (double& v : wide.mutable_span<double>()) v = low + (high - low) * random.unit();
  }
  return cast_tensor(wide, dtype);
}

Expected<Tensor> filled_tensor(DType dtype, Dims dims, std::string_view text) {
  Tensor one;
  if (dtype == DType::kString) {
    one = Tensor::string_scalar(std::string(text));
  } else if (text == "true" || text == "false") {
    ANYRT_ASSIGN(one, convert_exactly(Tensor::scalar<int64_t>(text == "true"), dtype));
  } else {
    const auto number = parse_double_text(text);
    if (!number) return invalid_argument("'{}' is not a number", text);
    const bool exact = std::abs(*number) > 0x1p53 && is_int(dtype);
    const auto integer = exact ? parse_integer_text(text) : std::nullopt;
    const Tensor value = integer ? Tensor::scalar<int64_t>(*integer) : Tensor::scalar<double>(*number);
    ANYRT_ASSIGN(one, dtype == DType::kUInt64 && integer ? cast_tensor(value, dtype) : convert_exactly(value, dtype));
  }
  ANYRT_ASSIGN(Tensor out, Tensor::make(dtype, std::move(dims)));
  dispatch_storage(dtype,
                   [&]<class T>(TypeTag<T>) { std::fill_n(mutable_storage<T>(out), out.size(), *storage<T>(one)); });
  return out;
}

}  // namespace anyrt
