"""Element types, values and files for the tests that run single-operator models: used by operator_*_test.py."""
import pathlib
import re

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Name in type strings, such as tensor(float) -> (TensorProto number, numpy type)
TYPES = {
    "float": (TensorProto.FLOAT, np.float32), "double": (TensorProto.DOUBLE, np.float64),
    "float16": (TensorProto.FLOAT16, np.float16), "bfloat16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16),
    "int8": (TensorProto.INT8, np.int8), "int16": (TensorProto.INT16, np.int16), "int32": (TensorProto.INT32, np.int32),
    "int64": (TensorProto.INT64, np.int64), "uint8": (TensorProto.UINT8, np.uint8),
    "uint16": (TensorProto.UINT16, np.uint16), "uint32": (TensorProto.UINT32, np.uint32),
    "uint64": (TensorProto.UINT64, np.uint64), "bool": (TensorProto.BOOL, np.bool_),
    "string": (TensorProto.STRING, np.dtype(object)), "complex64": (TensorProto.COMPLEX64, np.complex64),
    "complex128": (TensorProto.COMPLEX128, np.complex128),
    "float8e4m3fn": (TensorProto.FLOAT8E4M3FN, ml_dtypes.float8_e4m3fn),
    "float8e4m3fnuz": (TensorProto.FLOAT8E4M3FNUZ, ml_dtypes.float8_e4m3fnuz),
    "float8e5m2": (TensorProto.FLOAT8E5M2, ml_dtypes.float8_e5m2),
    "float8e5m2fnuz": (TensorProto.FLOAT8E5M2FNUZ, ml_dtypes.float8_e5m2fnuz),
    "float8e8m0": (TensorProto.FLOAT8E8M0, ml_dtypes.float8_e8m0fnu),
    "float4e2m1": (TensorProto.FLOAT4E2M1, ml_dtypes.float4_e2m1fn),
    "int4": (TensorProto.INT4, ml_dtypes.int4), "uint4": (TensorProto.UINT4, ml_dtypes.uint4),
    "int2": (TensorProto.INT2, ml_dtypes.int2), "uint2": (TensorProto.UINT2, ml_dtypes.uint2),
}
NUMBER = {name: row[0] for name, row in TYPES.items()}
NUMPY = {name: np.dtype(row[1]) for name, row in TYPES.items()}
NAME = {number: name for name, number in NUMBER.items()}
SMALL_FLOATS = {n for n in TYPES if n.startswith("float8") or n.startswith("float4")}
FLOATS = {"float", "double", "float16", "bfloat16"} | SMALL_FLOATS
LIMITS = {"int2": (-2, 1), "uint2": (0, 3), "int4": (-8, 7), "uint4": (0, 15)}


def limits(name):
    if name in LIMITS:
        return LIMITS[name]
    info = np.iinfo(NUMPY[name])
    return info.min, info.max


def element_name(array):
    """The name of an array's element type."""
    if array.dtype.kind in "OUST":
        return "string"
    for name, dtype in NUMPY.items():
        if array.dtype == dtype:
            return name
    raise ValueError(f"no element type for {array.dtype}")


def convert(array, name):
    """The array as another element type, with values that the type can hold."""
    array = np.asarray(array)
    have = element_name(array)
    if have == name:
        return array
    target = NUMPY[name]
    if name == "string":
        return np.array([str(v) for v in array.reshape(-1)], dtype=object).reshape(array.shape)
    if have == "string":
        array = np.arange(array.size, dtype=np.float64).reshape(array.shape) % 7
    elif have.startswith("complex"):
        array = array.real
    if name == "bool":
        return array.astype(np.float64) > 0 if have in FLOATS else array.astype(np.float64) != 0
    if name in FLOATS or name.startswith("complex"):
        wide = array.astype(np.float64)
        if name in SMALL_FLOATS:
            top = float(ml_dtypes.finfo(target).max)
            wide = np.where(np.isfinite(wide), np.clip(wide, -top, top), 0)
            if name == "float8e8m0":
                wide = np.abs(wide) + 1
        return wide.astype(target)
    low, high = limits(name)
    wide = array.astype(np.float64)
    wide = np.where(np.isfinite(wide), wide, 0)
    if have in FLOATS:  # numbers around 1 keep some variety
        wide = np.rint(wide * 3) if np.any(wide != np.rint(wide)) else wide
    if low == 0:
        wide = np.abs(wide)
    wide = np.clip(wide, max(low, -2**53), min(high, 2**53))
    return wide.astype(np.int64).astype(target)


