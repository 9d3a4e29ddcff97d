"""Starting the worker's process, and the threads that keep its pipes moving."""

import json
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import util
from pathlib import Path
from typing import IO, Any, cast

from ..errors import WorkerError
from .protocol import FrameReader, Message

NEEDED = ("numpy", "onnxruntime", "tokenizers", "torch")
"""Packages whose folders the worker must find, wherever this process has them from."""
MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__")
"""Environment variables that are meant for this process's Python and would lead another one astray."""
BOOT = Path(__file__).parents[1] / "boot.py"
"""Runs the command `intermamba` of this package under any Python."""


def default_command(*arguments: str) -> list[str]:
    """The command that runs this package's worker under this process's Python and with its packages.

    `arguments` as in `intermamba worker --help`. Raises WorkerError where no Python program is.
    """
    return command_in(find_python(), json.dumps(package_folders(NEEDED)), "worker", *arguments)


def command_in(python: str, *arguments: str) -> list[str]:
    """The command `intermamba ARGUMENTS` of this very package under another Python, with that one's packages."""
    return [python, "-I", "-X", "utf8", str(BOOT), *arguments]


def as_typed(command: list[str]) -> str:
    """A command as it is typed into a terminal here."""
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def package_folders(names: Iterable[str]) -> list[str]:
    """The folders that this process would import `names` from, importing none; absent ones are left out."""
    folders: dict[str, None] = {}
    for name in names:
        with suppress(ImportError, ValueError):
            spec = util.find_spec(name)
            for location in (spec and spec.submodule_search_locations) or ():
                folders[str(Path(location).parent)] = None
    return list(folders)


def find_python() -> str:
    """A Python program of this version: sys.executable, or the one beside a program that embeds Python."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    names = ["python.exe", "bin/python.exe"] if sys.platform == "win32" else [f"bin/{version}", "bin/python3"]
    candidates = [sys.executable, getattr(sys, "_base_executable", None)]
    candidates += [str(Path(prefix, name)) for prefix in (sys.prefix, sys.base_prefix) for name in names]
    candidates.append(shutil.which(version))
    for path in candidates:
        if path and Path(path).stem.lower().startswith("python") and os.access(path, os.X_OK):
            return path
    raise WorkerError(f"no Python {version[6:]} program belongs to {sys.executable or 'this program'}")


def clean_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """`env`, or this process's environment, without the MISLEADING variables."""
    return {
        name: value for name, value in (os.environ if env is None else env).items() if name not in MISLEADING
    }


class Ended:
    """In the inbox: the worker has closed its stdout."""


class Process:
    """A worker process; its messages come in `inbox`, frames to it go in `outbox`.

    Three threads do nothing but move bytes, and each ends with its pipe. Lines on stderr go to `report`.
    Raises OSError when the command cannot be run.
    """

    def __init__(self, command: list[str], env: Mapping[str, str], report: deque[str]) -> None:
        self.inbox: queue.SimpleQueue[Message | WorkerError | Ended] = queue.SimpleQueue()
        self.outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._report = report
        apart: dict[str, Any] = {"start_new_session": True}  # a Ctrl-C in the terminal is not for the worker
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NO_WINDOW}
        pipe = subprocess.PIPE
        self._popen = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=dict(env), **apart
        )
        self._threads = [
            threading.Thread(target=target, name=f"worker {target.__name__}", daemon=True)
            for target in (self._write, self._read, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def received(self) -> Message | WorkerError | Ended | None:
        """The next thing from the worker, or None."""
        with suppress(queue.Empty):
            return self.inbox.get_nowait()
        return None

    def end(self) -> None:
        """Kill the process, which holds nothing that could be lost. Waits some milliseconds for the kill."""
        self._popen.kill()
        self.outbox.put(None)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(0.5)
        for thread in self._threads:
            thread.join(0.1)

    def how_it_ended(self) -> str:
        """In words: exit code or signal."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(0.2)
        code = self._popen.returncode
        if code is None:
            return "it closed its output"
        if code < 0:
            with suppress(ValueError):
                return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"

    def _write(self) -> None:
        with cast(IO[bytes], self._popen.stdin) as pipe, suppress(OSError):
            while (frame := self.outbox.get()) is not None:
                view = memoryview(frame)
                while view:
                    view = view[pipe.write(view) :]

    def _read(self) -> None:
        reader = FrameReader()
        with cast(IO[bytes], self._popen.stdout) as pipe, suppress(OSError):
            try:
                while data := pipe.read(1 << 16):
                    for message in reader.feed(data):
                        self.inbox.put(message)
            except WorkerError as error:
                self.inbox.put(error)
        self.inbox.put(Ended())

    def _listen(self) -> None:
        tail = b""
        with cast(IO[bytes], self._popen.stderr) as pipe, suppress(OSError):
            while data := pipe.read(1 << 12):
                *lines, tail = (tail + data)[-(1 << 16) :].split(b"\n")
                self._report.extend(line.decode("utf-8", "replace").rstrip() for line in lines)
        if tail:
            self._report.append(tail.decode("utf-8", "replace"))
