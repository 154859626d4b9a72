#include "bindings/python/dlpack.h"

#include <array>
#include <memory>

namespace anyrt::python {

namespace {

// The structures of dlpack.h, version 1.
struct DLDevice {
  int32_t type, id;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};
struct DLManagedTensorVersioned {
  uint32_t major, minor;
  void* context;
  void (*deleter)(DLManagedTensorVersioned*);
  uint64_t flags;
  DLTensor tensor;
};
constexpr uint64_t kReadOnly = 1;
constexpr int32_t kCpu = 1, kCudaHost = 3;

struct TypeRow {
  DType dtype;
  uint8_t code, bits;
};
constexpr TypeRow kTypes[] = {
    {DType::kInt8, 0, 8},
    {DType::kInt16, 0, 16},
    {DType::kInt32, 0, 32},
    {DType::kInt64, 0, 64},
    {DType::kUInt8, 1, 8},
    {DType::kUInt16, 1, 16},
    {DType::kUInt32, 1, 32},
    {DType::kUInt64, 1, 64},
    {DType::kFloat16, 2, 16},
    {DType::kFloat32, 2, 32},
    {DType::kFloat64, 2, 64},
    {DType::kBFloat16, 4, 16},
    {DType::kComplex64, 5, 64},
    {DType::kComplex128, 5, 128},
    {DType::kBool, 6, 8},
    {DType::kFloat8E4M3FN, 10, 8},
    {DType::kFloat8E4M3FNUZ, 11, 8},
    {DType::kFloat8E5M2, 12, 8},
    {DType::kFloat8E5M2FNUZ, 13, 8},
    {DType::kFloat8E8M0, 14, 8},
};

[[noreturn]] void buffer_error(const std::string& message) {
  PyErr_SetString(PyExc_BufferError, message.c_str());
  raise_python();
}

// What a capsule over one of our tensors holds.
template <class Managed>
struct Held {
  Managed managed{};
  Tensor tensor;
  std::vector<int64_t> shape, strides;
};

template <class Managed>
Managed* manage(const Tensor& t) {
  const TypeRow* row = nullptr;
  for (const TypeRow& r : kTypes) {
    if (r.dtype == t.dtype()) row = &r;
  }
  if (!row) buffer_error(std::string("DLPack has no element type like ") + std::string(dtype_name(t.dtype())));
  auto held = std::make_unique<Held<Managed>>();
  held->tensor = t;
  held->shape = t.dims();
  held->strides.resize(held->shape.size());
  int64_t stride = 1;
  for (size_t i = held->shape.size(); i-- > 0; stride *= held->shape[i]) held->strides[i] = stride;
  Managed& m = held->managed;
  m.tensor = {const_cast<std::byte*>(t.raw()),
              {kCpu, 0},
              t.rank(),
              {row->code, row->bits, 1},
              held->shape.data(),
              held->strides.data(),
              0};
  m.deleter = [](Managed* self) { delete static_cast<Held<Managed>*>(self->context); };
  m.context = held.get();
  return &held.release()->managed;
}

template <class Managed>
void drop_unused(PyObject* capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule, name)) return;  // it was consumed
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
  if (m && m->deleter) m->deleter(m);
}

constexpr const char* kOld = "dltensor";
constexpr const char* kNew = "dltensor_versioned";

template <class Managed>
Tensor take_over(Managed* m, bool read_only) {
  const std::shared_ptr<const void> hold(m, [](const void* p) {
    auto* managed = static_cast<Managed*>(const_cast<void*>(p));
    if (!managed->deleter || !Py_IsInitialized()) return;
    const nb::gil_scoped_acquire gil;
    managed->deleter(managed);
  });
  const DLTensor& t = m->tensor;
  if (t.device.type != kCpu && t.device.type != kCudaHost)
    raise_status(not_implemented(
        "a tensor in the memory of another device (DLPack device {}): copy it to the CPU first", t.device.type));
  const TypeRow* row = nullptr;
  for (const TypeRow& r : kTypes) {
    if (r.code == t.dtype.code && r.bits == t.dtype.bits && t.dtype.lanes == 1) row = &r;
  }
  if (!row)
    raise_status(invalid_argument("DLPack element type (code {}, {} bits, {} lanes) has no place here", t.dtype.code,
                                  t.dtype.bits, t.dtype.lanes));
  const Dims dims(t.shape, t.shape + t.ndim);
  const int64_t count = take(checked_element_count(dims));
  int64_t want = 1;
  for (size_t i = dims.size(); t.strides && count > 0 && i-- > 0; want *= dims[i]) {
    if (dims[i] > 1 && t.strides[i] != want)
      raise_status(invalid_argument("a DLPack tensor with strides: make it contiguous first"));
  }
  std::byte* data = static_cast<std::byte*>(t.data) + (t.data ? t.byte_offset : 0);
  const size_t bytes = static_cast<size_t>(count) * element_size(row->dtype);
  return take(Tensor::view(row->dtype, dims, borrow_buffer(data, bytes, hold, !read_only)));
}

}  // namespace

nb::object dlpack_capsule(const Tensor& tensor, bool versioned) {
  const bool read_only = !tensor.buffer() || !tensor.buffer()->writable();
  PyObject* capsule = nullptr;
  if (versioned) {
    auto* m = manage<DLManagedTensorVersioned>(tensor);
    m->major = 1;
    m->flags = read_only ? kReadOnly : 0;
    capsule = PyCapsule_New(m, kNew, [](PyObject* c) { drop_unused<DLManagedTensorVersioned>(c, kNew); });
    if (!capsule) m->deleter(m);
  } else {
    if (read_only) buffer_error("read-only memory needs a consumer of DLPack 1.0 (max_version)");
    auto* m = manage<DLManagedTensor>(tensor);
    capsule = PyCapsule_New(m, kOld, [](PyObject* c) { drop_unused<DLManagedTensor>(c, kOld); });
    if (!capsule) m->deleter(m);
  }
  if (!capsule) raise_python();
  return nb::steal(capsule);
}

Tensor tensor_from_dlpack(nb::handle capsule) {
  if (PyCapsule_IsValid(capsule.ptr(), kNew)) {
    auto* m = static_cast<DLManagedTensorVersioned*>(PyCapsule_GetPointer(capsule.ptr(), kNew));
    if (m->major != 1) raise_status(not_implemented("DLPack version {}, expected 1", m->major));
    PyCapsule_SetName(capsule.ptr(), "used_dltensor_versioned");
    return take_over(m, (m->flags & kReadOnly) != 0);
  }
  if (PyCapsule_IsValid(capsule.ptr(), kOld)) {
    auto* m = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), kOld));
    PyCapsule_SetName(capsule.ptr(), "used_dltensor");
    return take_over(m, false);
  }
  raise_status(invalid_argument("expected a DLPack capsule that was not used before, found {}", type_of(capsule)));
}

}  // namespace anyrt::python
