"""The ONNX backend interface (onnx.backend.base): prepare, run_model, supports_device."""
import onnx
from onnx.backend.base import Backend, BackendRep

from ._session import InferenceSession


class AnyrtBackendRep(BackendRep):
    def __init__(self, session):
        self._session = session

    def run(self, inputs, **kwargs):
        if isinstance(inputs, dict):
            feed = inputs
        else:
            names = [a.name for a in self._session.get_inputs()]
            feed = dict(zip(names, inputs))
        return tuple(self._session.run(None, {k: v for k, v in feed.items()}))


class AnyrtBackend(Backend):
    @classmethod
    def supports_device(cls, device):
        return device.split(":")[0].upper() == "CPU"

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        data = model if isinstance(model, (str, bytes)) else onnx.ModelProto.SerializeToString(model)
        return AnyrtBackendRep(InferenceSession(data))

    @classmethod
    def run_model(cls, model, inputs, device="CPU", **kwargs):
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(cls, node, inputs, device="CPU", outputs_info=None, **kwargs):
        raise NotImplementedError("single nodes are run as models of one node")


prepare = AnyrtBackend.prepare
run_model = AnyrtBackend.run_model
run_node = AnyrtBackend.run_node
supports_device = AnyrtBackend.supports_device
