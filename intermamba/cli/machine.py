"""What this computer is: processor, cores, memory. Standard library alone."""

import ctypes
import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


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


def description() -> str:
    """Processor, cores, memory and system in a line."""
    size = memory()
    parts = [cpu_name(), f"{cores()} cores", *([f"{size / 1e9:.0f} GB"] if size == size else [])]
    return ", ".join([*parts, f"{platform.system()} {platform.machine()}"])
