"""SessionOptions and RunOptions with onnxruntime's names. docs/onnxruntime-names.md says what each one does here."""
from __future__ import annotations

import enum
import functools
import os
import pathlib
from typing import Any, Callable, Mapping, Sequence

from . import _anyrt
from ._devices import OrtEpDevice
from ._errors import InvalidArgument, NotImplemented, RuntimeException


class GraphOptimizationLevel(enum.IntEnum):
    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(enum.IntEnum):
    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(enum.IntEnum):
    DEFAULT = 0
    PRIORITY_BASED = 1
    MEMORY_EFFICIENT = 2


@functools.cache
def _table() -> dict[str, tuple[str, str]]:
    """The rows of _names.tsv: name -> (state, remark)."""
    lines = (pathlib.Path(__file__).parent / "_names.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {name: (state, remark) for name, state, remark in rows}


def _entry(kind: str, key: str, value: Any) -> str:
    """Checks a config entry against the table. A value that switches something on which is not there is an error."""
    row = _table().get(f"{kind} {key}")
    if row is None:
        raise InvalidArgument(f"there is no {kind} config entry '{key}'")
    if row[0] == "NotImplemented" and str(value) not in ("", "0"):
        raise NotImplemented(f"{kind} config entry '{key}': {row[1]}")
    return str(value)


def _flag(text: str) -> bool:
    return text != "0"


def _setting(key: str, kind: Callable[[str], Any], doc: str) -> Any:
    return property(lambda self: kind(self.get(key)), lambda self, value: self.set(key, value), doc=doc)


class _CallsProviders:
    """The provider methods of SessionOptions: the CPU is what there is."""

    _providers: list[tuple[str, dict[str, str]]]

    def add_provider(self, provider_name: str, options: Mapping[str, str] | None = None) -> None:
        """Asks for a provider; the session is made with the first that is there."""
        self._providers.append((str(provider_name), {str(k): str(v) for k, v in (options or {}).items()}))

    def add_provider_for_devices(self, ep_devices: Sequence[OrtEpDevice], provider_options: Mapping[str, str] | None = None) -> None:
        for device in ep_devices:
            self.add_provider(device.ep_name, provider_options)

    def has_providers(self) -> bool:
        return bool(self._providers)

    def set_provider_selection_policy(self, policy: Any) -> None:
        """No effect: every policy chooses the CPU, the one device there is."""

    def set_provider_selection_policy_delegate(self, delegate: Callable[..., Any]) -> None:
        """No effect: there is one device to choose from."""

    def set_ep_context_data_read_func(self, read_func: Callable[..., Any]) -> None:
        raise NotImplemented("EPContext nodes hold the code of other runtimes' providers and do not run here")

    def clear_ep_context_data_read_func(self) -> None:
        """Nothing to clear: none can be set."""


class SessionOptions(_CallsProviders):
    """Options of a session. Names of onnxruntime, and anyrt's own: ``disabled_passes``, ``on_stage`` (called with the
    name and number of nodes after each stage of loading) and the settings of docs/configuration.md: ``hint``, ``threads``,
    ``accuracy``, ``deterministic``, ``memory_cap``, ``cache_dir``, ``weight_cache``, ``log_level``. Settings that are not set
    here are as the environment (``ANYRT_*``) says."""

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}
        self._dims: list[tuple[str, int]] = []
        self._denoted: list[tuple[str, int]] = []
        self._config: dict[str, str] = {}
        self._providers = []
        self._initializers: list[tuple[str, Any]] = []
        self._external: list[tuple[str, bytes]] = []
        self._op_libraries: list[str] = []
        self._canceled = False
        self.inter_op_num_threads = 0
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        self.execution_order = ExecutionOrder.DEFAULT
        self.enable_cpu_mem_arena = True
        self.enable_mem_pattern = True
        self.enable_mem_reuse = True
        self.use_per_session_threads = True
        self.enable_profiling = False
        self.profile_file_prefix = "onnxruntime_profile_"
        self.optimized_model_filepath = ""
        self.logid = ""
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.disabled_passes: list[str] = []
        self.on_stage: Callable[[str, int], None] | None = None

    def set(self, key: str, value: Any) -> None:
        """Sets one setting by name; an unknown name or a value that is not allowed raises InvalidArgument with what is."""
        text = str(int(value)) if isinstance(value, (bool, int)) else str(value)
        self._settings[key] = _anyrt.check_config(key, text)

    def get(self, key: str) -> str:
        """The setting as text: what was set here, else what the environment says, else the default."""
        found = self._settings.get(key)
        return _anyrt.default_config(key) if found is None else found

    hint: str = _setting("hint", str, "What to spend: latency, throughput or memory.")
    threads: int = _setting("threads", int, "Threads that one run may use; 0 = what the process may use.")
    accuracy: str = _setting("accuracy", str, "strict, default or fast.")
    deterministic: bool = _setting("deterministic", _flag, "The same bits for every run and number of threads.")
    memory_cap: int | str = _setting("memory_cap", int, "Most bytes of one run's activations, with suffixes such as '512M'; 0 = no cap.")
    cache_dir: str = _setting("cache_dir", str, "Where files that outlive the process may be kept.")
    weight_cache: bool = _setting("weight_cache", _flag, "Keep packed weights in cache_dir and map them in later sessions.")
    log_level: str = _setting("log_level", str, "Messages of the process from this severity on.")
    intra_op_num_threads: int = _setting("threads", int, "Threads that one run may use; 0 = what the process may use.")
    use_deterministic_compute: bool = _setting("deterministic", _flag, "The same bits for every run and number of threads.")

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        """Gives a symbolic dimension of the model a fixed size."""
        self._dims.append((str(name), int(size)))

    def add_free_dimension_override_by_denotation(self, denotation: str, size: int) -> None:
        """Gives the open dimensions of a denotation, such as DATA_BATCH, a fixed size."""
        self._denoted.append((str(denotation), int(size)))

    def add_session_config_entry(self, key: str, value: str) -> None:
        """The keys of docs/onnxruntime-names.md; others raise InvalidArgument."""
        value = _entry("session", key, value)
        if key == "session.use_deterministic_compute":
            self.set("deterministic", value)
        if key in ("session.load_model_format", "session.save_model_format") and value.upper() not in ("", "ONNX"):
            raise NotImplemented(f"session config entry '{key}': the format is ONNX, found '{value}'")
        self._config[key] = value

    def get_session_config_entry(self, key: str) -> str:
        if key not in self._config:
            raise RuntimeException(f"session config entry '{key}' was not set")
        return self._config[key]

    def register_custom_ops_library(self, path: str | os.PathLike) -> None:
        """Adds the operators of a shared library made for anyrt's C interface (docs/custom-operators.md); one for
        onnxruntime raises NotImplemented."""
        _anyrt.check_op_library(os.fspath(path))
        self._op_libraries.append(os.fspath(path))

    def add_initializer(self, name: str, value: Any) -> None:
        """A tensor (OrtValue or array) in the place of the model's initializer, of the same type and shape."""
        self._initializers.append((str(name), getattr(value, "_value", value)))

    def add_external_initializers(self, names: Sequence[str], values: Sequence[Any]) -> None:
        """Tensors for initializers whose data the model keeps in other files, which then need not be there."""
        if len(names) != len(values):
            raise InvalidArgument(f"{len(names)} names for {len(values)} values")
        for name, value in zip(names, values):
            self.add_initializer(name, value)

    def add_external_initializers_from_files_in_memory(self, file_names: Sequence[str], buffers: Sequence[Any], buffer_lengths: Sequence[int]) -> None:
        """The bytes of external data files, by the location that the model gives."""
        for name, data, length in zip(file_names, buffers, buffer_lengths, strict=True):
            data = bytes(data)
            if len(data) < length:
                raise InvalidArgument(f"'{name}': {len(data)} bytes are here, {length} were announced")
            self._external.append((str(name), data[:length]))

    def set_load_cancellation_flag(self, is_cancel: bool) -> None:
        """While it is True, loading ends with ModelLoadCanceled after the stage that runs now."""
        self._canceled = bool(is_cancel)

    def _stage(self, name: str, nodes: int) -> None:
        from ._errors import ModelLoadCanceled
        if self._canceled:
            raise ModelLoadCanceled(f"loading was cancelled after stage '{name}'")
        if self.on_stage:
            self.on_stage(name, nodes)

    def _save_spec(self) -> dict[str, Any] | None:
        if not self.optimized_model_filepath:
            return None
        spec: dict[str, Any] = {"path": os.fspath(self.optimized_model_filepath)}
        external = self._config.get("session.optimized_model_external_initializers_file_name")
        if external:
            spec["external_file"] = external
            least = self._config.get("session.optimized_model_external_initializers_min_size_in_bytes")
            if least:
                spec["external_threshold"] = int(least)
        return spec

    def _native(self) -> dict[str, Any]:
        native: dict[str, Any] = {
            "config": dict(self._settings),
            "optimize": self.graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL,
            "disabled_passes": list(self.disabled_passes),
            "dims": list(self._dims),
            "denoted_dims": list(self._denoted),
            "on_stage": self._stage,
        }
        if self.enable_profiling:
            native["profile"] = str(self.profile_file_prefix)
        if self._initializers:
            native["initializers"] = list(self._initializers)
        if self._external:
            native["external_data"] = list(self._external)
        if self._op_libraries:
            native["op_libraries"] = list(self._op_libraries)
        if self.log_severity_level >= 0:
            native["log_severity"] = int(self.log_severity_level) + 1
        folder = self._config.get("session.model_external_initializers_file_folder_path")
        if folder:
            native["external_dir"] = folder
        save = self._save_spec()
        if save:
            native["save"] = save
        return native

    def __repr__(self) -> str:
        settings = "".join(f", {k}={v!r}" for k, v in sorted(self._settings.items()))
        return f"SessionOptions(graph_optimization_level={GraphOptimizationLevel(self.graph_optimization_level).name}{settings})"


