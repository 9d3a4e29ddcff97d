"""Train an evaluator: `python -m training.evaluate.train_evaluator --data FOLDER [FOLDER ...] --out RUN`.

FOLDERs hold captioned clips (see training.data.clips). RUN/best.safetensors is the evaluator with the best
R-precision on clips that training does not see: those of --validation, else a tenth of the clips of --data.
Goes on from RUN/last.safetensors; Ctrl-C saves first. Curves: `tensorboard --logdir RUN`.
"""

import argparse
import dataclasses
import math
import signal
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from intermamba.bundles.bundle import bundled_folder
from intermamba.errors import IntermambaError
from intermamba.text.encoder import TextEncoder
from training.checkpoint import (
    below,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
    with_prefix,
)
from training.data.batches import Batches, mirror_words
from training.data.clips import Clip, load_clips
from training.train import CHECKPOINT, choose_device

from .embedding import LONGEST, CaptionTokens, Stretch, embed, matching_scores, stretches
from .interclip import MOTION_FEATURES, InterCLIP, InterCLIPConfig, contrastive_loss, shared_targets, small
from .scores import Scores, replicate

BEST = "best.safetensors"
POOL = 32
REPLICATIONS = 5


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a run; lengths in frames."""

    steps: int = 1200
    shortest: int = 48
    frames_per_batch: int = 12288
    """Pairs x frames of a batch. Contrast needs many pairs: these are about 80."""
    learning_rate: float = 6e-4
    weight_decay: float = 0.02
    warmup: int = 100
    clip_norm: float = 1.0
    validate_every: int = 100
    statistics_crops: int = 1000
    """Crops from which the mean and deviation of the features are taken."""
    seed: int = 0


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.train_evaluator", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of captioned clips")
    parser.add_argument("--validation", type=Path, nargs="+", default=[], help="folders of held-out clips")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: evaluator and curves")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--text", type=Path, default=bundled_folder(), help="folder of text.onnx and tokenizer.json"
    )
    options = parser.parse_args(arguments)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        clips, held_out = ([clip for folder in folders for clip in load_clips(folder)]
                           for folders in (options.data, options.validation))  # fmt: skip
        if not held_out:
            clips, held_out = split(clips)
        trainer = EvaluatorTrainer(
            small(), Settings(steps=options.steps), clips, CaptionTokens(TextEncoder(options.text)),
            choose_device(options.device),
        )  # fmt: skip
        run(trainer, stretches(held_out), options.out)
    except IntermambaError as error:
        print(f"train_evaluator: {error}", file=sys.stderr)
        return 1
    return 0


def split(clips: list[Clip], share: float = 0.1) -> tuple[list[Clip], list[Clip]]:
    """Clips to learn from and clips to validate on: the same ones however the clips are ordered."""
    if len(clips) < 2:
        raise IntermambaError("An evaluator needs at least two clips: one to learn from, one to validate on.")
    ordered = sorted(clips, key=lambda clip: (zlib.crc32(clip.id.encode()), clip.id))
    count = max(1, round(share * len(clips)))
    return ordered[count:], ordered[:count]


def draw_batches(clips: list[Clip], settings: Settings, patch: int) -> Batches:
    """Random crops of the clips, in the way that the generator's training draws them."""
    return Batches(
        clips,
        patch=patch,
        shortest=settings.shortest,
        longest=LONGEST,
        frames_per_batch=settings.frames_per_batch,
        common_captions={},
        seed=settings.seed,
    )


def caption_kinds(clips: list[Clip]) -> dict[str, str]:
    """The interaction that each caption tells of, also by its mirrored words; without those whose clips name none."""
    kinds = {}
    for clip in clips:
        for caption in (*clip.captions, *(c for s in clip.segments for c in s.captions)):
            if clip.interaction:
                kinds[caption] = kinds[mirror_words(caption)] = clip.interaction
    return kinds


