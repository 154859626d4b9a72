#include "capi/op_context.h"

#include "capi/guard.h"

using namespace anyrt;
using namespace anyrt::c;

namespace {

using Context = anyrt_op_context;

const anyrt_value* hold(Context* c, Value value) noexcept {
  try {
    c->values.push_back(std::make_unique<anyrt_value>(std::move(value)));
    return c->values.back().get();
  } catch (...) {
    return nullptr;
  }
}

size_t input_count(const Context* c) { return c->infer ? c->infer->num_inputs() : c->eval->num_inputs(); }
size_t output_count(const Context* c) { return c->infer ? c->infer->num_outputs() : c->eval->num_outputs(); }

int has_input(const Context* c, size_t i) {
  if (i >= input_count(c)) return 0;
  return c->infer ? c->infer->has_input(i) : c->eval->has_input(i);
}

int wants_output(const Context* c, size_t i) {
  if (i >= output_count(c)) return 0;
  return c->infer ? c->infer->has_output(i) : c->eval->wants_output(i);
}

const Attr* find(const Context* c, const char* name) { return name ? c->attrs->node().find_attr(name) : nullptr; }

template <class T>
const T* find_as(const Context* c, const char* name) {
  const Attr* a = find(c, name);
  return a ? std::get_if<T>(&a->value) : nullptr;
}

int has_attr(const Context* c, const char* name) { return find(c, name) != nullptr; }

int64_t attr_int(const Context* c, const char* name) {
  const auto* v = find_as<int64_t>(c, name);
  return v ? *v : 0;
}

float attr_float(const Context* c, const char* name) {
  const auto* v = find_as<float>(c, name);
  return v ? *v : 0;
}

const char* attr_string(const Context* c, const char* name) {
  const auto* v = find_as<std::string>(c, name);
  return v ? v->c_str() : "";
}

template <class T>
const T* attr_list(const Context* c, const char* name, size_t* count) {
  const auto* v = find_as<std::vector<T>>(c, name);
  if (count) *count = v ? v->size() : 0;
  return v ? v->data() : nullptr;
}

size_t attr_strings_count(const Context* c, const char* name) {
  const auto* v = find_as<std::vector<std::string>>(c, name);
  return v ? v->size() : 0;
}

const char* attr_strings_at(const Context* c, const char* name, size_t index) {
  return index < attr_strings_count(c, name) ? (*find_as<std::vector<std::string>>(c, name))[index].c_str() : "";
}

const anyrt_value* attr_tensor(Context* c, const char* name) {
  const auto* v = find_as<Tensor>(c, name);
  return v ? hold(c, *v) : nullptr;
}

const anyrt_type* input_type(Context* c, size_t i) {
  try {
    Type type;
    if (c->infer && i < input_count(c)) type = c->infer->input_type(i);
    if (c->eval && i < input_count(c)) type = c->eval->value(i).type();
    c->types.push_back(std::make_unique<anyrt_type>(std::move(type)));
    return c->types.back().get();
  } catch (...) {
    return nullptr;
  }
}

const anyrt_value* input_constant(Context* c, size_t i) {
  const Tensor* t = c->infer && i < input_count(c) ? c->infer->input_constant(i) : nullptr;
  return t ? hold(c, *t) : nullptr;
}

// Checks that `infer` runs and the node has the output, before a type is set.
template <class F>
anyrt_status* set_type(Context* c, size_t i, F&& make) {
  return guarded([&]() -> Status {
    if (!c->infer) return invalid_argument("types of outputs are set by infer, not by eval");
    if (i >= output_count(c))
      return invalid_argument("the node has {} outputs, there is no output {}", output_count(c), i);
    ANYRT_ASSIGN(Type type, make());
    c->infer->set_output(i, std::move(type));
    return {};
  });
}

Status check_dtype(const anyrt_dtype& dtype) {
  const int number = raw_int(dtype);
  if (is_valid_dtype(number)) return {};
  return invalid_argument("there is no element type {}, expected 1 to {}", number, kDTypeCount - 1);
}

anyrt_status* set_output_type(Context* c, size_t i, anyrt_dtype dtype, const int64_t* dims, int rank) {
  return set_type(c, i, [&]() -> Expected<Type> {
    ANYRT_TRY(check_dtype(dtype));
    if (rank < 0) return Type::tensor(static_cast<DType>(dtype));
    if (rank > 0) ANYRT_C_NEED(dims);
    SymShape shape;
    for (int k = 0; k < rank; ++k) shape.push_back(dims[k] < 0 ? Dim() : Dim(dims[k]));
    return Type::tensor(static_cast<DType>(dtype), std::move(shape));
  });
}

anyrt_status* set_output_type_of(Context* c, size_t i, size_t input) {
  return set_type(c, i, [&]() -> Expected<Type> {
    if (input >= input_count(c))
      return invalid_argument("the node has {} inputs, there is no input {}", input_count(c), input);
    return c->infer->input_type(input);
  });
}

anyrt_status* set_output_type_text(Context* c, size_t i, const char* text) {
  return set_type(c, i, [&]() -> Expected<Type> {
    ANYRT_C_NEED(text);
    std::string_view rest = text;
    ANYRT_ASSIGN(Type type, parse_type(rest));
    if (!rest.empty()) return invalid_argument("type '{}': '{}' is left over at the end", text, rest);
    return type;
  });
}

const anyrt_value* input(Context* c, size_t i) {
  if (!c->eval || i >= input_count(c) || c->eval->value(i).empty()) return nullptr;
  return hold(c, c->eval->value(i));
}

anyrt_status* make_output(Context* c, size_t i, anyrt_dtype dtype, const int64_t* dims, size_t rank,
                          anyrt_value** out) {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(out);
    *out = nullptr;
    if (!c->eval) return invalid_argument("outputs are made by eval, not by infer");
    ANYRT_TRY(check_dtype(dtype));
    if (rank > 0) ANYRT_C_NEED(dims);
    const Dims d = rank > 0 ? Dims(dims, dims + rank) : Dims();
    ANYRT_ASSIGN(Tensor * t, c->eval->output(i, static_cast<DType>(dtype), d));
    c->values.push_back(std::make_unique<anyrt_value>(Value(*t)));
    *out = c->values.back().get();
    return {};
  });
}

