#define ANYRT_NUMPY_IMPORT
#include <cstring>

#include "bindings/python/common.h"
#include "bindings/python/numpy_api.h"

namespace anyrt::python {

namespace {

// Element types that NumPy has only through ml_dtypes; type numbers are given out when that is imported.
struct ForeignType {
  DType dtype;
  const char* name;
  int number;
};
ForeignType foreign_types[] = {
    {DType::kBFloat16, "bfloat16", -1},
    {DType::kFloat8E4M3FN, "float8_e4m3fn", -1},
    {DType::kFloat8E4M3FNUZ, "float8_e4m3fnuz", -1},
    {DType::kFloat8E5M2, "float8_e5m2", -1},
    {DType::kFloat8E5M2FNUZ, "float8_e5m2fnuz", -1},
    {DType::kFloat8E8M0, "float8_e8m0fnu", -1},
    {DType::kFloat4E2M1, "float4_e2m1fn", -1},
    {DType::kUInt4, "uint4", -1},
    {DType::kInt4, "int4", -1},
    {DType::kUInt2, "uint2", -1},
    {DType::kInt2, "int2", -1},
};

// False where ml_dtypes is not installed. What an old version lacks keeps the number -1.
bool load_foreign_types() {
  static bool loaded = false;
  if (loaded) return true;
  nb::object module = nb::steal(PyImport_ImportModule("ml_dtypes"));
  if (!module) {
    PyErr_Clear();
    return false;
  }
  for (ForeignType& type : foreign_types) {
    nb::object scalar = nb::steal(PyObject_GetAttrString(module.ptr(), type.name));
    PyArray_Descr* descr = nullptr;
    if (!scalar || PyArray_DescrConverter(scalar.ptr(), &descr) != NPY_SUCCEED) {
      PyErr_Clear();
      continue;
    }
    type.number = descr->type_num;
    Py_DECREF(reinterpret_cast<PyObject*>(descr));
  }
  loaded = true;
  return true;
}

constexpr DType signed_of(size_t size) { return size == 8 ? DType::kInt64 : size == 4 ? DType::kInt32 : DType::kInt16; }
constexpr DType unsigned_of(size_t size) {
  return size == 8 ? DType::kUInt64 : size == 4 ? DType::kUInt32 : DType::kUInt16;
}

// kUndefined: anyrt has no such type.
DType dtype_of_number(int number) {
  switch (number) {
    case NPY_BOOL: return DType::kBool;
    case NPY_BYTE: return DType::kInt8;
    case NPY_UBYTE: return DType::kUInt8;
    case NPY_SHORT: return DType::kInt16;
    case NPY_USHORT: return DType::kUInt16;
    case NPY_INT: return DType::kInt32;
    case NPY_UINT: return DType::kUInt32;
    case NPY_LONG: return signed_of(sizeof(long));
    case NPY_ULONG: return unsigned_of(sizeof(long));
    case NPY_LONGLONG: return DType::kInt64;
    case NPY_ULONGLONG: return DType::kUInt64;
    case NPY_HALF: return DType::kFloat16;
    case NPY_FLOAT: return DType::kFloat32;
    case NPY_DOUBLE: return DType::kFloat64;
    case NPY_CFLOAT: return DType::kComplex64;
    case NPY_CDOUBLE: return DType::kComplex128;
    case NPY_OBJECT:
    case NPY_UNICODE:
    case NPY_STRING: return DType::kString;
    default: break;
  }
  if (number < NPY_USERDEF || !load_foreign_types()) return DType::kUndefined;
  for (const ForeignType& type : foreign_types)
    if (type.number == number) return type.dtype;
  return DType::kUndefined;
}

int number_of_dtype(DType dtype) {
  switch (dtype) {
    case DType::kBool: return NPY_BOOL;
    case DType::kInt8: return NPY_INT8;
    case DType::kUInt8: return NPY_UINT8;
    case DType::kInt16: return NPY_INT16;
    case DType::kUInt16: return NPY_UINT16;
    case DType::kInt32: return NPY_INT32;
    case DType::kUInt32: return NPY_UINT32;
    case DType::kInt64: return NPY_INT64;
    case DType::kUInt64: return NPY_UINT64;
    case DType::kFloat16: return NPY_HALF;
    case DType::kFloat32: return NPY_FLOAT;
    case DType::kFloat64: return NPY_DOUBLE;
    case DType::kComplex64: return NPY_CFLOAT;
    case DType::kComplex128: return NPY_CDOUBLE;
    case DType::kString: return NPY_OBJECT;
    default: break;
  }
  const bool present = load_foreign_types();
  for (const ForeignType& type : foreign_types) {
    if (type.dtype == dtype && type.number >= 0) return type.number;
  }
  raise_status(not_implemented("NumPy has no {}: {} the Python package ml_dtypes{}", dtype_name(dtype),
                               present ? "update" : "install", present ? ", the one installed is too old" : ""));
}

PyArrayObject* as_array(nb::handle h) { return reinterpret_cast<PyArrayObject*>(h.ptr()); }

void append_utf8(nb::handle item, std::string& out) {
  nb::object text;
  if (PyBytes_Check(item.ptr())) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(item.ptr(), &data, &size) < 0) raise_python();
    out.assign(data, static_cast<size_t>(size));
    return;
  }
  text = PyUnicode_Check(item.ptr()) ? nb::borrow(item) : nb::steal(PyObject_Str(item.ptr()));
  if (!text) raise_python();
  Py_ssize_t size = 0;
  if (const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size)) {
    out.assign(data, static_cast<size_t>(size));
    return;
  }
  // Bytes that were no UTF-8 when they came from a model.
  PyErr_Clear();
  nb::object bytes = nb::steal(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogateescape"));
  if (!bytes) raise_python();
  append_utf8(bytes, out);
}

