"""What a run would cost, from a few of its steps: memory, steps per second, and the time that all steps take."""

import sys
import time

import torch

from .parallel import rank, world
from .trainer import Trainer

MEASURED = 20  # steps
LOOKED_AT = 300  # batches, to know how large they are


def dry_run(trainer: Trainer) -> dict[str, float]:
    """Take the largest batch's step for the memory, then the run's first steps for the time; print and give figures.

    A step's time is taken to be in proportion to the pair-frames of its batch. The trainer is of no use afterwards.
    """
    batches, rows = trainer.batches.batches, trainer.batches.rows
    drawn = [batches.draw(step) for step in range(LOOKED_AT)]
    sizes = [len(crops) * crops[0].frames for crops in drawn]
    largest = sizes.index(max(sizes))
    for crops in (
        drawn[largest],
        *drawn[: MEASURED + 1],
    ):  # a caption is encoded when it is met for the first time
        trainer.tokens([crop.caption for crop in crops[rows]])
    for trainer.step in (largest, largest, 0):  # the last begins the batch of step 1
        trainer.train_step()
    started = time.perf_counter()
    for _ in range(MEASURED):
        trainer.train_step()
    per_frame = (time.perf_counter() - started) / sum(sizes[1 : MEASURED + 1])
    started = time.perf_counter()
    batches.batch(largest, rows)
    making = (time.perf_counter() - started) * sum(sizes) / len(sizes) / sizes[largest]
    per_step = per_frame * sum(sizes) / len(sizes)
    figures = {
        "parameters": float(sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)),
        "pair-frames": sum(sizes) / len(sizes),
        "GiB": peak_memory(trainer.device),
        "steps per second": 1 / per_step,
        "seconds to make a batch": making,
        "hours": per_step * trainer.steps / 3600,
    }
    if rank() == 0:
        print(_table(trainer, figures))
    return figures


def peak_memory(device: torch.device) -> float:
    """The most memory that this process has held on its device, GiB; NaN where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 2**30
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def _table(trainer: Trainer, figures: dict[str, float]) -> str:
    recipe, hours = trainer.recipe, figures["hours"]
    where = torch.cuda.get_device_name(trainer.device) if trainer.device.type == "cuda" else "CPU"
    length = f"{recipe.epochs} epochs, {trainer.steps} steps" if recipe.epochs else f"{trainer.steps} steps"
    rows = {
        recipe.name: f"{world()} x {where}, {'bfloat16' if trainer.half else 'float32'}",
        "parameters": f"{figures['parameters'] / 1e6:.2f} M to train",
        "batch": f"{figures['pair-frames']:.0f} pair-frames, computed in {world() * trainer.accumulate} parts",
        "memory": f"{figures['GiB']:.2f} GiB a process, at the largest batch",
        "speed": f"{figures['steps per second']:.3g} steps a second",
        "batches": f"made in {figures['seconds to make a batch']:.3g} s each, while a step is computed",
        "whole run": f"{hours:.1f} hours ({hours / 24:.1f} days) for {length}",
    }
    return "\n".join(f"{name:18}{value}" for name, value in rows.items())
