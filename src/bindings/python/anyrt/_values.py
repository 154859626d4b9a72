"""OrtValue, OrtDevice, SparseTensor and IOBinding with onnxruntime's names."""
import enum

import numpy as np

from . import _anyrt
from ._errors import InvalidArgument, NotImplemented


class OrtMemType(enum.IntEnum):
    CPU_INPUT = -2
    CPU_OUTPUT = -1
    CPU = -1
    DEFAULT = 0


class OrtAllocatorType(enum.IntEnum):
    INVALID = -1
    ORT_DEVICE_ALLOCATOR = 0
    ORT_ARENA_ALLOCATOR = 1


def _cpu_only(device_type):
    if str(device_type).lower() != "cpu":
        raise NotImplemented(f"memory of device '{device_type}': values lie in the CPU's memory")


class OrtDevice:
    """A place for values; the CPU's memory is the only one."""

    def __init__(self, device_type="cpu", device_id=0):
        _cpu_only(device_type)
        self._id = int(device_id)

    @staticmethod
    def make(ort_device_name, device_id, vendor_id=-1):
        return OrtDevice(ort_device_name, device_id)

    def device_id(self):
        return self._id

    def device_type(self):
        return "cpu"

    def __repr__(self):
        return f"OrtDevice('cpu', {self._id})"


class OrtValue:
    """A tensor, sequence, map or optional outside of any session. Arrays are borrowed, not copied."""

    def __init__(self, value):
        self._value = value

    @staticmethod
    def ortvalue_from_numpy(numpy_obj, device_type="cpu", device_id=0, vendor_id=-1):
        _cpu_only(device_type)
        return OrtValue(_anyrt.Value(numpy_obj))

    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(data, onnx_element_type):
        return OrtValue(_anyrt.Value(_retype(data, onnx_element_type)))

    @staticmethod
    def ortvalue_from_shape_and_type(shape, element_type, device_type="cpu", device_id=0, vendor_id=-1):
        _cpu_only(device_type)
        dtype = _onnx_dtype(element_type) if isinstance(element_type, int) else element_type
        return OrtValue(_anyrt.Value(np.zeros(tuple(shape), dtype)))

    @staticmethod
    def ort_value_from_sparse_tensor(sparse_tensor):
        return OrtValue(_anyrt.Value(sparse_tensor._sparse))

    @staticmethod
    def from_dlpack(obj, is_bool_tensor=False):
        array = np.from_dlpack(obj)
        return OrtValue(_anyrt.Value(array.view(np.bool_) if is_bool_tensor else array))

    def numpy(self):
        return self._value.numpy()

    def to_sequence(self):
        return self._value.numpy()

    def as_sparse_tensor(self):
        return SparseTensor(self._value.numpy())

    def __dlpack__(self, **kwargs):
        return self.numpy().__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return (1, 0)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.numpy(), dtype=dtype)

    def data_ptr(self):
        return self._value.address

    def device_name(self):
        return "cpu"

    def shape(self):
        return list(self._value.shape)

    def data_type(self):
        return self._value.type_name

    def element_type(self):
        return self._value.element_type

    def has_value(self):
        return self._value.has_value

    def is_tensor(self):
        return self._value.is_tensor

    def is_sparse_tensor(self):
        return self._value.is_sparse

    def is_tensor_sequence(self):
        return self._value.is_sequence

    def tensor_size_in_bytes(self):
        return self._value.nbytes

    def update_inplace(self, np_arr):
        mine = self._value.numpy()
        if mine.shape != np_arr.shape or mine.dtype != np_arr.dtype:
            raise InvalidArgument(f"expected {mine.dtype}{list(mine.shape)}, found {np_arr.dtype}{list(np_arr.shape)}")
        mine[...] = np_arr

    def __repr__(self):
        return f"OrtValue({self.data_type()}, shape={self.shape()})"


def _onnx_dtype(element_type):
    table = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
             10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64, 14: np.complex64, 15: np.complex128}
    if element_type in table:
        return table[element_type]
    import ml_dtypes
    names = {16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz",
             21: "uint4", 22: "int4", 23: "float4_e2m1fn"}
    if element_type not in names:
        raise InvalidArgument(f"element type {element_type} is not known")
    return np.dtype(getattr(ml_dtypes, names[element_type]))


