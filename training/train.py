"""Train a recipe: `python -m training.train RECIPE --data FOLDER --out RUN [--steps N] [--device auto|cpu|cuda]`.

Goes on from RUN/last.safetensors when there is one, else from the weights of --bundle; Ctrl-C saves first.
Curves: `tensorboard --logdir RUN`.
"""

import argparse
import dataclasses
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.utils.tensorboard import SummaryWriter

from intermamba.bundles.bundle import Bundle, bundled_folder, load_bundle
from intermamba.errors import IntermambaError
from intermamba.text.encoder import TextEncoder

from .data.batches import Batches, mirror_words
from .data.clips import Clip, load_clips
from .data.naming import named
from .evaluate.interactions import MEASURES, judge
from .monitor import Monitor
from .recipe import Recipe, load_recipe
from .trainer import Tokens, Trainer

CHECKPOINT = "last.safetensors"


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder above the recipe's folders of motion files"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoint and curves")
    parser.add_argument("--steps", type=int, help="end after this many steps instead of the recipe's")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--text", type=Path, default=bundled_folder(), help="folder of text.onnx and tokenizer.json"
    )
    parser.add_argument("--bundle", type=Path, help="start with the weights of this bundle instead of chance")
    options = parser.parse_args(arguments)
    for ending in (signal.SIGINT, signal.SIGTERM):  # in the background too, where a shell has them ignored
        signal.signal(ending, signal.default_int_handler)
    try:
        recipe = load_recipe(options.recipe)
        if options.steps:
            recipe = dataclasses.replace(recipe, steps=options.steps)
        start = load_bundle(options.bundle) if options.bundle else None
        run(
            recipe, options.data, options.out, choose_device(options.device), TextEncoder(options.text), start
        )
    except IntermambaError as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    return 0


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one."""
    return torch.device(
        "cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu")
    )


def run(
    recipe: Recipe,
    data: Path,
    out: Path,
    device: torch.device,
    text: TextEncoder,
    start: Bundle | None = None,
) -> None:
    """Train `recipe` on the clips below `data`, writing checkpoint and curves into `out`."""
    folders = {name: named(load_clips(data / name), recipe.interactions) for name in recipe.shares}
    folders = {name: clearest(clips, recipe.clearest) for name, clips in folders.items()}
    held_out = load_clips(data / recipe.held_out) if recipe.held_out else []
    clips = [clip for folder in folders.values() for clip in folder]
    tokens = caption_tokens(recipe, [*clips, *held_out], text)
    weights = clip_weights(recipe, folders)
    trainer = Trainer(recipe, make_batches(recipe, clips, weights), tokens, common_rest(clips), device)
    monitor = Monitor(trainer, make_batches(recipe, held_out)) if held_out else None
    checkpoint = out / CHECKPOINT
    if checkpoint.is_file():
        trainer.load(checkpoint)
    elif start:
        trainer.start_from(start)
    out.mkdir(parents=True, exist_ok=True)
    with SummaryWriter(str(out)) as curves, _progress() as progress:
        task = progress.add_task("training", total=recipe.steps, completed=trainer.step, loss=0.0)
        try:
            while trainer.step < recipe.steps:
                started = time.perf_counter()
                values = trainer.train_step() | {"seconds": time.perf_counter() - started}
                for name, value in values.items():
                    curves.add_scalar(name, value, trainer.step)
                progress.update(task, completed=trainer.step, loss=values["diffusion"])
                if trainer.step % 50 == 0 and not progress.console.is_terminal:
                    left = progress.tasks[task].time_remaining or 0
                    print(f"step {trainer.step}: {_line(values)}; {left / 60:.0f} minutes left", flush=True)
                if trainer.step % recipe.save_every == 0:
                    _log_fusion(trainer, curves)
                    trainer.save(checkpoint)
                    if monitor:
                        print(f"held out: {_line(monitor.log(curves))}", flush=True)
        except KeyboardInterrupt:
            progress.console.print(
                f"Stopped after {trainer.step} steps; the same command goes on from there."
            )
        trainer.save(checkpoint)


def make_batches(recipe: Recipe, clips: list[Clip], weights: Sequence[float] | None = None) -> Batches:
    """The recipe's batches."""
    return Batches(
        clips,
        patch=recipe.model.patch,
        shortest=recipe.shortest,
        longest=min(recipe.longest, recipe.model.max_frames),
        frames_per_batch=recipe.frames_per_batch,
        common_captions=recipe.common_captions,
        seed=recipe.seed,
        weights=weights,
        swap=recipe.swap,
        handed=recipe.handed,
        mirror=recipe.mirror,
    )


def clearest(clips: list[Clip], count: int) -> list[Clip]:
    """The `count` clips of each interaction that its measure finds clearest (0: all), and those without a measure."""
    kinds: dict[str, list[Clip]] = {}
    for clip in clips:
        kinds.setdefault(clip.interaction, []).append(clip)
    for kind, group in kinds.items():
        if kind in MEASURES and 0 < count < len(group):
            kinds[kind] = sorted(group, key=lambda clip: -judge(kind, clip.joints).score)[:count]
    return [clip for group in kinds.values() for clip in group]


def clip_weights(recipe: Recipe, folders: dict[str, list[Clip]]) -> list[float]:
    """How often each clip is drawn: folders by their shares, in them interactions alike, in them by length."""
    weights = []
    for folder, clips in folders.items():
        length: dict[str, float] = {}
        for clip in clips:
            length[clip.interaction] = length.get(clip.interaction, 0.0) + clip.frames
        weights += [recipe.shares[folder] / len(length) * c.frames / length[c.interaction] for c in clips]
    return weights


def common_rest(clips: list[Clip]) -> torch.Tensor:
    """The rest offsets (22,3) that generated people get: the longest clip's, of its first person."""
    return torch.from_numpy(max(clips, key=lambda clip: clip.frames).rest[0])


def caption_tokens(recipe: Recipe, clips: list[Clip], text: TextEncoder) -> Tokens:
    """Text tokens by caption, encoded once: the text encoder is frozen."""
    captions = {
        c for clip in clips for group in (clip.captions, *(s.captions for s in clip.segments)) for c in group
    }
    captions |= {c for group in recipe.common_captions.values() for c in group}
    captions |= {mirror_words(c) for c in captions}
    cache = {}
    for group in batched(sorted(captions, key=len), 64):
        tokens, mask = text.encode(list(group))
        for caption, row, real in zip(group, tokens, mask, strict=True):
            cache[caption] = row[real].astype(np.float16)

    def look_up(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        rows = [cache[caption] for caption in texts]
        tokens = np.zeros((len(rows), max(map(len, rows)), rows[0].shape[-1]), np.float32)
        mask = np.zeros(tokens.shape[:2], bool)
        for i, row in enumerate(rows):
            tokens[i, : len(row)], mask[i, : len(row)] = row, True
        return tokens, mask

    return look_up


def batched(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Parts of at most `size` items, as itertools.batched of Python 3.12 gives them."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _line(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())


def _log_fusion(trainer: Trainer, curves: SummaryWriter) -> None:
    """The learned scalars of equations 9 and 13, as in the paper's Figure 9."""
    for name, parameter in trainer.ema.named_parameters():
        if name.endswith(("w_alpha", "w_beta")):
            curves.add_scalar(f"fusion/{name}", float(parameter), trainer.step)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("diffusion {task.fields[loss]:.3f}"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
