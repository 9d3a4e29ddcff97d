"""The one job that may run in the background, from Generate to keyframes.

A timer, `pump`, collects the worker's messages; it alone touches Blender's data, by calling an operator
that is one undo step. Scene and armatures are remembered by name: data may come and go, by undo too, while
the job runs.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

import bpy

from intermamba.errors import IntermambaError
from intermamba.motion.motion import Motion
from intermamba.worker.client import Message, WorkerClient, motion_of, told

from .engines import idle_seconds, worker_command
from .placing import Armature, can_place

TICK = 0.05
GENERATE = "generate"  # the part of the panel that the job belongs to
SILENCE = 30.0  # seconds without a word from the worker after which the panel says so


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to sample; None means the model's default."""

    prompt: str
    frames: int
    seed: int
    steps: int | None = None
    guidance: float | None = None


def takes_of(request: Request, takes: int) -> list[Request]:
    """The same request with as many seeds, from its own on."""
    return [replace(request, seed=request.seed + n) for n in range(takes)]


@dataclass(frozen=True)
class Target:
    """Where the motion goes."""

    scene: str
    people: tuple[str | None, str | None]
    start: int

    @classmethod
    def of(cls, context: bpy.types.Context) -> "Target":
        """The context's scene, its picked armatures and its playhead."""
        scene = context.scene
        people = (scene.intermamba.person_a, scene.intermamba.person_b)
        return cls(scene.name, tuple(ob and ob.name for ob in people), scene.frame_current)

    def armatures(self) -> tuple[Armature, Armature]:
        """The picked armatures. Raises IntermambaError when one is gone."""
        gone = [name for name in self.people if name and name not in bpy.data.objects]
        if gone:
            raise IntermambaError(f'Armature "{gone[0]}" is gone: pick another one and generate again.')
        return tuple(name and bpy.data.objects[name] for name in self.people)


@dataclass
class Job:
    """The motions being sampled, one after the other; `name` is that of the present one."""

    name: str
    target: Target
    engine: str
    requests: list[Request]
    motions: list[Motion] = field(default_factory=list)
    step: int = 0
    total: int = 0
    pace: float | None = None  # seconds a step
    phase: str = "starting"

    @property
    def ready(self) -> bool:
        """Whether all motions wait to be placed."""
        return len(self.motions) == len(self.requests)

    @property
    def progress(self) -> float:
        """0 to 1."""
        done = len(self.motions) + (self.step / self.total if self.total else 0.0)
        return min(done / len(self.requests), 1.0)

    @property
    def left(self) -> float | None:
        """Seconds until all motions are there, at the pace of the present one; None before its first step."""
        if self.pace is None:
            return None
        return self.pace * (self.total * (len(self.requests) - len(self.motions)) - self.step)

    def hear(self, progress: Message) -> None:
        """Note how far the worker is with the present motion."""
        self.step, self.total = progress["step"], progress["total"]
        self.phase = progress["phase"] or "sampling"
        if progress["eta"] is not None and self.step < self.total:
            self.pace = max(progress["eta"], 0.0) / (self.total - self.step)


