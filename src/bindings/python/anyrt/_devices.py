"""Devices, memory and allocators with onnxruntime's names. Values lie in the CPU's memory, the only one there is here."""
from __future__ import annotations

import enum
import os

from . import _anyrt
from ._errors import NotImplemented


class OrtMemType(enum.IntEnum):
    CPU_INPUT = -2
    CPU_OUTPUT = -1
    CPU = -1
    DEFAULT = 0


class OrtAllocatorType(enum.IntEnum):
    INVALID = -1
    ORT_DEVICE_ALLOCATOR = 0
    ORT_ARENA_ALLOCATOR = 1


class OrtDeviceMemoryType(enum.IntEnum):
    DEFAULT = 0
    HOST_ACCESSIBLE = 5


class OrtMemoryInfoDeviceType(enum.IntEnum):
    CPU = 0
    GPU = 1
    FPGA = 2
    NPU = 3


class OrtHardwareDeviceType(enum.IntEnum):
    CPU = 0
    GPU = 1
    NPU = 2


class OrtExecutionProviderDevicePolicy(enum.IntEnum):
    DEFAULT = 0
    PREFER_CPU = 1
    PREFER_NPU = 2
    PREFER_GPU = 3
    MAX_PERFORMANCE = 4
    MAX_EFFICIENCY = 5
    MIN_OVERALL_POWER = 6


class OrtDeviceVendorId(enum.IntEnum):
    NONE = 0
    AMD = 0x1002
    NVIDIA = 0x10DE
    ARM = 0x13B5
    MICROSOFT = 0x1414
    HUAWEI = 0x19E5
    QUALCOMM = 0x5143
    INTEL = 0x8086


class OrtCompiledModelCompatibility(enum.IntEnum):
    EP_NOT_APPLICABLE = 0
    EP_SUPPORTED_OPTIMAL = 1
    EP_SUPPORTED_PREFER_RECOMPILATION = 2
    EP_UNSUPPORTED = 3


def cpu_only(device_type: object) -> None:
    """Raises NotImplemented for every place but the CPU's memory."""
    if str(device_type).lower() != "cpu":
        raise NotImplemented(f"memory of device '{device_type}': values lie in the CPU's memory")


class OrtDevice:
    """A place for values; the CPU's memory is the only one."""

    def __init__(self, device_type: str = "cpu", device_id: int = 0) -> None:
        cpu_only(device_type)
        self._id = int(device_id)

    @staticmethod
    def make(ort_device_name: str, device_id: int, vendor_id: int = -1) -> OrtDevice:
        """The device of that name; NotImplemented for any but 'cpu'."""
        return OrtDevice(ort_device_name, device_id)

    @staticmethod
    def cpu() -> int:
        return 0

    @staticmethod
    def default_memory() -> int:
        return 0

    def device_id(self) -> int:
        return self._id

    def device_type(self) -> str:
        return "cpu"

    def device_mem_type(self) -> int:
        return 0

    def device_vendor_id(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"OrtDevice('cpu', {self._id})"


class OrtMemoryInfo:
    """A description of memory: name, allocator, device and kind."""

    def __init__(self, name: str, allocator_type: OrtAllocatorType, device_id: int, mem_type: OrtMemType) -> None:
        cpu_only(name)
        self.name = name
        self.allocator_type = allocator_type
        self.device_id = device_id
        self.mem_type = mem_type
        self.device_mem_type = OrtDeviceMemoryType.DEFAULT
        self.device_vendor_id = 0

    def __repr__(self) -> str:
        return f"OrtMemoryInfo('{self.name}', {self.allocator_type.name})"


def cpu_memory() -> OrtMemoryInfo:
    return OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_DEVICE_ALLOCATOR, 0, OrtMemType.DEFAULT)


class OrtArenaCfg:
    """Settings of an arena, kept as given; activations lie in one planned arena a session, which needs none."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.max_mem = 0
        self.arena_extend_strategy = -1
        self.initial_chunk_size_bytes = -1
        self.max_dead_bytes_per_chunk = -1
        for name, value in zip(("max_mem", "arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk"), args):
            setattr(self, name, value)
        for options in args[:1]:
            kwargs = {**options, **kwargs} if isinstance(options, dict) else kwargs
        for name, value in kwargs.items():
            setattr(self, name, value)


class OrtHardwareDevice:
    """A device of the machine."""

    def __init__(self) -> None:
        self.type = OrtHardwareDeviceType.CPU
        self.vendor = _vendor()
        self.vendor_id = 0
        self.device_id = 0
        self.metadata: dict[str, str] = {"threads": str(os.cpu_count() or 1)}

    def __repr__(self) -> str:
        return f"OrtHardwareDevice({self.type.name}, '{self.vendor}')"


def _vendor() -> str:
    try:
        with open("/proc/cpuinfo", errors="replace") as f:
            for line in f:
                if line.startswith("vendor_id"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


class OrtEpDevice:
    """The execution provider together with the device that it runs on."""

    def __init__(self) -> None:
        self.ep_name = "CPUExecutionProvider"
        self.ep_vendor = "anyrt"
        self.ep_metadata: dict[str, str] = {"version": _anyrt.__version__}
        self.ep_options: dict[str, str] = {}
        self.device = OrtHardwareDevice()

    def memory_info(self, memory_type: OrtDeviceMemoryType = OrtDeviceMemoryType.DEFAULT) -> OrtMemoryInfo:
        return cpu_memory()

    def create_sync_stream(self) -> object:
        raise NotImplemented("runs are over when they return: there are no streams")

    def __repr__(self) -> str:
        return f"OrtEpDevice('{self.ep_name}', {self.device!r})"