class RunOptions:
    """Options of one run. Anyrt's own: ``timeout`` in seconds (0 = none), ``memory_cap`` in bytes (0 = the session's) and
    ``on_node``, called with (name, operator, outputs) after each node; what it raises ends the run."""

    def __init__(self) -> None:
        self._flag = _anyrt.Flag()
        self.timeout = 0.0
        self.memory_cap = 0
        self.on_node: Callable[[str, str, list], None] | None = None
        self.logid = ""
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.only_execute_path_to_fetches = False
        self._config: dict[str, str] = {}

    @property
    def terminate(self) -> bool:
        """Set it from another thread: the runs that go by these options end with Cancelled."""
        return self._flag.get()

    @terminate.setter
    def terminate(self, on: bool) -> None:
        self._flag.set(bool(on))

    @property
    def training_mode(self) -> bool:
        return False

    @training_mode.setter
    def training_mode(self, on: bool) -> None:
        if on:
            raise NotImplemented("models run for inference only")

    def add_run_config_entry(self, key: str, value: str) -> None:
        """The keys of docs/onnxruntime-names.md; others raise InvalidArgument."""
        self._config[key] = _entry("run", key, value)

    def get_run_config_entry(self, key: str) -> str:
        if key not in self._config:
            raise RuntimeException(f"run config entry '{key}' was not set")
        return self._config[key]

    def add_active_adapter(self, adapter: Any) -> None:
        raise NotImplemented("adapters are not read; give their tensors as inputs")

    def __repr__(self) -> str:
        return f"RunOptions(timeout={self.timeout}, terminate={self.terminate})"
