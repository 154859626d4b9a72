"""Exceptions: anyrt's own, and the names that onnxruntime gives them."""


class Error(Exception):
    """Base of all errors of anyrt. ``code`` is a word such as ``invalid_argument``."""

    code = "internal"


class Fail(Error):
    code = "fail"


class InvalidArgument(Error, ValueError):
    code = "invalid_argument"


class NoSuchFile(Error, FileNotFoundError):
    code = "not_found"


class NotFound(Error, LookupError):
    code = "not_found"


class NoModel(Error):
    code = "no_model"


class EngineError(Error):
    code = "engine_error"


class RuntimeException(Error, RuntimeError):
    code = "internal"


class InvalidProtobuf(Error):
    code = "invalid_model"


class ModelLoaded(Error):
    code = "model_loaded"


class NotImplemented(Error, NotImplementedError):  # noqa: A001 - onnxruntime's name
    code = "not_implemented"


class InvalidGraph(InvalidProtobuf):
    code = "invalid_model"


class EPFail(Error):
    code = "ep_fail"


class ModelLoadCanceled(Error):
    code = "cancelled"


class ModelRequiresCompilation(Error):
    code = "model_requires_compilation"


class DeviceReset(Error):
    code = "device_reset"


class Cancelled(Fail):
    """The run was stopped: RunOptions.terminate was set."""

    code = "cancelled"


class DeadlineExceeded(Fail, TimeoutError):
    code = "deadline_exceeded"


class ResourceExhausted(RuntimeException, MemoryError):
    code = "resource_exhausted"


_BY_CODE = {
    "invalid_argument": InvalidArgument,
    "invalid_model": InvalidGraph,
    "not_found": NotFound,
    "not_implemented": NotImplemented,
    "out_of_range": InvalidArgument,
    "resource_exhausted": ResourceExhausted,
    "cancelled": Cancelled,
    "deadline_exceeded": DeadlineExceeded,
    "io_error": RuntimeException,
    "internal": RuntimeException,
}


def from_status(code: str, message: str) -> Error:
    """The exception object for a status of the engine."""
    key = "".join("_" + c.lower() if c.isupper() else c for c in code).strip("_").replace(" ", "_").replace("__", "_")
    return _BY_CODE.get(key, RuntimeException)(message)
