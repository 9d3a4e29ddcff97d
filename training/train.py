"""Train a recipe: `python -m training.train RECIPE --data FOLDER --out RUN`, or under `torchrun` for several GPUs.

Goes on from RUN/last.safetensors when there is one, else from the weights of --bundle; Ctrl-C saves first.
Curves: `tensorboard --logdir RUN`.
"""

import argparse
import dataclasses
import json
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch

from intermamba.bundles.bundle import Bundle, load_bundle
from intermamba.errors import IntermambaError
from intermamba.model.config import ModelConfig
from intermamba.text.encoder import TextEncoder

from .clip_text import CachedText
from .dry_run import dry_run
from .monitor import Monitor
from .parallel import joined, rank, summed
from .prepare import caption_tokens, common_rest, lessons_of, load_data, make_batches, open_text
from .recipe import Recipe, load_recipe
from .report import Report
from .text_pretraining import Lesson
from .trainer import Trainer

CHECKPOINT = "last.safetensors"


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and train."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()

    def ask_to_stop(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for ending in (signal.SIGINT, signal.SIGTERM):  # in the background too, where a shell has them ignored
        signal.signal(ending, ask_to_stop)
    try:
        recipe = _changed(load_recipe(options.recipe), options)
        start = load_bundle(options.bundle) if options.bundle else None
        with joined(choose_device(options.device)) as device:
            text = open_text(recipe, options.text, options.data, device)
            trainer, monitor = prepare(recipe, options.data, device, text, options.accumulate)
            if options.dry_run:
                dry_run(trainer)
            else:
                train(trainer, options.out, monitor, start, stop, partial(lessons_of, recipe, text))
    except IntermambaError as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training: ended at once; what came after the last checkpoint is lost.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument(
        "--data", type=Path, required=True, help="the data set, or the folder above the recipe's folders"
    )
    parser.add_argument("--out", type=Path, help="folder of the run: checkpoint and curves")
    parser.add_argument("--steps", type=int, help="end after this many steps instead of the recipe's")
    parser.add_argument("--epochs", type=int, help="the same, of a recipe in epochs")
    parser.add_argument(
        "--model",
        nargs="+",
        default=[],
        metavar="SETTING=VALUE",
        help="of intermamba.model.config, instead of the recipe's: fusion=gate, guide=none, blocks=1",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--accumulate",
        type=int,
        default=1,
        help="parts in which a batch is computed: less memory, same result",
    )
    parser.add_argument(
        "--text", type=Path, help="folder of the text encoder (default: the bundled one; for CLIP, DATA/clip)"
    )
    parser.add_argument("--bundle", type=Path, help="start with the weights of this bundle instead of chance")
    parser.add_argument(
        "--dry-run", action="store_true", help="measure a few steps: memory, speed and how long it would take"
    )
    return parser


def _changed(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """The recipe, as long and with the model's settings that the command line asks for."""
    unit, other = ("epochs", "steps") if recipe.epochs else ("steps", "epochs")
    if getattr(options, other):
        raise IntermambaError(f"The recipe {recipe.name} is counted in {unit}: give --{unit}.")
    if not options.out and not options.dry_run:
        raise IntermambaError("Give --out, the folder of the run.")
    length = getattr(options, unit) or getattr(recipe, unit)
    return dataclasses.replace(recipe, model=with_settings(recipe.model, options.model), **{unit: length})


def with_settings(model: ModelConfig, settings: Sequence[str]) -> ModelConfig:
    """The model with settings such as `fusion=gate`, whose values are JSON or words."""
    values = model.to_json()
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in values:
            raise IntermambaError(f"A model has no setting {name!r}; it has {', '.join(values)}.")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return ModelConfig.from_json(values)


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one."""
    return torch.device(
        "cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu")
    )


def prepare(
    recipe: Recipe, data: Path, device: torch.device, text: TextEncoder | CachedText, accumulate: int = 1
) -> tuple[Trainer, Monitor | None]:
    """The trainer of a recipe, and what judges it on held-out clips where it has some."""
    clips, held_out, weights = load_data(recipe, data)
    tokens = caption_tokens(recipe, [*clips, *held_out], text)
    batches = make_batches(recipe, clips, weights)
    trainer = Trainer(recipe, batches, tokens, common_rest(clips), device, accumulate)
    return trainer, Monitor(trainer, make_batches(recipe, held_out)) if held_out else None


def train(
    trainer: Trainer,
    out: Path,
    monitor: Monitor | None = None,
    start: Bundle | None = None,
    stop: threading.Event | None = None,
    lessons: Callable[[], Sequence[Lesson]] | None = None,
) -> None:
    """Train to the end, or until any process is asked to stop, writing checkpoint and curves into `out`.

    A new run begins as the recipe has it, with the text of `lessons` and with the prior.
    """
    checkpoint = out / CHECKPOINT
    if checkpoint.is_file():
        trainer.load(checkpoint)
    else:
        whole = start is not None and trainer.start_from(start)
        if lessons and not whole:  # what a bundle has learnt is not taught again
            trainer.prepare(lessons() if trainer.recipe.text_steps else [])
    if rank():  # the first process writes for all
        deque(steps(trainer, stop), maxlen=0)
        return
    with Report(trainer, out, monitor) as report:
        for values in steps(trainer, stop):
            report.step(values)
            if trainer.step % trainer.save_every == 0:
                report.judge()  # before the checkpoint, so that no curve has a gap where a run was killed
                trainer.save(checkpoint)
        trainer.save(checkpoint)


def steps(trainer: Trainer, stop: threading.Event | None) -> Iterator[dict[str, float]]:
    """Take the steps that are left, giving each one's values and `seconds`; all processes stop at the same."""
    while trainer.step < trainer.steps:
        asked = float(stop is not None and stop.is_set())
        if summed(torch.tensor(asked, device=trainer.device)):
            return
        started = time.perf_counter()
        yield trainer.train_step() | {"seconds": time.perf_counter() - started}


def run(
    recipe: Recipe,
    data: Path,
    out: Path,
    device: torch.device,
    text: TextEncoder | CachedText,
    start: Bundle | None = None,
) -> None:
    """Train `recipe` on the clips below `data`, writing checkpoint and curves into `out`."""
    trainer, monitor = prepare(recipe, data, device, text)
    train(trainer, out, monitor, start, lessons=partial(lessons_of, recipe, text))


if __name__ == "__main__":
    sys.exit(main())
