"""anyrt: runs ONNX models. ``import anyrt as ort`` serves programs written for onnxruntime.

    import anyrt as ort, numpy as np
    model = ort.InferenceSession('model.onnx')
    x = np.random.rand(1, 3, 224, 224).astype(np.float32)
    print(model.run(None, {model.get_inputs()[0].name: x}))
"""
from __future__ import annotations

import platform as _platform
from typing import Any, Callable, Mapping, Sequence

from . import _anyrt
from ._anyrt import __version__
from ._custom import custom_op, unregister_custom_op
from ._devices import (OrtAllocatorType, OrtArenaCfg, OrtCompiledModelCompatibility, OrtDevice, OrtDeviceMemoryType, OrtDeviceVendorId,
                       OrtEpDevice, OrtExecutionProviderDevicePolicy, OrtHardwareDevice, OrtHardwareDeviceType, OrtMemoryInfo,
                       OrtMemoryInfoDeviceType, OrtMemType)
from ._errors import *  # noqa: F401,F403
from ._errors import InvalidArgument, NotImplemented
from ._options import ExecutionMode, ExecutionOrder, GraphOptimizationLevel, RunOptions, SessionOptions
from ._session import (InferenceSession, ModelCompiler, ModelMetadata, NodeArg, get_all_providers, get_available_providers, set_seed)
from ._shim import install_as_onnxruntime
from ._values import IOBinding, OrtSparseFormat, OrtValue, OrtValueVector, SparseTensor, copy_tensors

SessionIOBinding = IOBinding


def get_device() -> str:
    return "CPU"


def get_version_string() -> str:
    return __version__


def get_build_info() -> str:
    return f"anyrt {__version__}"


def has_collective_ops() -> bool:
    return False


def config_keys() -> list[tuple[str, str, str]]:
    """(name, allowed values, meaning) of each setting of SessionOptions.set; docs/configuration.md says more."""
    return _anyrt.config_keys()


def _check_severity(severity: int) -> int:
    if not 0 <= int(severity) <= 4:
        raise InvalidArgument(f"severity is {severity}, expected 0 to 4")
    return int(severity)


def set_default_logger_severity(severity: int) -> None:
    """Messages of the process from this severity on: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal (none here)."""
    _anyrt.set_log_level(_check_severity(severity) + 1)


def set_default_logger_verbosity(verbosity: int) -> None:
    """No effect: there is one level of debug messages."""


def set_default_logger_callback(callback: Callable[[int, str, str, str, str], None] | None, severity: int = 2) -> None:
    """``callback(severity, category, logid, code_location, message)`` gets the process's messages; None: standard error."""
    _check_severity(severity)
    if callback is None:
        _anyrt.set_log_callback(None)
        return
    given = callback
    _anyrt.set_log_level(severity + 1)
    _anyrt.set_log_callback(lambda level, message: given(level - 1, "anyrt", "", "", message))


def set_global_thread_pool_sizes(intra_op_num_threads: int = 0, inter_op_num_threads: int = 0) -> None:
    """No effect: one pool serves the process; SessionOptions.intra_op_num_threads limits a session."""


def create_and_register_allocator(mem_info: OrtMemoryInfo, arena_cfg: OrtArenaCfg | None = None) -> None:
    """No effect: activations lie in one arena a session."""


def create_and_register_allocator_v2(provider_type: str, mem_info: OrtMemoryInfo, options: Mapping[str, str] | None = None,
                                     arena_cfg: OrtArenaCfg | None = None) -> None:
    """No effect: activations lie in one arena a session."""


def register_execution_provider_library(registration_name: str, library_path: str) -> None:
    raise NotImplemented("plugin libraries of onnxruntime cannot be loaded")


def unregister_execution_provider_library(registration_name: str) -> None:
    raise NotImplemented("plugin libraries of onnxruntime cannot be loaded")


def get_ep_devices() -> list[OrtEpDevice]:
    """The CPU."""
    return [OrtEpDevice()]


def get_hardware_devices() -> list[OrtHardwareDevice]:
    """The CPU."""
    return [OrtHardwareDevice()]


def get_model_compatibility_for_ep_devices(ep_devices: Sequence[OrtEpDevice], compatibility_info: str) -> OrtCompiledModelCompatibility:
    """EP_NOT_APPLICABLE: models are not compiled for providers here."""
    return OrtCompiledModelCompatibility.EP_NOT_APPLICABLE


def enable_telemetry_events() -> None:
    """No effect: anyrt sends nothing."""


def disable_telemetry_events() -> None:
    """No effect: anyrt sends nothing."""


def preload_dlls(*args: Any, **kwargs: Any) -> None:
    """No effect: there are none."""


def print_debug_info() -> None:
    """Prints version, platform and devices."""
    print(f"anyrt {__version__}, Python {_platform.python_version()}, {_platform.platform()}, devices {_anyrt.devices()}")
