"""The loop by which a part of the network learns before the first step."""

import sys
from collections.abc import Callable, Sequence
from statistics import fmean

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from .progress import counted

AT_THE_END = 50  # steps whose mean is given


def descend(
    what: str, steps: int, schedules: Sequence[LRScheduler], loss: Callable[[int], tuple[Tensor, Tensor]]
) -> float:
    """Take `steps` of the optimisers that `schedules` belong to, and show the time left.

    `loss(step)` gives the scalar that is lowered and the one that is told; gives the mean of what was told at the end.
    """
    told = []
    for step in counted(range(steps), what):
        lowered, tell = loss(step)
        for schedule in schedules:
            schedule.optimizer.zero_grad()
        lowered.backward()
        for schedule in schedules:
            schedule.optimizer.step()
            schedule.step()
        told.append(float(tell.detach()))
    mean = fmean(told[-AT_THE_END:])
    print(f"{what}: {steps} steps, loss {mean:.3f} at the end", file=sys.stderr)
    return mean
