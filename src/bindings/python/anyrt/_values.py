"""OrtValue, SparseTensor and IOBinding with onnxruntime's names."""
from __future__ import annotations

import ctypes
import enum
from typing import Any, Callable, Sequence

import numpy as np

from . import _anyrt
from ._devices import OrtDevice, OrtMemoryInfo, cpu_only
from ._errors import InvalidArgument, NotImplemented

_NUMPY_TYPES: dict[int, Any] = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 8: np.object_, 9: np.bool_,
                10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64, 14: np.complex64, 15: np.complex128}
_ML_TYPES = {16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4",
             22: "int4", 23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2"}


def _onnx_dtype(element_type: Any) -> np.dtype:
    """The NumPy type for a number of TensorProto.DataType, or for anything that NumPy takes as a type."""
    if not isinstance(element_type, (int, np.integer)):
        return np.dtype(element_type)
    number = int(element_type)
    if number in _NUMPY_TYPES:
        return np.dtype(_NUMPY_TYPES[number])
    if number not in _ML_TYPES:
        raise InvalidArgument(f"element type {number} is not one of TensorProto.DataType")
    import ml_dtypes
    return np.dtype(getattr(ml_dtypes, _ML_TYPES[number]))


def _over_memory(address: int, element_type: Any, shape: Sequence[int]) -> np.ndarray:
    """An array over memory that the caller vouches for."""
    dtype = _onnx_dtype(element_type)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    memory: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, dtype).reshape(tuple(shape))


class OrtSparseFormat(enum.IntEnum):
    ORT_SPARSE_UNDEFINED = 0
    ORT_SPARSE_COO = 1
    ORT_SPARSE_CSRC = 2
    ORT_SPARSE_BLOCK_SPARSE = 4


class OrtValue:
    """A tensor, sparse tensor, sequence, map or optional outside of any session. Arrays are borrowed, not copied."""

    def __init__(self, value: Any) -> None:
        self._value = value if isinstance(value, _anyrt.Value) else _anyrt.Value(value)

    @staticmethod
    def ortvalue_from_numpy(numpy_obj: np.ndarray, /, device_type: str = "cpu", device_id: int = 0, vendor_id: int = -1) -> OrtValue:
        """A value over the array's memory (strings are copied)."""
        cpu_only(device_type)
        return OrtValue(_anyrt.Value(numpy_obj))

    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(data: np.ndarray, /, onnx_element_type: int) -> OrtValue:
        """A value over the array's memory, its elements read as ``onnx_element_type`` of the same size."""
        dtype = _onnx_dtype(onnx_element_type)
        if data.dtype.itemsize != dtype.itemsize:
            raise InvalidArgument(f"elements of {data.dtype} have {data.dtype.itemsize} bytes, those of {dtype} {dtype.itemsize}")
        return OrtValue(_anyrt.Value(data.view(dtype)))

    @staticmethod
    def ortvalue_from_shape_and_type(shape: Sequence[int], element_type: Any, device_type: str = "cpu", device_id: int = 0,
                                     vendor_id: int = -1, memory_info: OrtMemoryInfo | None = None) -> OrtValue:
        """A tensor of that shape and type, filled with zeros."""
        cpu_only(device_type)
        return OrtValue(_anyrt.Value(np.zeros(tuple(shape), _onnx_dtype(element_type))))

    @staticmethod
    def ort_value_from_sparse_tensor(sparse_tensor: SparseTensor) -> OrtValue:
        return OrtValue(_anyrt.Value(sparse_tensor._coo()))

    @staticmethod
    def ortvalue_from_sequence(items: Sequence[Any]) -> OrtValue:
        """A sequence of values or arrays."""
        return OrtValue(_anyrt.Value.sequence([i._value if isinstance(i, OrtValue) else _anyrt.Value(i) for i in items]))

    @staticmethod
    def from_dlpack(data: Any, /, is_bool_tensor: bool = False) -> OrtValue:
        """A value over the memory of any object with ``__dlpack__``, or of a capsule."""
        if hasattr(data, "__dlpack__"):
            try:
                data = data.__dlpack__(max_version=(1, 0))
            except TypeError:
                data = data.__dlpack__()
        value = OrtValue(_anyrt.Value.from_dlpack(data))
        return OrtValue(_anyrt.Value(value.numpy().view(np.bool_))) if is_bool_tensor else value

    def numpy(self) -> Any:
        """The value as session.run gives it; a tensor's array lies over the value's memory."""
        return self._value.numpy()

    def to_sequence(self) -> list:
        return self._value.numpy()

    def as_sparse_tensor(self) -> SparseTensor:
        if not self._value.is_sparse:
            raise InvalidArgument(f"expected a sparse tensor, found {self.data_type()}")
        return SparseTensor(self._value.numpy())

    def __dlpack__(self, *, stream: Any = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None,
                   copy: bool | None = None) -> Any:
        if dl_device not in (None, (1, 0)) or stream is not None:
            raise BufferError("the value lies in the CPU's memory, where there are no streams")
        value = OrtValue(np.array(self.numpy()))._value if copy else self._value
        return value.dlpack(max_version is not None and max_version[0] >= 1)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype) if copy else np.asarray(self.numpy(), dtype=dtype)

    def data_ptr(self) -> int:
        return self._value.address

    def device_name(self) -> str:
        return "cpu"

    def shape(self) -> list[int]:
        return list(self._value.shape)

    def data_type(self) -> str:
        return self._value.type_name

    def element_type(self) -> int:
        return self._value.element_type

    def has_value(self) -> bool:
        return self._value.has_value

    def is_tensor(self) -> bool:
        return self._value.is_tensor

    def is_sparse_tensor(self) -> bool:
        return self._value.is_sparse

    def is_tensor_sequence(self) -> bool:
        return self._value.is_sequence

    def tensor_size_in_bytes(self) -> int:
        return self._value.nbytes

    def update_inplace(self, data: Any) -> None:
        """Copies an array or a value of the same type and shape into this value's memory."""
        mine = self._value.numpy()
        data = data.numpy() if isinstance(data, OrtValue) else np.asarray(data)
        if mine.shape != data.shape or mine.dtype != data.dtype:
            raise InvalidArgument(f"expected {mine.dtype}{list(mine.shape)}, found {data.dtype}{list(data.shape)}")
        if mine.dtype == np.object_:
            raise NotImplemented("strings are copied into a value when it is made and cannot be changed later")
        mine[...] = data

    def __repr__(self) -> str:
        return f"OrtValue({self.data_type()}, shape={self.shape()})"