# -- type strings: tensor(float), seq(tensor(float)), optional(seq(tensor(int64))), map(string, int64), sparse_tensor(float)
def split_type(text):
    """'seq(tensor(float))' -> (['seq', 'tensor'], 'float'); maps are kept whole."""
    kinds = []
    while (m := re.fullmatch(r"(seq|optional|tensor|sparse_tensor)\((.*)\)", text)):
        kinds.append(m.group(1))
        text = m.group(2)
    return kinds, text


def type_proto(text):
    kinds, leaf = split_type(text)
    if (m := re.fullmatch(r"map\((.*?), *(.*)\)", leaf)):
        value = m.group(2) if "(" in m.group(2) else f"tensor({m.group(2)})"
        out = helper.make_map_type_proto(NUMBER[m.group(1)], type_proto(value))
    elif kinds and kinds[-1] == "sparse_tensor":
        out = helper.make_sparse_tensor_type_proto(NUMBER[leaf], None)
        kinds.pop()
    else:
        out = helper.make_tensor_type_proto(NUMBER[leaf], None)
        kinds.pop()
    for kind in reversed(kinds):
        out = helper.make_sequence_type_proto(out) if kind == "seq" else helper.make_optional_type_proto(out)
    return out


def type_text(proto):
    """The reverse of type_proto, shapes left out."""
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        return f"tensor({NAME[proto.tensor_type.elem_type]})"
    if kind == "sparse_tensor_type":
        return f"sparse_tensor({NAME[proto.sparse_tensor_type.elem_type]})"
    if kind == "sequence_type":
        return f"seq({type_text(proto.sequence_type.elem_type)})"
    if kind == "optional_type":
        return f"optional({type_text(proto.optional_type.elem_type)})"
    if kind == "map_type":
        return f"map({NAME[proto.map_type.key_type]}, {type_text(proto.map_type.value_type)[7:-1]})"
    return ""


def convert_value(value, text):
    """A tensor, list of tensors or None as the kind of value that a type string asks for; None if that cannot be."""
    kinds, leaf = split_type(text)
    if "map(" in leaf or "sparse_tensor" in kinds:
        raise TypeError(text)
    first = value
    while isinstance(first, list):
        first = first[0] if first else np.zeros((2,), np.float32)
    if "seq" in kinds:
        items = value if isinstance(value, list) else [first, first]
        return [convert(v, leaf) for v in items]
    return None if first is None else convert(first, leaf)


# -- files
def tensor_message(array, name=""):
    kind = element_name(array)
    if kind == "string":
        data = [v if isinstance(v, bytes) else str(v).encode() for v in np.asarray(array).reshape(-1)]
        return helper.make_tensor(name, TensorProto.STRING, array.shape, data)
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)


def map_message(pairs, name=""):
    out = onnx.MapProto(name=name)
    keys, values = list(pairs.keys()), list(pairs.values())
    if keys and isinstance(keys[0], str):
        out.key_type = TensorProto.STRING
        out.string_keys.extend(k.encode() for k in keys)
    else:
        out.key_type = TensorProto.INT64
        out.keys.extend(keys)
    kind = TensorProto.STRING if values and isinstance(values[0], str) else \
        TensorProto.FLOAT if values and isinstance(values[0], float) else TensorProto.INT64
    if kind == TensorProto.FLOAT and getattr(pairs, "double", False):
        kind = TensorProto.DOUBLE
    out.values.elem_type = onnx.SequenceProto.TENSOR
    dtype = {TensorProto.STRING: object, TensorProto.FLOAT: np.float32, TensorProto.DOUBLE: np.float64}.get(kind, np.int64)
    out.values.tensor_values.extend(tensor_message(np.array(v, dtype=dtype)) for v in values)
    return out


