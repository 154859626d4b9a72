#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>

#include "base/status.h"
#include "tensor/value.h"

namespace anyrt::python {

namespace nb = nanobind;

// Raises the Python exception that stands for the status (anyrt/_errors.py has the table).
[[noreturn]] void raise_status(const Status& status);
inline void check(const Status& status) {
  if (!status.ok()) raise_status(status);
}
template <class T>
T take(Expected<T> value) {
  if (!value.ok()) raise_status(value.status());
  return std::move(*value);
}
// The text of a str; an error for anything else.
std::string text_of(nb::handle object);
// The name of its type, for messages.
std::string type_of(nb::handle object);
// Re-raises the Python error that is set now.
[[noreturn]] void raise_python();

// A value that Python holds. `origin` keeps the Python object alive whose memory the value borrows.
struct OrtValue {
  Value value;
  Type type;  // what the value was declared as where it has no value; else undefined
};

// Python objects and values, without copies where the memory allows it (numpy.cc, convert.cc).
void init_numpy();
bool is_array(nb::handle object);
bool is_numpy_scalar(nb::handle object);
std::shared_ptr<const void> hold(nb::handle object);  // a reference that may be dropped without the GIL
DType dtype_from_numpy(nb::handle dtype_like);        // raises where anyrt has no such type
nb::object dtype_to_numpy(DType dtype);               // raises where ml_dtypes is needed and absent

enum class Borrow {
  kDuringCall,  // the caller vouches for the object until the value is gone
  kKeepAlive,   // the value holds the object
};
Tensor tensor_from_array(nb::handle array, Borrow borrow);
// Anything that a model takes: arrays, what exports DLPack or converts to an array, OrtValue, lists, dicts, None.
// `want` (may be undefined) tells sequences from tensors and gives the element type of Python numbers.
Value value_from_python(nb::handle object, const Type& want, Borrow borrow);

// Arrays take over the tensor's buffer where nobody else holds it, else they copy.
nb::object array_from_tensor(Tensor&& tensor);
nb::object value_to_python(Value&& value);
// An array over the tensor's bytes, shared with every other holder.
nb::object array_view(const Tensor& tensor);

// "tensor(float)", "seq(map(int64,tensor(float)))": the words of ONNX.
std::string onnx_type_name(const Type& type);

// The type of OrtValue objects, for fast checks.
bool is_ort_value(nb::handle object);

void bind_values(nb::module_& m);
void bind_session(nb::module_& m);
void bind_custom_ops(nb::module_& m);

}  // namespace anyrt::python
