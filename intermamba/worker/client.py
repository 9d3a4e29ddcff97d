"""Blender's side of the worker: starts it, sends jobs, collects messages. Needs numpy alone, never blocks.

    client = WorkerClient()
    job = client.generate("Two people dance salsa", frames=210, seed=0)
    for message in client.poll():           # in a timer
        if message.type == "result":
            motion = motion_of(message)

Nothing but run() waits. Every job ends with exactly one message: result, error or cancelled, also when the
worker dies, hangs or talks nonsense. The next job then starts a new worker.
"""

import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ..errors import BundleError, Cancelled, IntermambaError, WorkerError
from ..motion.motion import Motion
from .process import Ended, Process, clean_environment, default_command
from .protocol import PROTOCOL, Message, encode, motion_of

__all__ = ["Message", "WorkerClient", "default_command", "motion_of", "told"]

REPORT_LINES = 40
FINAL = ("result", "error", "cancelled")


@dataclass
class _Job:
    """An open job: what was asked for, whether the worker has it, and for a cancelled one when the patience ends."""

    request: Message
    sent: bool = False
    patience: float | None = None


class WorkerClient:
    """Talks to one worker process at a time, started when it is first needed.

    `command`: default_command(), or for example ["ssh", "gpu-box", "intermamba", "worker"]. `env`: the
    worker's environment, by default this process's own. In seconds: `hello_timeout` for the worker to start,
    `cancel_timeout` for it to answer to cancel before it is replaced, `silence_timeout` for run() to hear anything.
    """

    def __init__(
        self,
        command: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        *,
        hello_timeout: float = 20.0,
        cancel_timeout: float = 5.0,
        silence_timeout: float = 300.0,
    ) -> None:
        self.command = command
        self.env = env
        self.hello_timeout = hello_timeout
        self.cancel_timeout = cancel_timeout
        self.silence_timeout = silence_timeout
        self.hello: Message | None = None
        self.process: Process | None = None
        self._report: deque[str] = deque()
        self._started = self._heard = 0.0
        self._jobs: dict[str, _Job] = {}  # open ones
        self._pending: list[Message] = []  # for the next poll

    def __enter__(self) -> "WorkerClient":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start the worker now, not at the first job. If that fails, poll() gives an error without a job."""
        if self.process:
            return
        self._report = deque(maxlen=REPORT_LINES)
        self._started = time.monotonic()
        try:
            self.process = Process(
                self.command or default_command(), clean_environment(self.env), self._report
            )
        except (OSError, WorkerError) as error:
            self._fail(
                "start", f"The worker could not be started: {error}.", "Check its command, or install again."
            )

    def generate(
        self,
        prompt: str,
        *,
        frames: int = 210,
        seed: int = 0,
        steps: int | None = None,
        guidance: float | None = None,
        sampler: str | None = None,
        preview: bool = False,
    ) -> str:
        """Queue a motion and return its job id at once. Raises WorkerError for values beyond the protocol."""
        job = uuid.uuid4().hex
        fields = {"job": job, "prompt": prompt, "frames": frames, "seed": seed, "preview": preview}
        message = Message("generate", fields | {"steps": steps, "guidance": guidance, "sampler": sampler})
        encode(message)
        if not self._jobs:
            self._heard = time.monotonic()
        self._jobs[job] = _Job(message)
        self.start()
        self._flush()
        return job

    @property
    def silence(self) -> float:
        """Seconds since anything was heard from the worker, or since it got work after it had none."""
        return time.monotonic() - self._heard if self._jobs else 0.0

    def cancel(self, job: str) -> None:
        """Ask for a job to end: poll() will give its `cancelled`, and no result any more."""
        open_job = self._jobs.get(job)
        if open_job is None or open_job.patience is not None:
            return
        open_job.patience = time.monotonic() + self.cancel_timeout
        if open_job.sent:
            self._send(Message("cancel", {"job": job}))
        else:
            self._finish(Message("cancelled", {"job": job}), self._pending)

    def poll(self) -> list[Message]:
        """What has happened since the last call, often nothing. Never waits, never raises."""
        messages, self._pending = self._pending, []
        while self.process and (item := self.process.received()):
            self._heard = time.monotonic()
            if isinstance(item, Message):
                self._accept(item, messages)
            else:
                self._lost(item)
        self._check_clocks()
        messages += self._pending
        self._pending = []
        return messages

    def run(
        self, prompt: str, *, on_message: Callable[[Message], None] | None = None, **settings: Any
    ) -> Motion:
        """Generate and wait, for scripts: generate()'s arguments in, a Motion out.

        `on_message` gets the job's progress, warning and previews. Raises what the worker answered: IntermambaError
        for bad input, BundleError, WorkerError, also when nothing is heard for `silence_timeout`; and Cancelled when
        the job was cancelled.
        """
        job = self.generate(prompt, **settings)
        others: list[Message] = []
        try:
            while True:
                for message in self.poll():
                    if message["job"] != job:
                        others.append(message)
                    elif message.type in FINAL:
                        return _outcome(message)
                    elif on_message:
                        on_message(message)
                if self.silence > self.silence_timeout:
                    silent = f"Nothing was heard from the worker for {self.silence_timeout:g} s."
                    self._fail("silent", silent, "Try again; if it stays, send the report.")
                time.sleep(0.005)
        finally:
            self.cancel(job)
            self._pending[:0] = others

    def report(self) -> str:
        """The worker's last lines on stderr, for a bug report."""
        return "\n".join(self._report)

    def close(self) -> None:
        """End the worker and forget all jobs."""
        if self.process:
            self.process.end()
        self.process = self.hello = None
        self._jobs, self._pending = {}, []

    def _send(self, message: Message) -> None:
        if self.process:
            self.process.outbox.put(encode(message))

    def _flush(self) -> None:
        for job in self._jobs.values():
            if self.hello and not job.sent:
                job.sent = True
                self._send(job.request)

    def _accept(self, message: Message, messages: list[Message]) -> None:
        if self.hello is None:
            self._greet(message)
        elif message.type in FINAL:
            self._finish(message, messages)
        elif message["job"] in self._jobs:
            messages.append(message)

    def _greet(self, message: Message) -> None:
        if message.type != "hello":
            self._fail("protocol", "The worker did not say hello first.", "Check the worker's command.")
        elif message["protocol"] != PROTOCOL:
            theirs = f"The worker is version {message['version']} with protocol {message['protocol']:g}"
            self._fail(
                "version",
                f"{theirs}, this side has protocol {PROTOCOL}.",
                "Install the same version on both.",
            )
        else:
            self.hello = message
            self._flush()

    def _finish(self, message: Message, messages: list[Message]) -> None:
        """Close the job that `message` ends; answers to jobs that are not open are dropped."""
        job = message["job"]
        if job is None:
            self._fail(message["code"], message["message"], message["hint"] or "")
        elif job in self._jobs:
            cancelled = self._jobs.pop(job).patience is not None
            messages.append(Message("cancelled", {"job": job}) if cancelled else message)

    def _lost(self, reason: WorkerError | Ended) -> None:
        if isinstance(reason, WorkerError):
            self._fail("protocol", f"The worker answered nonsense: {reason}", "Check the worker's command.")
        elif self.process:
            how = self.process.how_it_ended()
            self.process.end()  # waits for what it still had to say
            lines = [line for line in self._report if line.strip()]
            said = f": {lines[-1][:300].rstrip('.')}" if lines and not self.hello else ""
            self._fail(
                "died",
                f"The worker stopped unexpectedly ({how}){said}.",
                "Try again; if it stays, send the report.",
            )

    def _check_clocks(self) -> None:
        now = time.monotonic()
        if self.process and not self.hello and now > self._started + self.hello_timeout:
            late = f"The worker did not start within {self.hello_timeout:g} s."
            self._fail("timeout", late, "Try again; if it stays, send the report.")
        if any(job.patience is not None and now > job.patience for job in self._jobs.values()):
            self._replace()

    def _replace(self) -> None:
        """Stop a worker that does not answer to cancel; what was asked for besides goes to a new one."""
        if self.process:
            self.process.end()
        self.process = self.hello = None
        for name, job in list(self._jobs.items()):
            job.sent = False
            if job.patience is not None:
                self._finish(Message("cancelled", {"job": name}), self._pending)
        if self._jobs:
            self._heard = time.monotonic()
            self.start()

    def _fail(self, code: str, message: str, hint: str) -> None:
        """Stop the worker. Every open job ends: as cancelled if that was asked for, else with this error."""
        if self.process:
            self.process.end()
        fields = {"code": code, "message": message, "hint": hint}
        if not self._jobs and not self.hello:
            self._pending.append(Message("error", fields))
        self.process = self.hello = None
        for job in list(self._jobs):
            self._finish(Message("error", fields | {"job": job}), self._pending)


def _outcome(message: Message) -> Motion:
    if message.type == "result":
        return motion_of(message)
    if message.type == "cancelled":
        raise Cancelled("Cancelled.")
    kind = {"input": IntermambaError, "bundle": BundleError}.get(message["code"], WorkerError)
    raise kind(told(message))


def told(error: Message) -> str:
    """What an error message says, and what to do."""
    return " ".join(filter(None, (error["message"], error["hint"])))
