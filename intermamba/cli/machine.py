"""What this computer is: processor, cores, memory, GPU. Standard library alone."""

import ctypes
import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

Gpu = Literal["nvidia", "amd", "apple", "none"]


def cpu_name() -> str:
    """The processor's name, as its maker calls it where the system says."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    if sys.platform == "darwin":
        with suppress(OSError, subprocess.CalledProcessError):
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> float:
    """The computer's memory in bytes; nan where the system does not say."""
    with suppress(AttributeError, ValueError, OSError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if sys.platform == "win32":
        status = (ctypes.c_uint64 * 8)(64)  # MEMORYSTATUSEX: length and load, then total physical memory
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return float(status[1])
    return float("nan")


def peak_memory() -> float:
    """The most memory that this process has held so far, in bytes; nan where the system does not say."""
    try:
        import resource
    except ImportError:
        return _peak_on_windows()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else 1024 * peak)


def _peak_on_windows() -> float:
    if sys.platform != "win32":
        return float("nan")
    counters = (ctypes.c_size_t * 10)(ctypes.sizeof(ctypes.c_size_t) * 10)  # PROCESS_MEMORY_COUNTERS
    process = ctypes.c_void_p(ctypes.windll.kernel32.GetCurrentProcess())
    read = ctypes.windll.psapi.GetProcessMemoryInfo
    return float(counters[1]) if read(process, counters, ctypes.sizeof(counters)) else float("nan")


def gpu() -> Gpu:
    """The kind of GPU here that torch has a build for, found without torch, as `uv --torch-backend=auto` does."""
    if sys.platform == "darwin":
        return "apple" if platform.machine() == "arm64" else "none"
    drivers = ("/sys/module/nvidia/version", "/proc/driver/nvidia/version")
    if any(Path(path).exists() for path in drivers) or _lines("nvidia-smi", "--list-gpus"):
        return "nvidia"
    agents = _lines("rocm_agent_enumerator") if sys.platform == "linux" else []
    return "amd" if any(line.startswith("gfx") and line != "gfx000" for line in agents) else "none"


def _lines(*command: str) -> list[str]:
    """What a program prints; nothing where it is missing or fails."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        return done.stdout.splitlines()
    return []


def description() -> str:
    """Processor, cores, memory and system in a line."""
    size = memory()
    parts = [cpu_name(), f"{cores()} cores", *([f"{size / 1e9:.0f} GB"] if size == size else [])]
    return ", ".join([*parts, f"{platform.system()} {platform.machine()}"])
