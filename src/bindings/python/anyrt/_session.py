"""InferenceSession and ModelCompiler with onnxruntime's names."""
from __future__ import annotations

import os
import threading
import warnings
from typing import Any, Callable, Mapping, Sequence

from . import _anyrt
from ._devices import OrtEpDevice, OrtMemoryInfo, cpu_memory
from ._errors import InvalidArgument, NoModel, NoSuchFile, NotImplemented
from ._options import GraphOptimizationLevel, RunOptions, SessionOptions
from ._values import IOBinding, OrtValue

_PROVIDERS = {"CPUExecutionProvider": "cpu", "AnyrtLoopbackExecutionProvider": "loopback"}
_warned: set[str] = set()
_seed = 0

ProviderList = Sequence["str | tuple[str, Mapping[str, Any]]"]


def set_seed(seed: int) -> None:
    """The seed of random operators without one of their own, for sessions made from now on."""
    global _seed
    _seed = int(seed) % 2**64


class NodeArg:
    """Name, type and shape of an input or output; open dimensions are names or None."""

    def __init__(self, name: str, type_name: str, shape: list | None) -> None:
        self.name, self.type, self.shape = name, type_name, shape if shape is not None else []

    def __repr__(self) -> str:
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


class ModelMetadata:
    """What the model file says about itself."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self.producer_name: str = info["producer_name"]
        self.graph_name: str = info["graph_name"]
        self.domain: str = info["domain"]
        self.description: str = info["description"]
        self.graph_description: str = info["graph_description"]
        self.version: int = info["version"]
        self.custom_metadata_map: dict[str, str] = dict(info["metadata"])

    def __repr__(self) -> str:
        return f"ModelMetadata(producer_name='{self.producer_name}', graph_name='{self.graph_name}', version={self.version})"


def get_available_providers() -> list[str]:
    return ["CPUExecutionProvider"]


def get_all_providers() -> list[str]:
    return list(_PROVIDERS)


def _devices_of(providers: ProviderList | None) -> list[str]:
    """Providers are a preference: one warning for each that is not here; none of them here is an error."""
    if not providers:
        return []
    names = [p[0] if isinstance(p, (tuple, list)) else p for p in providers]
    found = [_PROVIDERS[n] for n in names if n in _PROVIDERS]
    if not found:
        raise InvalidArgument(f"none of the providers {names} is available; available are {get_available_providers()}")
    for name in names:
        if name not in _PROVIDERS and name not in _warned:
            _warned.add(name)
            warnings.warn(f"provider '{name}' is not available; available are {get_available_providers()}", stacklevel=4)
    return found


def _source(path_or_bytes: Any) -> str | bytes:
    """The path as text, or the bytes of the model."""
    if isinstance(path_or_bytes, (str, os.PathLike)):
        path = os.fspath(path_or_bytes)
        if not os.path.isfile(path):
            raise NoSuchFile(f"Load model from {path} failed: File doesn't exist")
        return path
    if not isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
        raise TypeError(f"expected the path or the bytes of a model, found {type(path_or_bytes).__name__}")
    if not len(path_or_bytes):
        raise NoModel("the model has no bytes")
    return path_or_bytes if isinstance(path_or_bytes, bytes) else bytes(path_or_bytes)


class InferenceSession:
    """A model ready to run: ``InferenceSession('model.onnx').run(None, {'input': array})``.

    ``path_or_bytes`` is a path or the bytes of a model. Any number of threads may call ``run`` at a time."""

    def __init__(self, path_or_bytes: Any, sess_options: SessionOptions | None = None, providers: ProviderList | None = None,
                 provider_options: Sequence[Mapping[str, Any]] | None = None, **kwargs: Any) -> None:
        unknown = set(kwargs) - {"disabled_optimizers", "enable_fallback", "read_config_from_model"}
        if unknown:
            raise InvalidArgument(f"unknown arguments {sorted(unknown)}")
        if kwargs.get("disabled_optimizers"):
            warnings.warn("disabled_optimizers names passes of onnxruntime; SessionOptions.disabled_passes names those that are here", stacklevel=2)
        self._options = sess_options if sess_options is not None else SessionOptions()
        self._source = path_or_bytes
        wanted = list(providers) if providers else [name for name, _ in self._options._providers]
        self._provider_names = [p[0] if isinstance(p, (tuple, list)) else p for p in wanted]
        native = self._options._native()
        native["seed"] = _seed
        devices = _devices_of(wanted)
        if devices and devices[0] != "cpu":
            native["devices"] = devices
        self._native = _anyrt.Session(_source(path_or_bytes), native)
        self._run = self._native.run
        self._call = self._native.call

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None) -> list:
        """Outputs in the order of ``output_names`` (None or empty: all of them), as NumPy arrays, lists and dicts."""
        if run_options is None:
            return self._call(output_names or None, input_feed)
        return self._run_with(output_names, input_feed, run_options, False)

    def _run_with(self, names: Sequence[str] | None, feed: Any, o: RunOptions, as_values: bool, into: dict[str, Any] | None = None) -> list:
        hook = o.on_node
        if hook is not None:
            given = hook
            hook = lambda name, op, made: given(name, op, [OrtValue(v) for v in made])  # noqa: E731
        out = self._run(names or None, feed, o.timeout, o.memory_cap, o._flag, as_values, hook, o.log_severity_level + 1, into)
        if "memory.enable_memory_arena_shrinkage" in o._config:
            self._native.trim()
        return out

    def _run_values(self, names: Sequence[str] | None, feed: Mapping[str, Any], run_options: RunOptions | None = None,
                    into: dict[str, Any] | None = None) -> list:
        feed = {k: v._value if isinstance(v, OrtValue) else v for k, v in feed.items()}
        return self._run_with(names, feed, run_options or RunOptions(), True, into)

    def run_with_ort_values(self, output_names: Sequence[str] | None, input_dict_ort_values: Mapping[str, OrtValue],
                            run_options: RunOptions | None = None) -> list[OrtValue]:
        return [OrtValue(v) for v in self._run_values(output_names, input_dict_ort_values, run_options)]

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        if iobinding._session is not self:
            raise InvalidArgument("the binding was made by another session")
        iobinding._run(run_options)

    def run_with_ortvaluevector(self, run_options: RunOptions | None, feed_names: Sequence[str], feeds: Sequence[OrtValue],
                                fetch_names: Sequence[str], fetches: list, fetch_devices: Sequence[Any]) -> None:
        """Puts the outputs into the list ``fetches``."""
        fetches[:] = self.run_with_ort_values(fetch_names, dict(zip(feed_names, feeds, strict=True)), run_options)

    def run_async(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any],
                  callback: Callable[[list, Any, str], None], user_data: Any = None, run_options: RunOptions | None = None) -> None:
        """Runs on a thread of its own; then ``callback(outputs, user_data, error)``, error '' when all went well."""
        def work() -> None:
            try:
                outputs, error = self.run(output_names, input_feed, run_options), ""
            except Exception as e:  # handed to the callback
                outputs, error = [], str(e)
            callback(outputs, user_data, error)

        threading.Thread(target=work, daemon=True).start()

    def io_binding(self) -> IOBinding:
        return IOBinding(self)

    def get_inputs(self) -> list[NodeArg]:
        return [NodeArg(*a) for a in self._native.inputs]

    def get_outputs(self) -> list[NodeArg]:
        return [NodeArg(*a) for a in self._native.outputs]

    def get_overridable_initializers(self) -> list[NodeArg]:
        return [NodeArg(*a) for a in self._native.initializers]

    def get_modelmeta(self) -> ModelMetadata:
        return ModelMetadata(self._native.info)

    def get_providers(self) -> list[str]:
        return [n for n in self._provider_names if n in _PROVIDERS] or ["CPUExecutionProvider"]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {n: {} for n in self.get_providers()}

    def set_providers(self, providers: ProviderList | None = None, provider_options: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Makes the session anew for these providers."""
        InferenceSession.__init__(self, self._source, self._options, providers, provider_options)

    def get_session_options(self) -> SessionOptions:
        return self._options

    def get_input_memory_infos(self) -> list[OrtMemoryInfo]:
        return [cpu_memory() for _ in self._native.inputs]

    def get_output_memory_infos(self) -> list[OrtMemoryInfo]:
        return [cpu_memory() for _ in self._native.outputs]

    def get_input_epdevices(self) -> list[OrtEpDevice]:
        return [OrtEpDevice() for _ in self._native.inputs]

    def get_provider_graph_assignment_info(self) -> list:
        raise NotImplemented("session.explain() says which device and kernel runs each node")

    def set_ep_dynamic_options(self, options: Mapping[str, str]) -> None:
        raise NotImplemented("no provider here has options that change after loading")

    def get_tuning_results(self) -> list:
        """No effect: kernels are not tuned by trials, so there are no results."""
        return []

    def set_tuning_results(self, results: Sequence[Any], *, error_on_invalid: bool = False) -> None:
        if results:
            raise NotImplemented("kernels are not tuned by trials")

    def disable_fallback(self) -> None:
        """No effect: nothing falls back, so there is nothing to disable."""

    def enable_fallback(self) -> None:
        """No effect: nothing falls back silently."""

    def explain(self) -> str:
        """What the passes did and which kernel runs each node, as text."""
        return self._native.explain()

    def end_profiling(self) -> str:
        """Writes the events so far as a Chrome trace and gives the file's name."""
        return self._native.end_profiling()

    def get_profiling_start_time_ns(self) -> int:
        """When profiling began, in nanoseconds of the system clock; 0 where it was not enabled."""
        return self._native.profiling_start_ns

    def __reduce__(self) -> Any:
        return (_restore, (self._source, self._options.__dict__, self._provider_names))

    def __repr__(self) -> str:
        args = [f"{a.name}: {a.type}{a.shape}" for a in self.get_inputs()]
        outs = [f"{a.name}: {a.type}{a.shape}" for a in self.get_outputs()]
        where = self._source if isinstance(self._source, (str, os.PathLike)) else f"{len(self._source)} bytes"
        return f"InferenceSession({str(where)!r}, inputs=[{', '.join(args)}], outputs=[{', '.join(outs)}])"