def _retype(data, element_type):
    dtype = np.dtype(_onnx_dtype(element_type))
    return data.view(dtype) if data.dtype.itemsize == dtype.itemsize else data.astype(dtype)


class SparseTensor:
    """A sparse tensor in COO form."""

    def __init__(self, sparse):
        self._sparse = sparse

    @staticmethod
    def sparse_coo_from_numpy(dense_shape, values, coo_indices, ort_device=None):
        return SparseTensor(_anyrt.Sparse([int(d) for d in dense_shape], np.asarray(values), np.asarray(coo_indices, np.int64)))

    @staticmethod
    def sparse_csr_from_numpy(*args, **kwargs):
        raise NotImplemented("sparse tensors are kept in COO form; csr is not supported")

    def values(self):
        return self._sparse.values

    def as_coo_view(self):
        return self

    def indices(self):
        return self._sparse.indices

    def dense_shape(self):
        return list(self._sparse.shape)

    def data_type(self):
        return "sparse_tensor"

    def device_name(self):
        return "cpu"

    def __repr__(self):
        return f"SparseTensor(shape={self.dense_shape()})"


class IOBinding:
    """Inputs and outputs bound to a session for session.run_with_iobinding."""

    def __init__(self, session):
        self._session = session
        self._inputs = {}
        self._outputs = {}
        self._results = []

    def bind_cpu_input(self, name, arr_on_cpu):
        self._inputs[name] = arr_on_cpu

    def bind_input(self, name, device_type, device_id, element_type, shape, buffer_ptr):
        import ctypes
        _cpu_only(device_type)
        dtype = np.dtype(_onnx_dtype(element_type) if isinstance(element_type, int) else element_type)
        size = int(np.prod(shape)) * dtype.itemsize
        raw = (ctypes.c_char * size).from_address(buffer_ptr)
        self._inputs[name] = np.frombuffer(raw, dtype).reshape(shape)

    def bind_ortvalue_input(self, name, ortvalue):
        self._inputs[name] = ortvalue._value

    def bind_output(self, name, device_type="cpu", device_id=0, element_type=None, shape=None, buffer_ptr=None):
        import ctypes
        _cpu_only(device_type)
        target = None
        if buffer_ptr is not None:
            dtype = np.dtype(_onnx_dtype(element_type) if isinstance(element_type, int) else element_type)
            size = int(np.prod(shape)) * dtype.itemsize
            raw = (ctypes.c_char * size).from_address(buffer_ptr)
            target = np.frombuffer(raw, dtype).reshape(shape)
        self._outputs[name] = target

    def bind_ortvalue_output(self, name, ortvalue):
        self._outputs[name] = ortvalue.numpy()

    def synchronize_inputs(self):
        """Nothing waits: values lie in the CPU's memory."""

    def synchronize_outputs(self):
        """Nothing waits: a run is over when it returns."""

    def clear_binding_inputs(self):
        self._inputs.clear()

    def clear_binding_outputs(self):
        self._outputs.clear()
        self._results = []

    def get_outputs(self):
        return list(self._results)

    def get_outputs_as_ortvaluevector(self):
        return self.get_outputs()

    def copy_outputs_to_cpu(self):
        return [r.numpy() for r in self._results]

    def _run(self, run_options):
        names = list(self._outputs)
        values = self._session._run_values(names, self._inputs, run_options)
        results = []
        for name, value in zip(names, values):
            target = self._outputs[name]
            if target is not None:
                got = value.numpy()
                if got.shape != target.shape or got.dtype != target.dtype:
                    raise InvalidArgument(f"output '{name}' is {got.dtype}{list(got.shape)}, bound memory holds "
                                          f"{target.dtype}{list(target.shape)}")
                target[...] = got
                results.append(OrtValue(_anyrt.Value(target)))
            else:
                results.append(OrtValue(value))
        self._results = results