class Session:
    """Worker, job, and what the panel shows about the last one."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.part = ""
        """The part of the panel that the two below belong to."""
        self.error = ""
        self.note = ""
        self.warning = ""
        self.prompt = ""
        """What the warning is about."""
        self._client: WorkerClient | None = None
        self._log = ""
        self._used = 0.0
        self._shown: tuple = ()

    def say(self, part: str, *, note: str = "", error: str = "") -> None:
        """Note what an action of a part of the panel came to: one sentence in place of the last one."""
        self.part, self.note, self.error = part, note, error

    def start(self, request: Request, target: Target, engine: str, takes: int = 1) -> None:
        """Begin to sample as many takes, with seeds that follow, in the background. Raises IntermambaError."""
        if self.job:
            raise IntermambaError("A motion is being generated: wait for it, or cancel it first.")
        self._begin(request)
        name = self._worker(engine).generate(**vars(request))
        self.job = Job(name, target, engine, takes_of(request, takes))
        if not bpy.app.timers.is_registered(pump):
            bpy.app.timers.register(pump)

    def run(self, request: Request, engine: str) -> Motion:
        """Sample and wait. Raises IntermambaError."""
        self._begin(request)
        motion = self._worker(engine).run(**vars(request))
        self.warning = motion.settings.get("warning", "")
        return motion

    @property
    def silent(self) -> bool:
        """Whether a job has heard nothing from its worker for a while, loading included: it may hang."""
        waits = self.job is not None and not self.job.ready
        return waits and self._client is not None and self._client.silence > SILENCE

    def cancel(self) -> None:
        """Give up the job at once; what its worker still sends is dropped, and one that is silent is ended."""
        if self.silent:
            self.close()
        elif self.job:
            self._worker_cancel(self.job.name)
            self.job = None
        self.say(GENERATE, note="Cancelled")

    def close(self) -> None:
        """Give up the job and end the worker."""
        if self._client:
            self._log = self._client.report()
            self._client.close()
        self._client = self.job = None

    def log(self) -> str:
        """The last lines that the worker wrote on stderr; those of the last worker where none runs."""
        return self._client.report() if self._client else self._log

    def leave_file(self) -> None:
        """Give up the job, which belongs to the file it was started in, and forget what was said about that file."""
        dropped = "Another file was opened meanwhile, so the motion was dropped: generate it again."
        self.say(GENERATE, error=dropped if self.job else "")
        self.warning = ""
        self.close()

    def tick(self) -> float | None:
        """One round of the timer: seconds until the next one, or None when nothing is left to do."""
        if self._client:
            for message in self._client.poll():
                self._receive(message)
        if self.job and self.job.ready and self._can_place():
            self._place()
        if self.job:
            self._used = time.monotonic()
            return TICK
        if self._client and time.monotonic() - self._used > idle_seconds():
            self.close()
        return 1.0 if self._client else None

    def news(self) -> bool:
        """Whether the panel has anything to show that it had not when this was last asked."""
        job = self.job and (self.job.name, self.job.phase, self.job.step, self.job.left, self.job.ready)
        shown = (job, self.silent, self.warning, self.error, self.note)
        news, self._shown = shown != self._shown, shown
        return news

    def take(self) -> Job:
        """The job whose motions wait, which is no longer the session's."""
        job, self.job = self.job, None
        if job is None or not job.ready:
            raise IntermambaError("No motion is waiting: generate one first.")
        return job

    def _begin(self, request: Request) -> None:
        self.say(GENERATE)
        self.warning = ""
        self.prompt = request.prompt

    def _worker(self, engine: str) -> WorkerClient:
        command = worker_command(engine)
        if self._client is None or self._client.command != command:
            self.close()
            self._client = WorkerClient(command)
        return self._client

    def _worker_cancel(self, name: str) -> None:
        if self._client:
            self._client.cancel(name)

    def _receive(self, message: Message) -> None:
        if self.job is None or message["job"] not in (None, self.job.name):
            return
        match message.type:
            case "progress":
                self.job.hear(message)
            case "warning":
                self.warning = message["message"]
            case "result":
                try:
                    self._accept(self.job, motion_of(message))
                except IntermambaError as error:
                    self._fail(str(error))
            case "error":
                self._fail(told(message))
            case "cancelled":
                self.cancel()

    def _accept(self, job: Job, motion: Motion) -> None:
        job.motions.append(motion)
        if not job.ready:
            job.step = 0
            job.name = self._worker(job.engine).generate(**vars(job.requests[len(job.motions)]))

    def _fail(self, sentence: str) -> None:
        self.job = None
        self.say(GENERATE, error=sentence)

    def _can_place(self) -> bool:
        return bpy.data.scenes.get(self.job.target.scene) is None or can_place(bpy.context)

    def _place(self) -> None:
        """Run the operator in the job's scene, with an undo step as if the user had run it."""
        scene = bpy.data.scenes.get(self.job.target.scene)
        if scene is None:
            self._fail(f'Scene "{self.job.target.scene}" is gone: generate again in another one.')
            return
        windows = bpy.context.window_manager.windows
        window = next((w for w in windows if w.scene == scene), windows[0])
        override = bpy.context.temp_override(window=window, scene=scene, view_layer=scene.view_layers[0])
        with override, suppress(RuntimeError):  # the operator has kept its error for the panel
            bpy.ops.intermamba.place("EXEC_DEFAULT", True)


session = Session()


def pump() -> float | None:
    """The timer: one round, and a redraw where there is news: a redraw takes the whole 3D view with it."""
    again = session.tick()
    if session.news():
        redraw_panels()
    return again


def redraw_panels() -> None:
    """Have the sidebars of all 3D views drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