def _restore(source: Any, state: dict[str, Any], providers: list[str]) -> InferenceSession:
    options = SessionOptions()
    options.__dict__.update(state)
    return InferenceSession(source, options, providers or None)


class ModelCompiler:
    """Writes the model as it is after the graph passes that hold for every device. Unlike onnxruntime's it compiles for no
    provider: the result is a plain ONNX model, which may use operators of com.microsoft and anyrt."""

    def __init__(self, sess_options: SessionOptions, input_model_path_or_bytes: Any, embed_compiled_data_into_model: bool = False,
                 external_initializers_file_path: str | os.PathLike | None = None, external_initializers_size_threshold: int = 1024,
                 flags: int = 0, graph_optimization_level: GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
                 get_initializer_location_func: Callable[..., Any] | None = None) -> None:
        if get_initializer_location_func is not None:
            raise NotImplemented("where each initializer goes cannot be chosen; external_initializers_file_path takes all large ones")
        self._native = {**sess_options._native(), "optimize": graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL}
        self._model = _source(input_model_path_or_bytes)
        self._flags = int(flags)
        self._spec: dict[str, Any] = {}
        if external_initializers_file_path:
            self._spec = {"external_file": os.path.basename(os.fspath(external_initializers_file_path)),
                          "external_threshold": int(external_initializers_size_threshold)}

    def _save(self, where: Mapping[str, Any]) -> None:
        _anyrt.Session(self._model, {**self._native, "save": {**self._spec, **where}})

    def compile_to_file(self, output_model_path: str | os.PathLike | None = None) -> None:
        """Writes the file; by default beside the model, as <name>_ctx.onnx."""
        if output_model_path is None:
            if not isinstance(self._model, str):
                raise InvalidArgument("a model in memory needs output_model_path")
            output_model_path = os.path.splitext(self._model)[0] + "_ctx.onnx"
        if self._flags & 2 and os.path.exists(output_model_path):
            raise InvalidArgument(f"'{os.fspath(output_model_path)}' exists")
        self._save({"path": os.fspath(output_model_path)})

    def compile_to_bytes(self) -> bytes:
        parts: list[bytes] = []
        self.compile_to_stream(parts.append)
        return b"".join(parts)

    def compile_to_stream(self, write_function: Callable[[bytes], None]) -> None:
        if self._spec:
            raise InvalidArgument("weights beside the model need compile_to_file")
        self._save({"write": write_function})

    def set_ep_context_binary_information(self, output_directory: str | os.PathLike, model_name: str) -> None:
        raise NotImplemented("there are no EPContext nodes")

    def set_ep_context_data_write_func(self, write_func: Callable[..., None]) -> None:
        raise NotImplemented("there are no EPContext nodes")

    def clear_ep_context_data_write_func(self) -> None:
        """Nothing to clear: none can be set."""
