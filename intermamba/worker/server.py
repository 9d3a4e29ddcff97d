"""The worker's side: takes jobs from stdin, samples them one at a time, answers on stdout."""

import argparse
import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from .. import __version__
from ..errors import BundleError, Cancelled, IntermambaError, WorkerError
from .protocol import PROTOCOL, FrameReader, Message, encode, result

MAX_WAITING = 64
GRACE = 1.0  # seconds that a running job gets to notice that stdin is closed
PREVIEW_INTERVAL = 0.2


def serve(stdin: BinaryIO, stdout: BinaryIO, load_engine: Callable[[], Any]) -> None:
    """Answer frames until `stdin` ends or a shutdown comes. `load_engine()` is called at the first job."""
    _Server(stdout, load_engine).run(stdin)


class _Server:
    """One thread reads messages, so that cancel is seen at once; another one loads the engine and samples."""

    def __init__(self, stdout: BinaryIO, load_engine: Callable[[], Any]) -> None:
        self._stdout = stdout
        self._load_engine = load_engine
        self._engine: Any = None
        self._writing = threading.Lock()
        self._changed = threading.Condition()  # guards the three below
        self._waiting: dict[str, Message] = {}
        self._job: str | None = None
        self._closing = False
        self._stop = threading.Event()  # the running job must end

    def run(self, stdin: BinaryIO) -> None:
        self._send("hello", protocol=PROTOCOL, version=__version__, pid=os.getpid())
        sampling = threading.Thread(target=self._work, name="sampling", daemon=True)
        sampling.start()
        reader = FrameReader()
        try:
            while not self._closing and (data := os.read(stdin.fileno(), 1 << 16)):
                for message in reader.feed(data):
                    self._receive(message)
        except WorkerError as error:
            self._send_error(None, error)
        with self._changed:
            self._closing = True
            self._stop.set()
            self._changed.notify()
        sampling.join(GRACE)

    def _receive(self, message: Message) -> None:
        match message.type:
            case "generate":
                self._queue(message)
            case "cancel":
                self._cancel(message["job"])
            case "ping":
                self._send("pong")
            case "shutdown":
                self._closing = True

    def _queue(self, message: Message) -> None:
        with self._changed:
            full = len(self._waiting) >= MAX_WAITING
            if not full:
                self._waiting[message["job"]] = message
                self._changed.notify()
        if full:
            self._send_error(message["job"], IntermambaError("Too many jobs are waiting: cancel some first."))

    def _cancel(self, job: str) -> None:
        with self._changed:
            waiting = self._waiting.pop(job, None)
            if job == self._job:
                self._stop.set()
        if waiting:
            self._send("cancelled", job=job)

    def _work(self) -> None:
        while (message := self._next()) is not None:
            job = message["job"]
            try:
                self._send_message(result(job, self._sample(message)))
            except Cancelled:
                self._send("cancelled", job=job)
            except (Exception, SystemExit) as error:
                self._send_error(job, error)

    def _next(self) -> Message | None:
        with self._changed:
            self._job = None
            self._changed.wait_for(lambda: self._closing or self._waiting)
            if self._closing:
                return None
            self._job = next(iter(self._waiting))
            self._stop.clear()
            return self._waiting.pop(self._job)

    def _sample(self, message: Message) -> Any:
        """The Motion that a generate message asks for."""
        from ..engines.base import Request

        if self._engine is None:
            self._send("progress", job=message["job"], step=0, total=0, phase="loading")
            self._engine = self._load_engine()
        self._check_stop()
        names = ("prompt", "frames", "seed", "steps", "guidance", "sampler")
        request = Request(**{name: message[name] for name in names if message[name] is not None})
        job = message["job"]
        return self._engine.sample(
            request,
            self._on_step(job, bool(message["preview"])),
            lambda sentence: self._send("warning", job=job, message=sentence[:4000]),
        )

    def _on_step(self, job: str, preview: bool) -> Callable[[Any], None]:
        began = previewed = time.monotonic()

        def on_step(step: Any) -> None:
            nonlocal previewed
            self._check_stop()
            now = time.monotonic()
            done = step.index + 1
            eta = (now - began) / done * (step.total - done)
            self._send("progress", job=job, step=done, total=step.total, eta=eta, phase="sampling")
            if preview and now - previewed >= PREVIEW_INTERVAL:
                previewed = now
                joints = {"joints": self._joints(step.x_0)}
                self._send_message(Message("preview", {"job": job, "step": done}, joints))

        return on_step

    def _joints(self, x_0: Any) -> np.ndarray:
        """Joint positions (2, T, 22, 3) of the present estimate of x_0 (1, 2, T, 262), normalised."""
        bundle = self._engine.bundle
        features = np.asarray(x_0, np.float32)[0] * bundle.std + bundle.mean
        return features[..., :66].reshape(*features.shape[:2], 22, 3).astype(np.float32)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Cancelled("Cancelled.")

    def _send(self, kind: str, **fields: Any) -> None:
        self._send_message(Message(kind, fields))

    def _send_error(self, job: str | None, error: BaseException) -> None:
        if not isinstance(error, IntermambaError):
            traceback.print_exception(error)
        code, message, hint = describe(error)
        self._send("error", job=job, code=code, message=message[:4000], hint=hint)

    def _send_message(self, message: Message) -> None:
        frame = encode(message)
        try:
            with self._writing:
                self._stdout.write(frame)
                self._stdout.flush()
        except OSError:  # nobody listens any more: end like at the end of stdin
            self._closing = True
            self._stop.set()


def describe(error: BaseException) -> tuple[str, str, str]:
    """Code, message and hint for an error: what a panel shows and what it may decide on."""
    match error:
        case BundleError():
            return "bundle", str(error), "Install the model again."
        case WorkerError():
            return "protocol", str(error), "Install the same version on both sides."
        case IntermambaError():
            return "input", str(error), ""
        case MemoryError():
            return "memory", "There is not enough memory.", "Ask for fewer frames, or close other programs."
        case ImportError():
            return "install", f"A package is missing or broken: {error}.", "Install again."
    return "internal", f"Sampling failed: {type(error).__name__}: {error}", "Please send us the report."


def main(argv: list[str] | None = None) -> None:
    """`python -m intermamba.worker`: serve on this process's own stdin and stdout, then end the process."""
    parser = argparse.ArgumentParser(prog="intermamba worker", description="Sample for another process.")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="bundle to load (default: the bundled one)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps", "torch"), default="auto")
    parser.add_argument("--fake", action="store_true", help="answer with made-up motion, for tests")
    arguments = parser.parse_args(argv)
    if sys.stdin.isatty():
        parser.error("this talks to another program over stdin and stdout; start it from Blender or over ssh")
    faulthandler.enable()
    stdin, stdout = take_pipes()
    with suppress(KeyboardInterrupt):
        serve(stdin, stdout, lambda: _load(arguments))
    sys.stderr.flush()
    os._exit(0)  # a job that did not notice the end must not keep the process


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """This process's stdin and stdout for frames; whatever else is printed goes to stderr from now on."""
    stdout = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        msvcrt.setmode(stdout, os.O_BINARY)
    return sys.stdin.buffer, open(stdout, "wb")


def _load(arguments: argparse.Namespace) -> Any:
    if arguments.fake:
        from ..engines.fake import FakeEngine

        return FakeEngine()
    from ..engines.base import load_engine

    return load_engine(arguments.model, arguments.device)