class EvaluatorTrainer:
    """Holds the evaluator, its optimiser, the step and the best validation score so far."""

    def __init__(
        self,
        config: InterCLIPConfig,
        settings: Settings,
        clips: list[Clip],
        tokens: CaptionTokens,
        device: torch.device,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.tokens, self.device = settings, tokens, device
        self.batches = draw_batches(clips, settings, config.patch)
        self.kinds = caption_kinds(clips)
        statistics = self.batches.statistics(settings.statistics_crops)
        self.model = InterCLIP(config).to(device)
        for name, values in zip(("mean", "std"), statistics, strict=True):
            self.model.motion_encoder.get_buffer(name).copy_(torch.from_numpy(values[:MOTION_FEATURES]))
        trained = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        self.names = [name for name, _ in trained]
        self.optimizer = torch.optim.AdamW([p for _, p in trained], weight_decay=settings.weight_decay)
        self.step, self.best = 0, -1.0

    def train_step(self) -> Scores:
        """One optimiser step; gives the loss, the learned scale and the learning rate."""
        self.model.train()
        torch.manual_seed(self.settings.seed * 1_000_003 + self.step)
        batch = self.batches.batch(self.step)
        features, mask = (torch.from_numpy(x).to(self.device) for x in (batch.features, batch.mask))
        tokens, token_mask = (x.to(self.device) for x in self.tokens(batch.captions))
        rate = self.learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = contrastive_loss(
            self.model.encode_motion(features, mask),
            self.model.encode_text(tokens, token_mask),
            shared_targets(tokens, token_mask, [self.kinds.get(c, "") for c in batch.captions]),
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        self.optimizer.step()
        with torch.no_grad():
            self.model.latent_scale.clamp_(1, 10)  # logits of at most 100, as CLIP's
        self.step += 1
        return {"loss": loss.item(), "latent_scale": self.model.latent_scale.item(), "learning_rate": rate}

    def learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to zero."""
        s = self.settings
        warm = min(1.0, (self.step + 1) / s.warmup)
        return s.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / s.steps)))

    def save(self, out: Path) -> None:
        """Write what a run resumes from."""
        tensors = {
            **with_prefix("model", self.model.state_dict()),
            **with_prefix("optimizer", optimizer_tensors(self.optimizer, self.names)),
        }
        save_checkpoint(out / CHECKPOINT, tensors, self.step, self._recipe())

    def save_best(self, out: Path, score: float) -> None:
        """Write the evaluator alone when it is at least as good as any before."""
        if score >= self.best:
            self.best = score
            save_checkpoint(
                out / BEST, with_prefix("model", self.model.state_dict()), self.step, self._recipe()
            )

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        tensors, step, recipe = load_checkpoint(path)
        if recipe.get("evaluator") != self.model.config.to_json():
            raise IntermambaError(f"{path} is of a model of another size: give another --out.")
        self.model.load_state_dict(below("model", tensors))
        restore_optimizer(self.optimizer, self.names, below("optimizer", tensors))
        self.step, self.best = step, recipe["best"]

    def _recipe(self) -> dict[str, object]:
        settings = dataclasses.asdict(self.settings)
        return {"evaluator": self.model.config.to_json(), "settings": settings, "best": self.best}


def run(trainer: EvaluatorTrainer, held_out: list[Stretch], out: Path) -> None:
    """Train to the last step, validating on `held_out`, writing evaluator, checkpoint and curves into `out`."""
    if (out / CHECKPOINT).is_file():
        trainer.load(out / CHECKPOINT)
    out.mkdir(parents=True, exist_ok=True)
    steps, every = trainer.settings.steps, trainer.settings.validate_every
    with SummaryWriter(str(out)) as curves:
        try:
            while trainer.step < steps:
                started = time.perf_counter()
                values = trainer.train_step()
                values["seconds"] = time.perf_counter() - started
                _write(curves, "train", values, trainer.step)
                if trainer.step % every == 0 or trainer.step == steps:
                    scores = validate(trainer, held_out)
                    _write(curves, "validation", scores, trainer.step)
                    _print(trainer, values | scores)
                    trainer.save_best(out, scores["R-precision"])
                    trainer.save(out)
        except KeyboardInterrupt:
            print(f"Stopped after {trainer.step} steps; the same command goes on from there.")
        trainer.save(out)


def validate(trainer: EvaluatorTrainer, held_out: list[Stretch]) -> Scores:
    """Scores on held-out stretches; the best evaluator is that of most `R-precision`, the mean of its top 1 to 3."""
    found = embed(trainer.model, trainer.tokens, held_out)

    def once(rng: np.random.Generator) -> Scores:
        captions, text, motion = found.draw(rng)
        return matching_scores(captions, text, motion, min(POOL, len(set(captions))), rng)

    scores = {name: value.mean for name, value in replicate(once, REPLICATIONS).items()}
    tops = [value for name, value in scores.items() if name.startswith("R-precision")]
    return scores | {"R-precision": float(np.mean(tops))}


def _write(curves: SummaryWriter, group: str, values: Scores, step: int) -> None:
    for name, value in values.items():
        curves.add_scalar(f"{group}/{name}", value, step)


def _print(trainer: EvaluatorTrainer, values: Scores) -> None:
    left = (trainer.settings.steps - trainer.step) * values["seconds"] / 60
    line = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
    print(f"step {trainer.step}: {line}; {left:.0f} minutes left", flush=True)


if __name__ == "__main__":
    sys.exit(main())
