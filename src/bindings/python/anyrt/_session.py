"""InferenceSession with onnxruntime's names."""
import os
import warnings

from . import _anyrt
from ._errors import InvalidArgument, InvalidProtobuf, NoSuchFile, NotFound
from ._options import RunOptions, SessionOptions
from ._values import IOBinding, OrtValue

_PROVIDERS = {"CPUExecutionProvider": "cpu", "AnyrtLoopbackExecutionProvider": "loopback"}
_warned = set()


class NodeArg:
    """Name, type and shape of an input or output; open dimensions are names or None."""

    def __init__(self, name, type_name, shape):
        self.name, self.type, self.shape = name, type_name, shape if shape is not None else []

    def __repr__(self):
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


class ModelMetadata:
    def __init__(self, info):
        self.producer_name = info["producer_name"]
        self.graph_name = info["graph_name"]
        self.domain = info["domain"]
        self.description = info["description"]
        self.graph_description = ""
        self.version = info["version"]
        self.custom_metadata_map = dict(info["metadata"])

    def __repr__(self):
        return f"ModelMetadata(producer_name='{self.producer_name}', graph_name='{self.graph_name}', version={self.version})"


def get_available_providers():
    return ["CPUExecutionProvider"]


def get_all_providers():
    return list(_PROVIDERS)


def _devices_of(providers):
    """Providers are a preference: one warning for each that is not here; none of them here is an error."""
    if not providers:
        return []
    names = [p[0] if isinstance(p, (tuple, list)) else p for p in providers]
    found = [_PROVIDERS[n] for n in names if n in _PROVIDERS]
    missing = [n for n in names if n not in _PROVIDERS]
    if not found:
        raise InvalidArgument(f"none of the providers {names} is available; available are {get_available_providers()}")
    for name in missing:
        if name not in _warned:
            _warned.add(name)
            warnings.warn(f"provider '{name}' is not available; available are {get_available_providers()}", stacklevel=4)
    return found


class InferenceSession:
    """A model ready to run: ``InferenceSession('model.onnx').run(None, {'input': array})``.

    ``path_or_bytes`` is a path or the bytes of a model. Any number of threads may call ``run`` at a time."""

    def __init__(self, path_or_bytes, sess_options=None, providers=None, provider_options=None, **kwargs):
        unknown = set(kwargs) - {"disabled_optimizers", "enable_fallback"}
        if unknown:
            raise InvalidArgument(f"unknown arguments {sorted(unknown)}")
        self._options = sess_options if sess_options is not None else SessionOptions()
        self._source = path_or_bytes
        self._provider_names = list(providers or [])
        native = self._options._native()
        devices = _devices_of(providers)
        if devices and devices[0] != "cpu":
            native["devices"] = devices
        if isinstance(path_or_bytes, (str, os.PathLike)):
            path = os.fspath(path_or_bytes)
            if not os.path.isfile(path):
                raise NoSuchFile(f"Load model from {path} failed: File doesn't exist")
            self._native = _anyrt.Session(path, native)
        else:
            data = path_or_bytes if isinstance(path_or_bytes, bytes) else bytes(path_or_bytes)
            if not data:
                raise InvalidProtobuf("the model has no bytes")
            self._native = _anyrt.Session(data, native)
        self._run = self._native.run

    def run(self, output_names, input_feed, run_options=None):
        """Outputs in the order of ``output_names`` (None or empty: all of them), as NumPy arrays, lists and dicts."""
        if run_options is None:
            return self._run(output_names or None, input_feed)
        return self._run(output_names or None, input_feed, run_options.timeout, run_options.memory_cap, run_options._flag)

    def _run_values(self, names, feed, run_options=None):
        feed = {k: v._value if isinstance(v, OrtValue) else v for k, v in feed.items()}
        o = run_options or RunOptions()
        return self._native.run(names or None, feed, o.timeout, o.memory_cap, o._flag, True)

    def run_with_ort_values(self, output_names, input_dict_ort_values, run_options=None):
        return [OrtValue(v) for v in self._run_values(output_names, input_dict_ort_values, run_options)]

    def run_with_iobinding(self, iobinding, run_options=None):
        iobinding._run(run_options)

    def run_async(self, output_names, input_feed, callback, user_data, run_options=None):
        """Runs on a thread of its own; then ``callback(outputs, user_data, error)``, error '' when all went well."""
        import threading

        def work():
            try:
                outputs, error = self.run(output_names, input_feed, run_options), ""
            except Exception as e:  # handed to the callback
                outputs, error = [], str(e)
            callback(outputs, user_data, error)

        threading.Thread(target=work, daemon=True).start()

    def io_binding(self):
        return IOBinding(self)

    def get_inputs(self):
        return [NodeArg(*a) for a in self._native.inputs]

    def get_outputs(self):
        return [NodeArg(*a) for a in self._native.outputs]

    def get_overridable_initializers(self):
        return [NodeArg(*a) for a in self._native.initializers]

    def get_modelmeta(self):
        return ModelMetadata(self._native.info)

    def get_providers(self):
        return [n for n in self._provider_names if n in _PROVIDERS] or ["CPUExecutionProvider"]

    def get_provider_options(self):
        return {n: {} for n in self.get_providers()}

    def set_providers(self, providers=None, provider_options=None):
        self.__init__(self._source, self._options, providers, provider_options)

    def get_session_options(self):
        return self._options

    def disable_fallback(self):
        """There is no fallback to disable."""

    def enable_fallback(self):
        """Nothing falls back silently."""

    def explain(self):
        """What the passes did and which kernel runs each node, as text."""
        return self._native.explain()

    def end_profiling(self):
        raise NotFound("profiling was not enabled")

    def __reduce__(self):
        return (_restore, (self._source, self._options._state(), self._provider_names))

    def __repr__(self):
        args = [f"{a.name}: {a.type}{a.shape}" for a in self.get_inputs()]
        outs = [f"{a.name}: {a.type}{a.shape}" for a in self.get_outputs()]
        where = self._source if isinstance(self._source, (str, os.PathLike)) else f"{len(self._source)} bytes"
        return f"InferenceSession({str(where)!r}, inputs=[{', '.join(args)}], outputs=[{', '.join(outs)}])"


def _restore(source, state, providers):
    options = SessionOptions()
    options.__dict__.update(state)
    return InferenceSession(source, options, providers or None)
