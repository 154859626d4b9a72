"""SessionOptions and RunOptions with onnxruntime's names. docs/onnxruntime-names.md says what each one does here."""
import enum
import functools
import pathlib

from . import _anyrt
from ._errors import InvalidArgument, NotImplemented


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


def _flag(text):
    return text != "0"


def _setting(key, kind, doc):
    return property(lambda self: kind(self.get(key)), lambda self, value: self.set(key, value), doc=doc)


@functools.cache
def _config_keys():
    return frozenset((pathlib.Path(__file__).parent / "_config_keys.txt").read_text().split())


class SessionOptions:
    """Options of a session. Names of onnxruntime, and anyrt's own: ``disabled_passes`` and the settings of
    docs/configuration.md: ``hint``, ``threads``, ``accuracy``, ``deterministic``, ``memory_cap``, ``cache_dir``,
    ``log_level``. Those that are not set here are as the environment (``ANYRT_*``) says."""

    def __init__(self):
        self._settings = {}
        self.inter_op_num_threads = 0
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        self.execution_order = ExecutionOrder.DEFAULT
        self.enable_cpu_mem_arena = True
        self.enable_mem_pattern = True
        self.enable_mem_reuse = True
        self.profile_file_prefix = "onnxruntime_profile_"
        self.logid = ""
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.disabled_passes = []
        self._dims = []
        self._config = {}

    def set(self, key, value):
        """Sets one setting by name; an unknown name or a value that is not allowed raises InvalidArgument with what is."""
        text = str(int(value)) if isinstance(value, (bool, int)) else str(value)
        self._settings[key] = _anyrt.check_config(key, text)

    def get(self, key):
        """The setting as text: what was set here, else what the environment says, else the default."""
        found = self._settings.get(key)
        return _anyrt.default_config(key) if found is None else found

    hint = _setting("hint", str, "What to spend: latency, throughput or memory.")
    threads = _setting("threads", int, "Threads that one run may use; 0 = what the process may use.")
    accuracy = _setting("accuracy", str, "strict, default or fast.")
    deterministic = _setting("deterministic", _flag, "The same bits for every run and number of threads.")
    memory_cap = _setting("memory_cap", int, "Most bytes of one run's activations, with suffixes such as '512M'; 0 = no cap.")
    cache_dir = _setting("cache_dir", str, "Where files that outlive the process may be kept.")
    log_level = _setting("log_level", str, "Messages of the process from this severity on.")
    intra_op_num_threads = _setting("threads", int, "Threads that one run may use; 0 = what the process may use.")
    use_deterministic_compute = _setting("deterministic", _flag, "The same bits for every run and number of threads.")

    enable_profiling = property(lambda self: False)
    optimized_model_filepath = property(lambda self: "")

    @enable_profiling.setter
    def enable_profiling(self, on):
        if on:
            raise NotImplemented("profiling is not written to a file; the command 'anyrt bench --profile' shows times by node")

    @optimized_model_filepath.setter
    def optimized_model_filepath(self, path):
        if path:
            raise NotImplemented("the optimised model is not saved; 'anyrt dump MODEL --after=final' prints it")

    def add_free_dimension_override_by_name(self, name, size):
        self._dims.append((str(name), int(size)))

    def add_free_dimension_override_by_denotation(self, denotation, size):
        raise NotImplemented("dimensions are overridden by name, not by denotation")

    def add_session_config_entry(self, key, value):
        if key not in _config_keys():
            raise InvalidArgument(f"there is no session config entry '{key}'")
        self._config[key] = value

    def get_session_config_entry(self, key):
        if key not in self._config:
            raise InvalidArgument(f"session config entry '{key}' was not set")
        return self._config[key]

    def register_custom_ops_library(self, path):
        raise NotImplemented(f"'{path}' is a library for onnxruntime's interface, which anyrt does not load")

    def add_initializer(self, name, value):
        raise NotImplemented("initializers cannot be replaced; give them as inputs where the model allows it")

    def add_external_initializers(self, names, values):
        raise NotImplemented("initializers cannot be replaced; give them as inputs where the model allows it")

    def _native(self):
        return {
            "config": dict(self._settings),
            "optimize": self.graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL,
            "disabled_passes": list(self.disabled_passes),
            "dims": list(self._dims),
        }

    def _state(self):
        return dict(self.__dict__)

    def __repr__(self):
        return (f"SessionOptions(intra_op_num_threads={self.intra_op_num_threads}, accuracy={self.accuracy!r}, "
                f"graph_optimization_level={GraphOptimizationLevel(self.graph_optimization_level).name})")


class RunOptions:
    """Options of one run; ``timeout`` in seconds (0 = none) and ``memory_cap`` in bytes are anyrt's own."""

    def __init__(self):
        self._flag = _anyrt.Flag()
        self.timeout = 0.0
        self.memory_cap = 0
        self.logid = ""
        self.log_severity_level = -1
        self.log_verbosity_level = 0
        self.only_execute_path_to_fetches = False
        self._config = {}

    @property
    def terminate(self):
        return self._flag.get()

    @terminate.setter
    def terminate(self, on):
        self._flag.set(bool(on))

    training_mode = property(lambda self: False)

    @training_mode.setter
    def training_mode(self, on):
        if on:
            raise NotImplemented("models run for inference only")

    def add_run_config_entry(self, key, value):
        self._config[key] = value

    def get_run_config_entry(self, key):
        if key not in self._config:
            raise InvalidArgument(f"run config entry '{key}' was not set")
        return self._config[key]

    def __repr__(self):
        return f"RunOptions(timeout={self.timeout}, terminate={self.terminate})"
