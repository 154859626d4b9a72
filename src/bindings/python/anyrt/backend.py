"""The ONNX backend interface (onnx.backend.base): prepare, run_model, run_node, supports_device, is_compatible."""
from __future__ import annotations

import os
from typing import Any, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

from ._errors import InvalidArgument, NotImplemented
from ._options import SessionOptions
from ._session import InferenceSession


class AnyrtBackendRep(BackendRep):
    """A model ready to run."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def run(self, inputs: Any, **kwargs: Any) -> tuple:
        """``inputs``: a dict by name, a list in the model's order, or one array. Outputs as a tuple with their names."""
        names = [a.name for a in self._session.get_inputs()]
        if isinstance(inputs, Mapping):
            feed = dict(inputs)
        elif isinstance(inputs, (list, tuple)):
            if len(inputs) > len(names):
                names += [a.name for a in self._session.get_overridable_initializers()]
            if len(inputs) > len(names):
                raise InvalidArgument(f"the model takes {len(names)} inputs, found {len(inputs)}")
            feed = dict(zip(names, inputs))
        else:
            feed = {names[0]: inputs}
        outputs = self._session.run(None, feed)
        return namedtupledict("Outputs", [a.name for a in self._session.get_outputs()])(*outputs)


class AnyrtBackend(Backend):
    """Class methods with the meaning of onnx.backend.base.Backend; the module has functions of the same names."""

    @classmethod
    def is_compatible(cls, model: Any, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether the model loads."""
        try:
            cls.prepare(model, device, **kwargs)
        except Exception:
            return False
        return True

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.split(":")[0].upper() == "CPU"

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **kwargs: Any) -> AnyrtBackendRep:
        """``model``: a ModelProto, a path, bytes or a session. Keyword arguments set options of the session by name."""
        if not cls.supports_device(device):
            raise NotImplemented(f"device '{device}': models run on the CPU")
        if isinstance(model, AnyrtBackendRep):
            return model
        if isinstance(model, InferenceSession):
            return AnyrtBackendRep(model)
        options = SessionOptions()
        for name, value in kwargs.items():
            if not hasattr(options, name):
                raise InvalidArgument(f"there is no option '{name}'")
            setattr(options, name, value)
        data = model if isinstance(model, (str, bytes, os.PathLike)) else model.SerializeToString()
        return AnyrtBackendRep(InferenceSession(data, options))

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple:
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU",
                 outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None = None, **kwargs: Any) -> tuple:
        """Runs one node. Types come from the inputs; ``outputs_info`` may tell those of the outputs; ``opset_version`` the
        opset (default: the newest that the onnx package knows)."""
        version = int(kwargs.pop("opset_version", onnx.defs.onnx_opset_version()))
        names = [n for n in node.input if n]
        values = [inputs[n] for n in names] if isinstance(inputs, Mapping) else list(inputs)
        if len(values) != len(names):
            raise InvalidArgument(f"the node takes {len(names)} inputs, found {len(values)}")
        feed = {n: np.asarray(v) if not isinstance(v, list) else v for n, v in zip(names, values)}
        infos = [_value_info(n, v) for n, v in feed.items()]
        outs = []
        for i, name in enumerate(n for n in node.output if n):
            if outputs_info is not None and i < len(outputs_info):
                dtype, shape = outputs_info[i]
                outs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape))
            else:
                outs.append(onnx.ValueInfoProto(name=name))
        graph = helper.make_graph([node], "node", infos, outs)
        opsets = [helper.make_opsetid("", version)]
        if node.domain not in ("", "ai.onnx"):
            opsets.append(helper.make_opsetid(node.domain, int(kwargs.pop("domain_version", 1))))
        made = helper.make_model(graph, opset_imports=opsets)
        return cls.run_model(made, feed, device, **kwargs)


def _value_info(name: str, value: Any) -> onnx.ValueInfoProto:
    if isinstance(value, list):
        elem = helper.np_dtype_to_tensor_dtype(np.asarray(value[0]).dtype) if value else onnx.TensorProto.FLOAT
        return helper.make_tensor_sequence_value_info(name, elem, None)
    kind = onnx.TensorProto.STRING if value.dtype.kind in "OUS" else helper.np_dtype_to_tensor_dtype(value.dtype)
    return helper.make_tensor_value_info(name, kind, value.shape)


is_compatible = AnyrtBackend.is_compatible
prepare = AnyrtBackend.prepare
run_model = AnyrtBackend.run_model
run_node = AnyrtBackend.run_node
supports_device = AnyrtBackend.supports_device
