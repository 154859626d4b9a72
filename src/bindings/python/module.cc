#include <nanobind/stl/string.h>

#include "anyrt_version.h"
#include "base/log.h"
#include "bindings/python/common.h"
#include "bindings/python/dlpack.h"
#include "device/device.h"

namespace anyrt::python {

void raise_status(const Status& status) {
  nb::object make = nb::module_::import_("anyrt._errors").attr("from_status");
  nb::object error = make(nb::str(std::string(code_name(status.code())).c_str()), nb::str(status.message().c_str()));
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

std::string text_of(nb::handle object) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_Check(object.ptr()) ? PyUnicode_AsUTF8AndSize(object.ptr(), &size) : nullptr;
  if (!data) {
    if (PyErr_Occurred()) raise_python();
    raise_status(invalid_argument("expected str, found {}", nb::str(object.type()).c_str()));
  }
  return std::string(data, static_cast<size_t>(size));
}

std::string type_of(nb::handle object) { return text_of(object.type().attr("__name__")); }

void raise_python() { throw nb::python_error(); }

bool is_ort_value(nb::handle object) { return nb::isinstance<OrtValue>(object); }

void bind_values(nb::module_& m) {
  nb::class_<OrtValue>(m, "Value")
      .def(
          "__init__",
          [](OrtValue* self, nb::handle object) {
            Value v = value_from_python(object, Type(), Borrow::kKeepAlive);
            Type type = v.type();
            new (self) OrtValue{std::move(v), std::move(type)};
          },
          nb::arg("object"))
      .def("numpy",
           [](const OrtValue& self) {
             return self.value.is_tensor() ? array_view(self.value.tensor()) : value_to_python(Value(self.value));
           })
      .def(
          "dlpack",
          [](const OrtValue& self, bool versioned) {
            if (!self.value.is_tensor())
              raise_status(invalid_argument("DLPack is for tensors, found {}", onnx_type_name(self.value.type())));
            return dlpack_capsule(self.value.tensor(), versioned);
          },
          nb::arg("versioned"))
      .def_static("from_dlpack",
                  [](nb::handle capsule) {
                    Tensor t = tensor_from_dlpack(capsule);
                    Type type = Value(t).type();
                    return OrtValue{Value(std::move(t)), std::move(type)};
                  })
      .def_static("sequence",
                  [](const nb::list& items) {
                    Sequence s;
                    for (nb::handle item : items) s.values.push_back(nb::inst_ptr<OrtValue>(item)->value);
                    if (!s.values.empty()) s.elem_type = s.values[0].type();
                    Value v(std::move(s));
                    Type type = v.type();
                    return OrtValue{std::move(v), std::move(type)};
                  })
      .def_prop_ro("type_name", [](const OrtValue& self) { return onnx_type_name(self.value.type()); })
      .def_prop_ro("has_value", [](const OrtValue& self) { return !self.value.empty(); })
      .def_prop_ro("is_tensor", [](const OrtValue& self) { return self.value.is_tensor(); })
      .def_prop_ro("is_sparse", [](const OrtValue& self) { return self.value.is_sparse(); })
      .def_prop_ro("is_sequence", [](const OrtValue& self) { return self.value.is_sequence(); })
      .def_prop_ro("shape",
                   [](const OrtValue& self) {
                     nb::list dims;
                     if (self.value.is_tensor()) {
                       for (const int64_t d : self.value.tensor().dims()) dims.append(d);
                     } else if (self.value.is_sparse()) {
                       for (const int64_t d : self.value.sparse().dims) dims.append(d);
                     }
                     return dims;
                   })
      .def_prop_ro("element_type",
                   [](const OrtValue& self) {
                     return self.value.is_tensor() ? static_cast<int>(self.value.tensor().dtype()) : 0;
                   })
      .def_prop_ro(
          "nbytes",
          [](const OrtValue& self) { return self.value.is_tensor() ? self.value.tensor().bytes() : size_t{0}; })
      .def_prop_ro("address", [](const OrtValue& self) {
        return self.value.is_tensor() ? reinterpret_cast<uintptr_t>(self.value.tensor().raw()) : 0;
      });
  nb::class_<SparseTensor>(m, "Sparse")
      .def("__init__",
           [](SparseTensor* self, const nb::list& dims, nb::handle values, nb::handle indices) {
             SparseTensor s;
             for (nb::handle d : dims) s.dims.push_back(nb::cast<int64_t>(d));
             s.values = tensor_from_array(values, Borrow::kKeepAlive);
             s.indices = tensor_from_array(indices, Borrow::kKeepAlive);
             new (self) SparseTensor(std::move(s));
           })
      .def_prop_ro("values", [](const SparseTensor& s) { return array_view(s.values); })
      .def_prop_ro("indices", [](const SparseTensor& s) { return array_view(s.indices); })
      .def_prop_ro("shape", [](const SparseTensor& s) {
        nb::list dims;
        for (const int64_t d : s.dims) dims.append(d);
        return dims;
      });
}

}  // namespace anyrt::python

NB_MODULE(_anyrt, m) {
  using namespace anyrt;
  using namespace anyrt::python;
  // A process that ends may hold objects in places that nothing clears.
  nb::set_leak_warnings(false);
  init_numpy();
  bind_values(m);
  bind_session(m);
  bind_custom_ops(m);
  m.attr("__version__") = ANYRT_VERSION_STRING;
  m.def("set_log_level", [](int level) { set_log_level(static_cast<LogLevel>(level)); });
  // callback(level 1 to 5, message), or None for standard error again.
  m.def(
      "set_log_callback",
      [](const nb::object& callback) {
        const auto held = callback.is_none() ? nullptr : hold(callback);
        // A thread that writes a message holds the sink while it waits for the interpreter's lock.
        const nb::gil_scoped_release unlocked;
        if (!held) return set_log_sink({});
        set_log_sink([held](LogLevel level, std::string_view message) {
          if (!Py_IsInitialized()) return;
          const nb::gil_scoped_acquire gil;
          const nb::handle fn(static_cast<PyObject*>(const_cast<void*>(held.get())));
          try {
            fn(static_cast<int>(level), nb::str(message.data(), message.size()));
          } catch (nb::python_error& e) {
            e.discard_as_unraisable("log callback");
          }
        });
      },
      nb::arg("callback").none());
  m.def("devices", [] {
    nb::list out;
    for (const DeviceDef* d : all_devices()) out.append(nb::str(d->name));
    return out;
  });
}