nb::object python_string(const std::string& text) {
  nb::object s = nb::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
  if (!s) raise_python();
  return s;
}

Tensor strings_from_array(PyArrayObject* array) {
  nb::object objects = nb::steal(PyArray_FROM_OTF(reinterpret_cast<PyObject*>(array), NPY_OBJECT, NPY_ARRAY_CARRAY_RO));
  if (!objects) raise_python();
  const npy_intp* shape = PyArray_DIMS(array);
  Tensor t = take(Tensor::make(DType::kString, Dims(shape, shape + PyArray_NDIM(array))));
  PyObject* const* items = static_cast<PyObject* const*>(PyArray_DATA(as_array(objects)));
  for (std::string& text : t.mutable_span<std::string>()) append_utf8(*items++, text);
  return t;
}

// ml_dtypes leaves the high bits of narrow integers open; anyrt's are sign-extended. True when all are as wanted.
bool narrow_is_canonical(const Tensor& t) {
  const auto* p = reinterpret_cast<const uint8_t*>(t.raw());
  const int bits = bits_in_file(t.dtype());
  const uint8_t high = static_cast<uint8_t>(0xff << bits);
  const bool is_signed = is_signed_int(t.dtype());
  for (int64_t i = 0; i < t.size(); ++i) {
    const bool negative = is_signed && ((p[i] >> (bits - 1)) & 1);
    if ((p[i] & high) != (negative ? high : 0)) return false;
  }
  return true;
}

Tensor canonical_narrow(Tensor t) {
  if (narrow_is_canonical(t)) return t;
  Tensor out = take(t.clone());
  auto* p = reinterpret_cast<uint8_t*>(out.mutable_raw());
  const int bits = bits_in_file(t.dtype());
  const uint8_t mask = static_cast<uint8_t>((1 << bits) - 1);
  const uint8_t sign = is_signed_int(t.dtype()) ? static_cast<uint8_t>(1 << (bits - 1)) : 0;
  for (int64_t i = 0; i < t.size(); ++i) p[i] = static_cast<uint8_t>(((p[i] & mask) ^ sign) - sign);
  return out;
}

void free_holder(PyObject* capsule) {
  delete static_cast<std::shared_ptr<Buffer>*>(PyCapsule_GetPointer(capsule, nullptr));
}

nb::object array_over(const Tensor& tensor, bool writable) {
  auto* holder = new std::shared_ptr<Buffer>(tensor.buffer());
  PyObject* base = PyCapsule_New(holder, nullptr, free_holder);
  if (!base) {
    delete holder;
    raise_python();
  }
  static_assert(sizeof(npy_intp) == sizeof(int64_t));
  PyObject* array = PyArray_New(&PyArray_Type, tensor.rank(), reinterpret_cast<const npy_intp*>(tensor.dims().data()),
                                number_of_dtype(tensor.dtype()), nullptr, const_cast<std::byte*>(tensor.raw()), 0,
                                writable ? NPY_ARRAY_CARRAY : NPY_ARRAY_CARRAY_RO, nullptr);
  if (!array) {
    Py_DECREF(base);
    raise_python();
  }
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), base) < 0) {
    Py_DECREF(array);
    raise_python();
  }
  return nb::steal(array);
}

