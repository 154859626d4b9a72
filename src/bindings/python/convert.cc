#include "bindings/python/common.h"
#include "bindings/python/dlpack.h"

namespace anyrt::python {

namespace {

nb::object numpy_asarray(nb::handle object, nb::handle dtype) {
  // Looked up each time: the module object lives as long as the process, a cached reference would outlive it.
  nb::object asarray = nb::module_::import_("numpy").attr("asarray");
  return dtype.is_valid() ? asarray(object, dtype) : asarray(object);
}

Value sequence_from_python(nb::handle object, const Type& want, Borrow borrow) {
  Sequence sequence;
  const Type none;
  const Type& elem = want.elem ? *want.elem : none;
  sequence.elem_type = elem;
  const Py_ssize_t size = PySequence_Size(object.ptr());
  if (size < 0) raise_python();
  sequence.values.reserve(static_cast<size_t>(size));
  for (Py_ssize_t i = 0; i < size; ++i) {
    nb::object item = nb::steal(PySequence_GetItem(object.ptr(), i));
    if (!item) raise_python();
    // The item may be a temporary, so it is held.
    sequence.values.push_back(value_from_python(item, elem, Borrow::kKeepAlive));
  }
  if (!elem.defined() && !sequence.values.empty()) sequence.elem_type = sequence.values[0].type();
  (void)borrow;
  return sequence;
}

Value map_from_python(nb::handle object, const Type& want) {
  MapValue map;
  map.value_type = want.elem ? *want.elem : Type::tensor(DType::kFloat32);
  bool strings = want.dtype == DType::kString;
  if (want.dtype == DType::kUndefined) {
    for (auto [key, value] : nb::borrow<nb::dict>(object)) {
      strings = PyUnicode_Check(key.ptr());
      break;
    }
  }
  std::map<std::string, Value> by_name;
  std::map<int64_t, Value> by_number;
  for (auto [key, value] : nb::borrow<nb::dict>(object)) {
    Value v = value_from_python(value, map.value_type, Borrow::kKeepAlive);
    if (strings) {
      if (!PyUnicode_Check(key.ptr())) raise_status(invalid_argument("map: expected str keys, found {}", type_of(key)));
      by_name.insert_or_assign(text_of(key), std::move(v));
    } else {
      const int64_t k = PyLong_Check(key.ptr()) || PyIndex_Check(key.ptr())
                            ? static_cast<int64_t>(PyNumber_AsSsize_t(key.ptr(), PyExc_OverflowError))
                            : 0;
      if (PyErr_Occurred()) raise_python();
      if (!PyIndex_Check(key.ptr())) raise_status(invalid_argument("map: expected int keys, found {}", type_of(key)));
      by_number.insert_or_assign(k, std::move(v));
    }
  }
  if (strings) {
    map.entries = std::move(by_name);
  } else {
    map.entries = std::move(by_number);
  }
  return map;
}

constexpr int kDlCpu = 1, kDlCudaHost = 3;

// A tensor of torch, jax, cupy …; false where the object has no DLPack.
bool from_dlpack_object(nb::handle object, Value& out) {
  nb::object device_of = nb::steal(PyObject_GetAttrString(object.ptr(), "__dlpack_device__"));
  if (!device_of) {
    PyErr_Clear();
    return false;
  }
  const int device = nb::cast<int>(device_of()[0]);
  if (device != kDlCpu && device != kDlCudaHost) {
    raise_status(not_implemented("a {} in the memory of another device (DLPack device {}): copy it to the CPU first",
                                 type_of(object), device));
  }
  nb::object capsule = nb::steal(PyObject_CallMethod(object.ptr(), "__dlpack__", nullptr));
  if (!capsule) raise_python();
  out = tensor_from_dlpack(capsule);
  return true;
}

nb::object key_object(int64_t key) { return nb::int_(key); }
nb::object key_object(const std::string& key) { return nb::str(key.c_str(), key.size()); }

}  // namespace

Value value_from_python(nb::handle object, const Type& want, Borrow borrow) {
  if (is_array(object)) {
    if (!want.is_sequence()) return tensor_from_array(object, borrow);
    raise_status(invalid_argument("expected a list for {}, found one array", onnx_type_name(want)));
  }
  if (object.is_none()) return {};
  if (want.is_optional()) return value_from_python(object, want.elem ? *want.elem : Type(), borrow);
  if (is_ort_value(object)) return nb::inst_ptr<OrtValue>(object)->value;
  if (nb::isinstance<SparseTensor>(object)) return *nb::inst_ptr<SparseTensor>(object);
  if (want.kind == TypeKind::kMap || PyDict_Check(object.ptr())) {
    if (!PyDict_Check(object.ptr()))
      raise_status(invalid_argument("expected a dict for {}, found {}", onnx_type_name(want), type_of(object)));
    return map_from_python(object, want);
  }
  const bool listed = PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
  if (want.is_sequence()) {
    if (!listed)
      raise_status(invalid_argument("expected a list for {}, found {}", onnx_type_name(want), type_of(object)));
    return sequence_from_python(object, want, borrow);
  }
  if (Value v; !listed && !is_numpy_scalar(object) && from_dlpack_object(object, v)) return v;
  nb::object dtype;
  const bool has_own = is_numpy_scalar(object) || PyObject_HasAttrString(object.ptr(), "__array__");
  if (!has_own && want.is_tensor() && want.dtype != DType::kUndefined) dtype = dtype_to_numpy(want.dtype);
  nb::object array = numpy_asarray(object, dtype);
  return tensor_from_array(array, Borrow::kKeepAlive);
}

nb::object value_to_python(Value&& value) {
  if (value.is_tensor()) return array_from_tensor(std::move(value.tensor()));
  if (value.is_sequence()) {
    nb::list out;
    for (const Value& item : value.sequence().values) out.append(value_to_python(Value(item)));
    return out;
  }
  if (value.is_map()) {
    nb::dict out;
    const auto plain = [](const Value& v) {
      nb::object o = value_to_python(Value(v));
      return v.is_tensor() && v.tensor().rank() == 0 ? nb::object(o.attr("item")()) : o;
    };
    std::visit(
        [&](const auto& entries) {
          for (const auto& [key, v] : entries) out[key_object(key)] = plain(v);
        },
        value.map().entries);
    return out;
  }
  if (value.is_sparse()) return nb::cast(value.sparse());
  return nb::none();
}

std::string onnx_type_name(const Type& type) {
  const auto element = [](DType dtype) -> std::string {
    switch (dtype) {
      case DType::kUndefined: return "undefined";
      case DType::kFloat32: return "float";
      case DType::kFloat64: return "double";
      default: return std::string(dtype_name(dtype));
    }
  };
  const auto inner = [&] { return type.elem ? onnx_type_name(*type.elem) : "undefined"; };
  switch (type.kind) {
    case TypeKind::kTensor: return "tensor(" + element(type.dtype) + ")";
    case TypeKind::kSparseTensor: return "sparse_tensor(" + element(type.dtype) + ")";
    case TypeKind::kSequence: return "seq(" + inner() + ")";
    case TypeKind::kOptional: return "optional(" + inner() + ")";
    case TypeKind::kMap: return "map(" + element(type.dtype) + "," + inner() + ")";
    case TypeKind::kOpaque: return "opaque";
    case TypeKind::kUndefined: break;
  }
  return "undefined";
}

}  // namespace anyrt::python
