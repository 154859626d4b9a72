"""``import onnxruntime`` gives this package."""
from __future__ import annotations

import sys
import types


def install_as_onnxruntime() -> None:
    """Makes ``import onnxruntime`` give this package, in this process, also where onnxruntime is installed. Call it before
    anything imports onnxruntime."""
    import anyrt
    sys.modules["onnxruntime"] = anyrt
    capi = types.ModuleType("onnxruntime.capi")
    sys.modules["onnxruntime.capi"] = capi
    setattr(anyrt, "capi", capi)
    for name in ("onnxruntime_pybind11_state", "_pybind_state", "onnxruntime_inference_collection"):
        module = types.ModuleType(f"onnxruntime.capi.{name}")
        module.__dict__.update({n: getattr(anyrt, n) for n in dir(anyrt) if not n.startswith("_")})
        setattr(capi, name, module)
        sys.modules[module.__name__] = module
