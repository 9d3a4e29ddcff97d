"""What a run tells: a bar with the time left, lines where there is no terminal, curves in TensorBoard."""

from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.utils.tensorboard import SummaryWriter

from .monitor import Monitor
from .trainer import Trainer

LINE_EVERY = 50  # steps


class Report:
    """Shows the steps of a trainer and writes their curves into `out`; a context manager."""

    def __init__(self, trainer: Trainer, out: Path, monitor: Monitor | None = None) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.trainer, self.monitor = trainer, monitor
        self.curves = SummaryWriter(str(out), purge_step=trainer.step + 1)  # steps that will be taken again
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("diffusion {task.fields[loss]:.3f}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        )  # fmt: skip
        self.task = self.progress.add_task("training", total=trainer.steps, completed=trainer.step, loss=0.0)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        self.curves.close()
        if kind is None and self.trainer.step < self.trainer.steps:
            self.progress.console.print(
                f"Stopped after {self.trainer.step} steps; the same command goes on from there."
            )

    def step(self, values: dict[str, float]) -> None:
        """Show a step's values."""
        now = self.trainer.step
        for name, value in values.items():
            self.curves.add_scalar(name, value, now)
        self.progress.update(self.task, completed=now, loss=values["diffusion"])
        if now % LINE_EVERY == 0 and not self.progress.console.is_terminal:
            left = self.progress.tasks[self.task].time_remaining or 0
            print(f"step {now}: {_line(values)}; {left / 60:.0f} minutes left", flush=True)

    def judge(self) -> None:
        """Write the loss on held-out clips, a sample, and the scalars of equations 9 and 13 (the paper's Figure 9)."""
        for name, parameter in self.trainer.ema.named_parameters():
            if name.endswith(("w_alpha", "w_beta")):
                self.curves.add_scalar(f"fusion/{name}", float(parameter.detach()), self.trainer.step)
        if self.monitor:
            print(f"held out: {_line(self.monitor.log(self.curves))}", flush=True)
        self.curves.flush()


def _line(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())