anyrt_status* set_output(Context* c, size_t i, const anyrt_value* value) {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(value);
    if (!c->eval) return invalid_argument("outputs are made by eval, not by infer");
    c->eval->set_output(i, value->value);
    return {};
  });
}

void parallel_for(Context* c, int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* user) {
  if (n <= 0 || !body) return;
  if (!c->eval) return body(user, 0, n);
  c->eval->parallel_for(n, grain, [body, user](int64_t begin, int64_t end) { body(user, begin, end); });
}

anyrt_status* check_cancelled(Context* c) {
  return guarded([&]() -> Status { return c->eval ? c->eval->check_cancelled() : Status(); });
}

}  // namespace

void anyrt::c::fill_context_functions(anyrt_op_api& api) {
  api.input_count = input_count;
  api.output_count = output_count;
  api.has_input = has_input;
  api.wants_output = wants_output;
  api.has_attr = has_attr;
  api.attr_int = attr_int;
  api.attr_float = attr_float;
  api.attr_string = attr_string;
  api.attr_ints = attr_list<int64_t>;
  api.attr_floats = attr_list<float>;
  api.attr_strings_count = attr_strings_count;
  api.attr_strings_at = attr_strings_at;
  api.attr_tensor = attr_tensor;
  api.input_type = input_type;
  api.input_constant = input_constant;
  api.set_output_type = set_output_type;
  api.set_output_type_of = set_output_type_of;
  api.set_output_type_text = set_output_type_text;
  api.input = input;
  api.make_output = make_output;
  api.set_output = set_output;
  api.parallel_for = parallel_for;
  api.check_cancelled = check_cancelled;
}