class OrtValueVector(list):
    """A list of OrtValue, with the methods of onnxruntime's."""

    def push_back(self, value: OrtValue) -> None:
        self.append(value)

    def reserve(self, count: int) -> None:
        """Lists grow by themselves."""

    def shrink_to_fit(self) -> None:
        """Lists shrink by themselves."""

    def element_type_at(self, index: int) -> int:
        return self[index].element_type()

    def dlpack_at(self, index: int) -> Any:
        return self[index].__dlpack__()

    def to_dlpacks(self, to_tensor: Callable[[Any], Any]) -> list:
        return [to_tensor(v.__dlpack__()) for v in self]


class _CooView:
    def __init__(self, indices: np.ndarray) -> None:
        self._indices = indices

    def indices(self) -> np.ndarray:
        return self._indices


class _CsrView:
    def __init__(self, inner: np.ndarray, outer: np.ndarray) -> None:
        self._inner, self._outer = inner, outer

    def inner(self) -> np.ndarray:
        return self._inner

    def outer(self) -> np.ndarray:
        return self._outer


class SparseTensor:
    """A sparse tensor in COO or CSR form. Models get it as COO."""

    def __init__(self, sparse: Any) -> None:
        self._sparse = sparse
        self._csr: _CsrView | None = None

    @staticmethod
    def sparse_coo_from_numpy(dense_shape: Any, values: np.ndarray, coo_indices: np.ndarray, ort_device: OrtDevice | None = None) -> SparseTensor:
        """``coo_indices`` are int64: linear ones [NNZ], or [NNZ, rank]; arrays are borrowed."""
        values, indices = np.asarray(values), np.asarray(coo_indices)
        dims = [int(d) for d in dense_shape]
        if indices.dtype != np.int64 or indices.ndim not in (1, 2) or len(indices) != len(values):
            raise InvalidArgument(f"expected int64 indices [{len(values)}] or [{len(values)}, {len(dims)}], "
                                  f"found {indices.dtype}{list(indices.shape)}")
        return SparseTensor(_anyrt.Sparse(dims, values, indices))

    @staticmethod
    def sparse_csr_from_numpy(dense_shape: Any, values: np.ndarray, inner_indices: np.ndarray, outer_indices: np.ndarray,
                              ort_device: OrtDevice | None = None) -> SparseTensor:
        """A matrix: ``inner_indices`` [NNZ] are columns, ``outer_indices`` [rows + 1] say where each row begins."""
        inner, outer = np.asarray(inner_indices, np.int64), np.asarray(outer_indices, np.int64)
        dims = [int(d) for d in dense_shape]
        if len(dims) != 2 or inner.shape != (len(values),) or outer.shape != (dims[0] + 1,) or outer[-1] != len(values):
            raise InvalidArgument(f"expected a matrix with {len(values)} inner and {dims[0] + 1} outer indices, found shape {dims} with "
                                  f"{list(inner.shape)} and {list(outer.shape)}")
        rows = np.repeat(np.arange(dims[0], dtype=np.int64), np.diff(outer))
        made = SparseTensor(_anyrt.Sparse(dims, np.asarray(values), rows * dims[1] + inner))
        made._csr = _CsrView(inner, outer)
        return made

    def _coo(self) -> Any:
        return self._sparse

    def values(self) -> np.ndarray:
        return self._sparse.values

    def format(self) -> OrtSparseFormat:
        return OrtSparseFormat.ORT_SPARSE_CSRC if self._csr else OrtSparseFormat.ORT_SPARSE_COO

    def as_coo_view(self) -> _CooView:
        """Its ``indices()``; an error for a tensor made from CSR arrays."""
        if self._csr:
            raise InvalidArgument("the tensor is in CSR form")
        return _CooView(self._sparse.indices)

    def as_csrc_view(self) -> _CsrView:
        """Its ``inner()`` and ``outer()``; an error for a tensor in COO form."""
        if not self._csr:
            raise InvalidArgument("the tensor is in COO form")
        return self._csr

    def as_blocksparse_view(self) -> Any:
        raise NotImplemented("block-sparse tensors are not supported: ONNX has no such value")

    def to_cuda(self, ort_device: Any) -> SparseTensor:
        raise NotImplemented("values lie in the CPU's memory")

    def dense_shape(self) -> np.ndarray:
        return np.array(list(self._sparse.shape), np.int64)

    def data_type(self) -> str:
        return _anyrt.Value(self._sparse).type_name

    def device_name(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return f"SparseTensor({self.data_type()}, shape={list(self._sparse.shape)}, {len(self.values())} values, {self.format().name})"


class IOBinding:
    """Inputs and outputs bound to a session, for session.run_with_iobinding."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, np.ndarray | None] = {}
        self._results: list[OrtValue] = []

    def _check(self, name: str, known: Sequence[Any], what: str) -> None:
        names = [a.name for a in known]
        if name not in names:
            raise InvalidArgument(f"the model has no {what} '{name}'; its {what}s are: {', '.join(names)}")

    def bind_cpu_input(self, name: str, arr_on_cpu: Any) -> None:
        self._check(name, [*self._session.get_inputs(), *self._session.get_overridable_initializers()], "input")
        self._inputs[name] = arr_on_cpu

    def bind_input(self, name: str, device_type: str, device_id: int, element_type: Any, shape: Sequence[int], buffer_ptr: int) -> None:
        """Memory at ``buffer_ptr`` that must outlive the binding."""
        cpu_only(device_type)
        self.bind_cpu_input(name, _over_memory(buffer_ptr, element_type, shape))

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        self.bind_cpu_input(name, ortvalue._value)

    def bind_output(self, name: str, device_type: str = "cpu", device_id: int = 0, element_type: Any = None,
                    shape: Sequence[int] | None = None, buffer_ptr: int | None = None) -> None:
        """An output that is computed; with ``buffer_ptr`` it is written to that memory, of exactly this type and shape."""
        cpu_only(device_type)
        self._check(name, self._session.get_outputs(), "output")
        self._outputs[name] = None if buffer_ptr is None else _over_memory(buffer_ptr, element_type, shape or [])

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        self._check(name, self._session.get_outputs(), "output")
        self._outputs[name] = ortvalue.numpy()

    def synchronize_inputs(self) -> None:
        """Nothing waits: values lie in the CPU's memory."""

    def synchronize_outputs(self) -> None:
        """Nothing waits: a run is over when it returns."""

    def clear_binding_inputs(self) -> None:
        self._inputs.clear()

    def clear_binding_outputs(self) -> None:
        self._outputs.clear()
        self._results = []

    def get_outputs(self) -> list[OrtValue]:
        return list(self._results)

    def get_outputs_as_ortvaluevector(self) -> OrtValueVector:
        return OrtValueVector(self._results)

    def copy_outputs_to_cpu(self) -> list:
        return [r.numpy() for r in self._results]

    def _run(self, run_options: Any) -> None:
        names = list(self._outputs)
        if not names:
            raise InvalidArgument("no output is bound")
        # Where the plan lets it, results are in the memory that was bound; elements narrower than a byte, and strings, are
        # stored differently here.
        direct = {n: a for n, a in self._outputs.items() if a is not None and a.dtype != np.object_ and "int4" not in a.dtype.name
                  and "int2" not in a.dtype.name and "float4" not in a.dtype.name and a.flags.c_contiguous and a.flags.writeable}
        results = []
        for name, value in zip(names, self._session._run_values(names, self._inputs, run_options, direct or None)):
            target = self._outputs[name]
            if target is not None and value.address != target.ctypes.data:
                got = value.numpy()
                if got.shape != target.shape or got.dtype != target.dtype:
                    raise InvalidArgument(f"output '{name}' is {got.dtype}{list(got.shape)}, bound memory holds "
                                          f"{target.dtype}{list(target.shape)}")
                target[...] = got
                value = _anyrt.Value(target)
            results.append(OrtValue(value))
        self._results = results

    def __repr__(self) -> str:
        return f"IOBinding(inputs={list(self._inputs)}, outputs={list(self._outputs)})"


def copy_tensors(src: Sequence[OrtValue], dst: Sequence[OrtValue], stream: Any = None) -> None:
    """Copies each tensor of ``src`` into the one of ``dst`` at its place, of the same type and shape."""
    if len(src) != len(dst):
        raise InvalidArgument(f"{len(src)} tensors to copy into {len(dst)}")
    for a, b in zip(src, dst):
        b.update_inplace(a)
