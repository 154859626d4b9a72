"""anyrt: runs ONNX models. ``import anyrt as ort`` serves programs written for onnxruntime.

    import anyrt as ort, numpy as np
    model = ort.InferenceSession('model.onnx')
    x = np.random.rand(1, 3, 224, 224).astype(np.float32)
    print(model.run(None, {model.get_inputs()[0].name: x}))
"""
import platform as _platform

from . import _anyrt
from ._anyrt import __version__
from ._errors import *  # noqa: F401,F403
from ._errors import InvalidArgument, NotImplemented
from ._options import ExecutionMode, ExecutionOrder, GraphOptimizationLevel, RunOptions, SessionOptions
from ._session import InferenceSession, ModelMetadata, NodeArg, get_all_providers, get_available_providers
from ._values import IOBinding, OrtAllocatorType, OrtDevice, OrtMemType, OrtValue, SparseTensor


def get_device():
    return "CPU"


def set_seed(seed):
    raise NotImplemented("random operators take their seed from the model (attribute seed)")


def set_default_logger_severity(severity):
    """Messages of the process from this severity on: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal (none here)."""
    if not 0 <= severity <= 4:
        raise InvalidArgument(f"severity is {severity}, expected 0 to 4")
    _anyrt.set_log_level(severity + 1)


def set_default_logger_verbosity(verbosity):
    """No effect: there is one level of debug messages."""


def set_global_thread_pool_sizes(intra_op=0, inter_op=0):
    """No effect: one pool serves the process; SessionOptions.intra_op_num_threads limits a session."""


def create_and_register_allocator(mem_info, arena_cfg=None):
    """No effect: activations lie in one arena a session."""


def create_and_register_allocator_v2(provider_type, mem_info, arena_cfg=None, options=None):
    """No effect: activations lie in one arena a session."""


def register_execution_provider_library(name, path):
    raise NotImplemented("plugin libraries of onnxruntime cannot be loaded")


def unregister_execution_provider_library(name):
    raise NotImplemented("plugin libraries of onnxruntime cannot be loaded")


def get_ep_devices():
    raise NotImplemented("devices are listed by the command 'anyrt devices'")


def enable_telemetry_events():
    """No effect: anyrt sends nothing."""


def disable_telemetry_events():
    """No effect: anyrt sends nothing."""


def preload_dlls(*args, **kwargs):
    """No effect: there are none."""


def print_debug_info():
    print(f"anyrt {__version__}, Python {_platform.python_version()}, {_platform.platform()}, devices {_anyrt.devices()}")


def install_as_onnxruntime():
    """Makes ``import onnxruntime`` give this package, in this process."""
    import sys
    import types
    me = sys.modules[__name__]
    sys.modules["onnxruntime"] = me
    capi = types.ModuleType("onnxruntime.capi")
    state = types.ModuleType("onnxruntime.capi.onnxruntime_pybind11_state")
    for name in dir(me):
        if not name.startswith("_"):
            setattr(state, name, getattr(me, name))
    capi.onnxruntime_pybind11_state = state
    capi._pybind_state = state
    sys.modules["onnxruntime.capi"] = capi
    sys.modules["onnxruntime.capi.onnxruntime_pybind11_state"] = state
    sys.modules["onnxruntime.capi._pybind_state"] = state