def message(value, text, name=""):
    kinds, _ = split_type(text)
    if isinstance(value, dict):
        return map_message(value, name)
    if kinds and kinds[0] == "optional":
        inner = text[len("optional("):-1]
        out = onnx.OptionalProto(name=name)
        sequence = inner.startswith("seq")
        out.elem_type = onnx.OptionalProto.SEQUENCE if sequence else onnx.OptionalProto.TENSOR
        if value is None:
            out.elem_type = onnx.OptionalProto.UNDEFINED
        elif sequence:
            out.sequence_value.CopyFrom(message(value, inner, name))
        else:
            out.tensor_value.CopyFrom(tensor_message(value, name))
        return out
    if isinstance(value, list):
        out = onnx.SequenceProto(name=name, elem_type=onnx.SequenceProto.TENSOR)
        out.tensor_values.extend(tensor_message(np.asarray(v)) for v in value)
        return out
    return tensor_message(np.asarray(value), name)


def read_value(path, proto):
    """A value that anyrt wrote, as array, list or None; maps as dicts."""
    data = pathlib.Path(path).read_bytes()
    return _decode(data, proto)


def _decode(data, proto):
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        return numpy_helper.to_array(onnx.TensorProto.FromString(data))
    if kind == "sequence_type":
        return _sequence(onnx.SequenceProto.FromString(data))
    if kind == "optional_type":
        out = onnx.OptionalProto.FromString(data)
        if out.elem_type == onnx.OptionalProto.UNDEFINED:
            return None
        if out.elem_type == onnx.OptionalProto.SEQUENCE:
            return _sequence(out.sequence_value)
        return numpy_helper.to_array(out.tensor_value)
    if kind == "map_type":
        return _map(onnx.MapProto.FromString(data))
    raise TypeError(kind)


def _map(m):
    keys = [k.decode() for k in m.string_keys] or list(m.keys)
    return dict(zip(keys, (numpy_helper.to_array(t).reshape(-1)[0] for t in m.values.tensor_values)))


def _sequence(s):
    if s.elem_type == onnx.SequenceProto.MAP:
        return [_map(m) for m in s.map_values]
    return [numpy_helper.to_array(t) for t in s.tensor_values]


# -- comparison
STEP = {"float16": 2e-3, "bfloat16": 1.6e-2, "float8e4m3fn": 0.13, "float8e4m3fnuz": 0.13, "float8e5m2": 0.26,
        "float8e5m2fnuz": 0.26, "float8e8m0": 1.0, "float4e2m1": 0.6}


def difference(found, expected, loose=1.0):
    """What is wrong with `found`, as text; empty when the values agree."""
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"sequence of {len(expected)} expected"
        return next((d for f, e in zip(found, expected) if (d := difference(f, e, loose))), "")
    if isinstance(expected, dict):
        if set(found) != set(expected):
            return f"keys {list(found)} instead of {list(expected)}"
        return next((f"key {k}: {found[k]} instead of {expected[k]}" for k in expected
                     if not _close(np.asarray(found[k]), np.asarray(expected[k]), 1e-4)), "")
    if expected is None or found is None:
        return "" if found is expected else f"{found} instead of {expected}"
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    if element_name(found) != element_name(expected):
        return f"{element_name(found)} instead of {element_name(expected)}"
    kind = element_name(found)
    if kind == "string":
        def text(a):
            return [v if isinstance(v, bytes) else str(v).encode() for v in a.reshape(-1)]
        return "" if text(found) == text(expected) else f"{found} instead of {expected}"
    step = STEP.get(kind, 1e-3) * loose
    if kind not in FLOATS and not kind.startswith("complex"):
        gap = np.abs(found.astype(np.float64) - expected.astype(np.float64))
        return "" if not gap.size or gap.max() <= (0 if loose <= 1 else 1) else \
            f"differs by {gap.max():g}: {str(found.reshape(-1)[:8])} instead of {str(expected.reshape(-1)[:8])}"
    if _close(found, expected, step):
        return ""
    return f"{str(found.reshape(-1)[:8])} instead of {str(expected.reshape(-1)[:8])}"


def _close(found, expected, step):
    if found.dtype.kind in "OUS" or expected.dtype.kind in "OUS":
        return str(found) == str(expected)
    wide = np.complex128 if found.dtype.kind == "c" else np.float64
    found, expected = found.astype(wide), expected.astype(wide)
    finite = expected[np.isfinite(expected)]
    scale = float(np.abs(finite).max()) if finite.size else 0.0
    with np.errstate(invalid="ignore"):
        return np.allclose(found, expected, rtol=step, atol=step * 1e-2 * scale + 1e-6, equal_nan=True)