nb::object array_of_strings(const Tensor& tensor) {
  nb::object array =
      nb::steal(PyArray_SimpleNew(tensor.rank(), reinterpret_cast<const npy_intp*>(tensor.dims().data()), NPY_OBJECT));
  if (!array) raise_python();
  auto** items = static_cast<PyObject**>(PyArray_DATA(as_array(array)));
  for (const std::string& text : tensor.span<std::string>()) {
    PyObject* before = *items;
    *items++ = python_string(text).release().ptr();
    Py_XDECREF(before);
  }
  return array;
}

// Below this many bytes an array of NumPy's own is made faster than one that holds a buffer of anyrt.
constexpr size_t kCopyBytes = 512;

}  // namespace

void init_numpy() {
  if (PyArray_ImportNumPyAPI() < 0) raise_python();
}

std::shared_ptr<const void> hold(nb::handle object) {
  Py_INCREF(object.ptr());
  return std::shared_ptr<const void>(object.ptr(), [](const void* p) {
    if (!Py_IsInitialized()) return;
    nb::gil_scoped_acquire gil;
    Py_DECREF(static_cast<PyObject*>(const_cast<void*>(p)));
  });
}

bool is_array(nb::handle object) { return PyArray_Check(object.ptr()); }
bool is_numpy_scalar(nb::handle object) { return PyArray_IsScalar(object.ptr(), Generic); }

DType dtype_from_numpy(nb::handle dtype_like) {
  PyArray_Descr* descr = nullptr;
  if (PyArray_DescrConverter(dtype_like.ptr(), &descr) != NPY_SUCCEED) raise_python();
  const DType dtype = dtype_of_number(descr->type_num);
  nb::object held = nb::steal(reinterpret_cast<PyObject*>(descr));
  if (dtype == DType::kUndefined) {
    raise_status(invalid_argument("no element type of ONNX is like NumPy's {}", nb::str(held).c_str()));
  }
  return dtype;
}

nb::object dtype_to_numpy(DType dtype) {
  PyArray_Descr* descr = PyArray_DescrFromType(number_of_dtype(dtype));
  if (!descr) raise_python();
  return nb::steal(reinterpret_cast<PyObject*>(descr));
}

Tensor tensor_from_array(nb::handle object, Borrow borrow) {
  PyArrayObject* array = as_array(object);
  const DType dtype = dtype_of_number(PyArray_TYPE(array));
  if (dtype == DType::kUndefined) {
    nb::object name = nb::steal(PyObject_Str(reinterpret_cast<PyObject*>(PyArray_DESCR(array))));
    raise_status(invalid_argument("no element type of ONNX is like NumPy's {}", nb::str(name).c_str()));
  }
  if (dtype == DType::kString) return strings_from_array(array);
  nb::object dense;
  if (!PyArray_ISCARRAY_RO(array)) {
    dense = nb::steal(PyArray_FromArray(array, nullptr, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED));
    if (!dense) raise_python();
    array = as_array(dense);
    borrow = Borrow::kKeepAlive;
  }
  const npy_intp* shape = PyArray_DIMS(array);
  std::shared_ptr<const void> keep_alive;
  if (borrow == Borrow::kKeepAlive) keep_alive = hold(reinterpret_cast<PyObject*>(array));
  Tensor t = take(Tensor::view(dtype, Dims(shape, shape + PyArray_NDIM(array)),
                               borrow_buffer(PyArray_DATA(array), static_cast<size_t>(PyArray_NBYTES(array)),
                                             std::move(keep_alive), PyArray_ISWRITEABLE(array))));
  return kSubByte.has(dtype) ? canonical_narrow(std::move(t)) : t;
}

nb::object array_view(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString) return array_of_strings(tensor);
  return array_over(tensor, tensor.buffer() && tensor.buffer()->writable());
}

nb::object array_from_tensor(Tensor&& tensor) {
  if (tensor.dtype() == DType::kString) return array_of_strings(tensor);
  if (tensor.bytes() > kCopyBytes && tensor.unique()) return array_over(tensor, true);
  nb::object array = nb::steal(PyArray_SimpleNew(tensor.rank(), reinterpret_cast<const npy_intp*>(tensor.dims().data()),
                                                 number_of_dtype(tensor.dtype())));
  if (!array) raise_python();
  if (tensor.bytes() > 0) std::memcpy(PyArray_DATA(as_array(array)), tensor.raw(), tensor.bytes());
  return array;
}

}  // namespace anyrt::python
