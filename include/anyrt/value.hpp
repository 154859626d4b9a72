#ifndef ANYRT_VALUE_HPP_
#define ANYRT_VALUE_HPP_

#include "anyrt/error.hpp"

namespace anyrt {
inline namespace api1 {

// C++ type -> element type.
template <class T>
struct DTypeOf;
#define ANYRT_HPP_DTYPE(T, D)         \
  template <>                         \
  struct DTypeOf<T> {                 \
    static constexpr DType value = D; \
  };
ANYRT_HPP_DTYPE(float, ANYRT_FLOAT32)
ANYRT_HPP_DTYPE(double, ANYRT_FLOAT64)
ANYRT_HPP_DTYPE(bool, ANYRT_BOOL)
ANYRT_HPP_DTYPE(std::int8_t, ANYRT_INT8)
ANYRT_HPP_DTYPE(std::int16_t, ANYRT_INT16)
ANYRT_HPP_DTYPE(std::int32_t, ANYRT_INT32)
ANYRT_HPP_DTYPE(std::int64_t, ANYRT_INT64)
ANYRT_HPP_DTYPE(std::uint8_t, ANYRT_UINT8)
ANYRT_HPP_DTYPE(std::uint16_t, ANYRT_UINT16)
ANYRT_HPP_DTYPE(std::uint32_t, ANYRT_UINT32)
ANYRT_HPP_DTYPE(std::uint64_t, ANYRT_UINT64)
#undef ANYRT_HPP_DTYPE

// A type that belongs to a session or to a Type.
class TypeRef {
 public:
  explicit TypeRef(const anyrt_type* raw) : raw_(raw) {}
  Kind kind() const noexcept { return anyrt_type_kind(raw_); }
  DType dtype() const noexcept { return anyrt_type_dtype(raw_); }  // tensors: of the elements; maps: of the keys
  int rank() const noexcept { return anyrt_type_rank(raw_); }      // -1: not known
  // A size, or -1 when it is symbolic or not known; then symbol() may say which.
  std::int64_t dim(std::size_t axis) const noexcept { return anyrt_type_dim(raw_, axis); }
  const char* symbol(std::size_t axis) const noexcept { return anyrt_type_dim_symbol(raw_, axis); }
  // Of sequences, optionals and maps; others have an element of kind ANYRT_KIND_NONE.
  TypeRef elem() const noexcept { return TypeRef(anyrt_type_elem(raw_)); }
  const char* text() const noexcept { return anyrt_type_text(raw_); }
  const anyrt_type* get() const noexcept { return raw_; }

 private:
  const anyrt_type* raw_;
};

class Type {
 public:
  explicit Type(anyrt_type* raw) : raw_(raw) {}
  // "float32[N,3]", "seq(int64)", "map(string,float32)" …
  static Type parse(Text text) {
    anyrt_type* out = nullptr;
    check(anyrt_type_parse(text.c_str(), &out));
    return Type(out);
  }
  operator TypeRef() const noexcept { return TypeRef(raw_.get()); }  // NOLINT
  TypeRef ref() const noexcept { return TypeRef(raw_.get()); }
  const char* text() const noexcept { return ref().text(); }

 private:
  Handle<anyrt_type, anyrt_type_free> raw_;
};

class Value;
template <class T>
class KeptView;
// A value as a parameter.
struct ValueRef {
  ValueRef(const Value& value);  // NOLINT: implicit by design
  const anyrt_value* raw;
};

// A tensor, sparse tensor, sequence, map or empty optional. Copies share the elements.
class Value {
 public:
  Value() = default;  // nothing at all; none() makes an empty optional
  explicit Value(anyrt_value* raw) : raw_(raw) {}
  Value(const Value& other) : raw_(clone(other.get())) {}
  Value(Value&&) noexcept = default;
  Value& operator=(const Value& other) {
    raw_ = Handle<anyrt_value, anyrt_value_free>(clone(other.get()));
    return *this;
  }
  Value& operator=(Value&&) noexcept = default;

  // A tensor of zeros, or of empty strings.
  static Value zeros(DType dtype, Dims dims) {
    return make([&](anyrt_value** out) { return anyrt_tensor_create(dtype, dims.data(), dims.size(), out); });
  }
  // A tensor with a copy of `count` elements.
  template <class T>
  static Value tensor(Dims dims, const T* data, std::size_t count) {
    return tensor(DTypeOf<T>::value, dims, data, count * sizeof(T));
  }
  template <class T>
  static Value tensor(Dims dims, std::initializer_list<T> elements) {
    return tensor(dims, elements.begin(), elements.size());
  }
  template <class C, class = decltype(std::declval<const C&>().data())>
  static Value tensor(Dims dims, const C& elements) {
    return tensor(dims, elements.data(), elements.size());
  }
  // The same for element types without a C++ type of their own.
  static Value tensor(DType dtype, Dims dims, const void* data, std::size_t bytes) {
    return make(
        [&](anyrt_value** out) { return anyrt_tensor_copy(dtype, dims.data(), dims.size(), data, bytes, out); });
  }
  template <class T>
  static Value scalar(T element) {
    return tensor({}, &element, 1);
  }
  // A tensor of `count` elements in the caller's memory, which must stay as long as values or runs use it.
  template <class T>
  static Value borrow(Dims dims, T* data, std::size_t count) {
    return borrow(DTypeOf<T>::value, dims, data, count * sizeof(T));
  }
  static Value borrow(DType dtype, Dims dims, void* data, std::size_t bytes, anyrt_release_fn release = nullptr,
                      void* user = nullptr) {
    return make([&](anyrt_value** out) {
      return anyrt_tensor_borrow(dtype, dims.data(), dims.size(), data, bytes, release, user, out);
    });
  }
  // A tensor that keeps `elements`, such as a std::vector<float>, in it.
  template <class C>
  static Value hold(Dims dims, C&& elements) {
    using Owned = std::decay_t<C>;
    auto* owned = new Owned(std::forward<C>(elements));
    using T = std::remove_reference_t<decltype(*owned->data())>;
    return borrow(
        DTypeOf<T>::value, dims, owned->data(), owned->size() * sizeof(T),
        [](void* user) { delete static_cast<Owned*>(user); }, owned);
  }
  // Elements narrower than a byte, packed as in ONNX files.
  static Value unpack(DType dtype, Dims dims, const void* packed, std::size_t bytes) {
    return make(
        [&](anyrt_value** out) { return anyrt_tensor_unpack(dtype, dims.data(), dims.size(), packed, bytes, out); });
  }
  static Value strings(Dims dims, std::initializer_list<const char*> elements) {
    return make([&](anyrt_value** out) {
      return anyrt_tensor_from_strings(dims.data(), dims.size(), elements.begin(), nullptr, out);
    });
  }
  // From a container of std::string or the like.
  template <class C, class = decltype(std::declval<const C&>().begin()->c_str())>
  static Value strings(Dims dims, const C& elements) {
    const std::size_t count = elements.size();
    Array<const char*> texts(count);
    Array<std::size_t> sizes(count);
    std::size_t i = 0;
    for (const auto& e : elements) {
      texts[i] = e.c_str();
      sizes[i++] = e.size();
    }
    return make([&](anyrt_value** out) {
      return anyrt_tensor_from_strings(dims.data(), dims.size(), texts.data, sizes.data, out);
    });
  }
  static Value sequence(std::initializer_list<ValueRef> values, TypeRef elem = TypeRef(nullptr)) {
    const Array<const anyrt_value*> raw(values);
    return make([&](anyrt_value** out) { return anyrt_sequence_create(elem.get(), raw.data, values.size(), out); });
  }
  // `keys`: a one-dimensional tensor of int64 or strings, one for each value.
  static Value map(const Value& keys, std::initializer_list<ValueRef> values, TypeRef elem = TypeRef(nullptr)) {
    const Array<const anyrt_value*> raw(values);
    return make(
        [&](anyrt_value** out) { return anyrt_map_create(elem.get(), keys.get(), raw.data, values.size(), out); });
  }
  static Value sparse(Dims dims, const Value& values, const Value& indices) {
    return make([&](anyrt_value** out) {
      return anyrt_sparse_create(dims.data(), dims.size(), values.get(), indices.get(), out);
    });
  }
  static Value none() {
    return make([](anyrt_value** out) { return anyrt_optional_create(out); });
  }

  Kind kind() const noexcept { return anyrt_value_kind(get()); }
  Type type() const {
    anyrt_type* out = nullptr;
    check(anyrt_value_type(get(), &out));
    return Type(out);
  }

  DType dtype() const noexcept { return anyrt_tensor_dtype(get()); }
  View<const std::int64_t> dims() const noexcept { return {anyrt_tensor_dims(get()), anyrt_tensor_rank(get())}; }
  std::size_t size() const noexcept { return anyrt_tensor_size(get()); }  // elements of a tensor
  std::size_t bytes() const noexcept { return anyrt_tensor_bytes(get()); }
  // The elements of a tensor, without a copy; an error where they are of another type. They live as long as the value;
  // those of a temporary value keep it: auto y = session.run(inputs)[0].data<float>();
  template <class T>
  View<const T> data() const& {
    need(DTypeOf<T>::value);
    return {static_cast<const T*>(anyrt_tensor_data(get())), size()};
  }
  template <class T>
  KeptView<T> data() && {
    need(DTypeOf<T>::value);
    return KeptView<T>(std::move(*this));
  }
  template <class T>
  View<T> mutable_data() {
    need(DTypeOf<T>::value);
    return {static_cast<T*>(anyrt_tensor_mutable_data(get())), size()};
  }
  const void* raw() const noexcept { return anyrt_tensor_data(get()); }
  void* mutable_raw() noexcept { return anyrt_tensor_mutable_data(get()); }
  // The elements of a tensor narrower than a byte as ONNX files hold them; (size * bits + 7) / 8 bytes.
  void pack(void* packed, std::size_t size_of_packed) const { check(anyrt_tensor_pack(get(), packed, size_of_packed)); }
  // Element i of a tensor of strings; View<const char> converts to std::string and std::string_view.
  View<const char> string(std::size_t i) const {
    const char* text = nullptr;
    std::size_t length = 0;
    check(anyrt_tensor_string(get(), i, &text, &length));
    return {text, length};
  }

  // Elements of a sequence or values of a map.
  std::size_t count() const noexcept { return anyrt_value_count(get()); }
  Value operator[](std::size_t i) const {
    return make([&](anyrt_value** out) { return anyrt_value_get(get(), i, out); });
  }
  Value keys() const {
    return make([&](anyrt_value** out) { return anyrt_map_keys(get(), out); });
  }
  Value sparse_values() const {
    return make([&](anyrt_value** out) { return anyrt_sparse_values(get(), out); });
  }
  Value sparse_indices() const {
    return make([&](anyrt_value** out) { return anyrt_sparse_indices(get(), out); });
  }
  Value to_dense() const {
    return make([&](anyrt_value** out) { return anyrt_sparse_to_dense(get(), out); });
  }

  anyrt_value* get() const noexcept { return raw_.get(); }
  anyrt_value* release() noexcept { return raw_.release(); }
  explicit operator bool() const noexcept { return get() != nullptr; }

 private:
  template <class T>
  struct Array {
    explicit Array(std::size_t count) : data(new T[count]()) {}
    explicit Array(std::initializer_list<ValueRef> values) : Array(values.size()) {
      std::size_t i = 0;
      for (const ValueRef& v : values) data[i++] = v.raw;
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() { delete[] data; }
    T& operator[](std::size_t i) { return data[i]; }
    T* data;
  };
  template <class F>
  static Value make(F&& call) {
    anyrt_value* out = nullptr;
    check(call(&out));
    return Value(out);
  }
  static anyrt_value* clone(const anyrt_value* raw) {
    anyrt_value* out = nullptr;
    if (raw) check(anyrt_value_clone(raw, &out));
    return out;
  }
  void need(DType want) const {
    if (dtype() == want && kind() == ANYRT_KIND_TENSOR) return;
    const char* parts[] = {"expected a tensor of ", anyrt_dtype_name(want), ", found ", nullptr};
    const Type found = get() ? type() : Type(nullptr);
    parts[3] = get() ? found.text() : "nothing";
    char text[256] = "";
    for (const char* part : parts) std::strncat(text, part, sizeof text - std::strlen(text) - 1);
    throw Error(ANYRT_INVALID_ARGUMENT, text);
  }

  Handle<anyrt_value, anyrt_value_free> raw_;
};

inline ValueRef::ValueRef(const Value& value) : raw(value.get()) {}

// The elements of a tensor together with the tensor. Converts to containers as View does, and to a View where it is not
// itself a temporary.
template <class T>
class KeptView {
 public:
  explicit KeptView(Value&& value) : value_(std::move(value)) {}
  const T* data() const noexcept { return static_cast<const T*>(value_.raw()); }
  std::size_t size() const noexcept { return value_.size(); }
  bool empty() const noexcept { return size() == 0; }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size(); }
  const T& operator[](std::size_t i) const noexcept { return data()[i]; }
  const Value& value() const noexcept { return value_; }
  operator View<const T>() const& noexcept { return {data(), size()}; }  // NOLINT
  operator View<const T>() const&& = delete;
  template <class C, class = decltype(C(std::declval<const T*>(), std::declval<const T*>()))>
  operator C() const {  // NOLINT
    return C(begin(), end());
  }

 private:
  Value value_;
};

// Values that a run makes.
class Values {
 public:
  Values() = default;
  explicit Values(std::size_t size) : data_(new Value[size]), size_(size) {}
  Values(Values&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, std::size_t{0})) {}
  Values& operator=(Values&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Values() { delete[] data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  Value& operator[](std::size_t i) & noexcept { return data_[i]; }
  const Value& operator[](std::size_t i) const& noexcept { return data_[i]; }
  Value operator[](std::size_t i) && noexcept { return std::move(data_[i]); }
  Value* begin() noexcept { return data_; }
  Value* end() noexcept { return data_ + size_; }
  const Value* begin() const noexcept { return data_; }
  const Value* end() const noexcept { return data_ + size_; }

 private:
  Value* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace api1
}  // namespace anyrt

#endif  // ANYRT_VALUE_HPP_
