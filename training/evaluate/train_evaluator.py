"""Train an evaluator: `python -m training.evaluate.train_evaluator --data FOLDER [FOLDER ...] --out RUN [--kind KIND]`.

FOLDERs hold captioned clips (see training.data.clips), or it is one folder, of InterHuman or Inter-X as released.
KIND is `small` (one that two CPU cores train), `interclip` (InterGen's, with CLIP's table of words) or `t2m`
(Inter-X's, on its own features and word vectors). RUN/best.safetensors is the evaluator with the best R-precision on
clips that training does not see: the data set's validation split, those of --validation, else a tenth of --data's.
Goes on from RUN/last.safetensors; Ctrl-C saves first. Curves: `tensorboard --logdir RUN`.
"""

import argparse
import dataclasses
import math
import signal
import sys
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
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
from training.clip_text import WEIGHTS, read_weights
from training.data.batches import Batches, mirror_words
from training.data.clips import Clip, load_clips
from training.data.words import Words
from training.train import CHECKPOINT, choose_device

from .datasets import load_split, told
from .embedding import LONGEST, CaptionTokens, Footage, InterCLIPJudge, Judge, Tokens, stretches
from .interclip import (
    MOTION_FEATURES,
    InterCLIP,
    InterCLIPConfig,
    contrastive_loss,
    paper,
    shared_targets,
    small,
)
from .judges import BEST, ClipIds
from .protocol import FOLDERS, INTERX, Protocol, look, random_pass
from .scores import Scores, different_pools, multimodal_distance, r_precision, replicate
from .t2m import T2M, InterXFootage, T2MConfig, T2MJudge, margin_loss, padded, sentences

REPLICATIONS = 5
Kind = Literal["small", "interclip", "t2m"]


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
    """Crops from which the mean and deviation of the features are taken; 0 leaves them as they are."""
    pairs_per_batch: int = 32
    """Of T2M alone, whose clips are seen whole."""
    seed: int = 0


SETTINGS: dict[Kind, Settings] = {
    "small": Settings(),
    # InterGen's own were never released; like its generator, and motion in metres
    "interclip": Settings(
        steps=100_000,
        shortest=16,
        frames_per_batch=9600,
        learning_rate=1e-4,
        weight_decay=2e-5,
        clip_norm=0.5,
        warmup=1000,
        validate_every=1000,
        statistics_crops=0,
    ),
    # the released ones: 300 epochs, Adam
    "t2m": Settings(
        steps=85_000, learning_rate=1e-4, weight_decay=0.0, clip_norm=0.5, warmup=1, validate_every=1000
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.train_evaluator", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="what to learn from")
    parser.add_argument("--validation", type=Path, nargs="+", default=[], help="folders of held-out clips")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: evaluator and curves")
    parser.add_argument("--kind", choices=get_args(Kind), default="small")
    parser.add_argument("--steps", type=int, help="instead of the kind's own number")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--text",
        type=Path,
        help=f"folder of text.onnx (small) or of {WEIGHTS} (interclip, default: DATA/clip)",
    )
    options = parser.parse_args(arguments)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        trainer, held_out = prepare(options)
        run(trainer, held_out, options.out)
    except IntermambaError as error:
        print(f"train_evaluator: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(options: argparse.Namespace) -> "tuple[EvaluatorTrainer, Sequence[Footage]]":
    """The trainer that the command line asks for, and what it is validated on."""
    settings, device = SETTINGS[options.kind], choose_device(options.device)
    if options.steps:
        settings = dataclasses.replace(settings, steps=options.steps)
    if options.kind == "t2m":
        if told(options.data) != "interx":
            raise IntermambaError(
                "The evaluator t2m sees Inter-X's own features: give the folder of Inter-X."
            )
        trainer = T2MTrainer(T2MConfig(), settings, options.data[0], device)
        return trainer, trainer.source.read("val")
    clips = load_split(options.data, "train")
    if told(options.data) != "folders":
        held_out = load_split(options.data, "val")
    elif options.validation:
        held_out = [clip for folder in options.validation for clip in load_clips(folder)]
    else:
        clips, held_out = split(clips)
    if options.kind == "interclip":
        trainer = InterCLIPTrainer(paper(), settings, clips, ClipIds(), device)
        trainer.take_table(read_weights((options.text or options.data[0] / "clip") / WEIGHTS))
    else:
        tokens = CaptionTokens(TextEncoder(options.text or bundled_folder()))
        trainer = InterCLIPTrainer(small(), settings, clips, tokens, device)
    return trainer, stretches(held_out)


def split(clips: list[Clip], share: float = 0.1) -> tuple[list[Clip], list[Clip]]:
    """Clips to learn from and clips to validate on: the same ones however the clips are ordered."""
    if len(clips) < 2:
        raise IntermambaError("An evaluator needs at least two clips: one to learn from, one to validate on.")
    ordered = sorted(clips, key=lambda clip: (zlib.crc32(clip.id.encode()), clip.id))
    count = max(1, round(share * len(clips)))
    return ordered[count:], ordered[:count]


def caption_kinds(clips: list[Clip]) -> dict[str, str]:
    """The interaction that each caption tells of, also by its mirrored words; without those whose clips name none."""
    kinds = {}
    for clip in clips:
        for caption in (*clip.captions, *(c for s in clip.segments for c in s.captions)):
            if clip.interaction:
                kinds[caption] = kinds[mirror_words(caption)] = clip.interaction
    return kinds


class EvaluatorTrainer(ABC):
    """Holds an evaluator, its optimiser, the step and the best validation score so far."""

    kind: ClassVar[str]
    protocol: ClassVar[Protocol]
    """How held-out clips are looked at."""
    config: Any
    """The network's sizes, a dataclass."""

    def __init__(self, model: nn.Module, settings: Settings, device: torch.device) -> None:
        self.settings, self.device, self.network = settings, device, model.to(device)
        trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self.names = [name for name, _ in trained]
        self.optimizer = torch.optim.AdamW([p for _, p in trained], weight_decay=settings.weight_decay)
        self.step, self.best = 0, -1.0

    @abstractmethod
    def loss(self) -> Tensor:
        """The loss of the batch of the step."""

    @abstractmethod
    def judge(self) -> Judge:
        """The evaluator as it is now."""

    def train_step(self) -> Scores:
        """One optimiser step; gives the loss and the learning rate."""
        self.network.train()
        torch.manual_seed(self.settings.seed * 1_000_003 + self.step)
        rate = self.learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self.loss()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        self.optimizer.step()
        self.step += 1
        return {"loss": loss.item(), "learning_rate": rate}

    def learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to zero."""
        s = self.settings
        warm = min(1.0, (self.step + 1) / s.warmup)
        return s.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / s.steps)))

    def save(self, out: Path) -> None:
        """Write what a run resumes from."""
        tensors = {
            **with_prefix("model", self.network.state_dict()),
            **with_prefix("optimizer", optimizer_tensors(self.optimizer, self.names)),
        }
        save_checkpoint(out / CHECKPOINT, tensors, self.step, self._recipe())

    def save_best(self, out: Path, score: float) -> None:
        """Write the evaluator alone when it is at least as good as any before."""
        if score >= self.best:
            self.best = score
            tensors = with_prefix("model", self.network.state_dict())
            save_checkpoint(out / BEST, tensors, self.step, self._recipe())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        tensors, step, recipe = load_checkpoint(path)
        if any(recipe.get(name) != self._recipe()[name] for name in ("kind", "evaluator")):
            raise IntermambaError(f"{path} is of a model of another size: give another --out.")
        self.network.load_state_dict(below("model", tensors))
        restore_optimizer(self.optimizer, self.names, below("optimizer", tensors))
        self.step, self.best = step, recipe["best"]

    def _recipe(self) -> dict[str, Any]:
        values = {"evaluator": self.config, "settings": self.settings}
        return {"kind": self.kind, "best": self.best} | {k: dataclasses.asdict(v) for k, v in values.items()}


class InterCLIPTrainer(EvaluatorTrainer):
    """Trains an InterCLIP on random crops, drawn as in the generator's training."""

    kind, protocol = "interclip", FOLDERS

    def __init__(
        self,
        config: InterCLIPConfig,
        settings: Settings,
        clips: list[Clip],
        tokens: Tokens,
        device: torch.device,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.config, self.tokens, self.kinds = config, tokens, caption_kinds(clips)
        self.batches = Batches(
            clips,
            patch=config.patch,
            shortest=settings.shortest,
            longest=LONGEST,
            frames_per_batch=settings.frames_per_batch,
            common_captions={},
            seed=settings.seed,
        )
        self.model = InterCLIP(config)
        if settings.statistics_crops:
            statistics = self.batches.statistics(settings.statistics_crops)
            for name, values in zip(("mean", "std"), statistics, strict=True):
                self.model.motion_encoder.get_buffer(name).copy_(torch.from_numpy(values[:MOTION_FEATURES]))
        super().__init__(self.model, settings, device)

    def take_table(self, weights: dict[str, Tensor]) -> None:
        """Take CLIP's table of words and its positions; the table stays as it is."""
        encoder = self.model.sentence_encoder
        with torch.no_grad():
            encoder.embed.weight.copy_(weights["token_embedding.weight"])
            assert encoder.positions is not None
            encoder.positions.copy_(weights["positional_embedding"])

    def loss(self) -> Tensor:
        """Symmetric cross-entropy of the crops of the step and their captions."""
        batch = self.batches.batch(self.step)
        features, mask = (torch.from_numpy(x).to(self.device) for x in (batch.features, batch.mask))
        tokens, token_mask = (x.to(self.device) for x in self.tokens(batch.captions))
        if self.config.vocabulary:  # the released loss: each caption belongs to its own motion alone
            targets = torch.eye(len(tokens), device=self.device)
        else:
            targets = shared_targets(tokens, token_mask, [self.kinds.get(c, "") for c in batch.captions])
        motion = self.model.encode_motion(features, mask)
        return contrastive_loss(motion, self.model.encode_text(tokens, token_mask), targets)

    def train_step(self) -> Scores:
        """One optimiser step; gives the loss, the learned scale and the learning rate."""
        values = super().train_step()
        with torch.no_grad():
            self.model.latent_scale.clamp_(1, 10)  # logits of at most 100, as CLIP's
        return values | {"latent_scale": self.model.latent_scale.item()}

    def judge(self) -> Judge:
        """The evaluator as it is now."""
        return InterCLIPJudge(self.model, self.tokens)


class T2MTrainer(EvaluatorTrainer):
    """Trains Inter-X's evaluator on its training split.

    The movement encoder learns with the others. In the released training it is the half of an autoencoder that was
    trained before, and stays as it is.
    """

    kind, protocol = "t2m", INTERX

    def __init__(self, config: T2MConfig, settings: Settings, data: Path, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.config, self.model = config, T2M(config)
        super().__init__(self.model, settings, device)
        self.source = T2MJudge(self.model, Words(data), data)
        self.clips: list[InterXFootage] = self.source.read("train")
        if len(self.clips) < 2:
            raise IntermambaError(f"{data} has {len(self.clips)} clips to learn from; contrast needs more.")

    def loss(self) -> Tensor:
        """The margin loss of random clips, each text pushed away from another clip's motion."""
        rng = np.random.default_rng((self.settings.seed, self.step))
        size = min(self.settings.pairs_per_batch, len(self.clips))
        chosen = rng.choice(len(self.clips), size, replace=False)
        views, captions = zip(*(look(self.clips[i], self.protocol, rng) for i in chosen), strict=True)
        texts = sentences(self.source.words, [self.source.tokens[caption] for caption in captions])
        shift = int(rng.integers(1, size))
        same = [one == other for one, other in zip(captions, np.roll(captions, -shift), strict=True)]
        motion = self.model.encode_motion(*(x.to(self.device) for x in padded(views)))
        text = self.model.encode_text(*(x.to(self.device) for x in texts))
        return margin_loss(motion, text, shift, torch.tensor(same, device=self.device))

    def judge(self) -> Judge:
        """The evaluator as it is now."""
        judge = T2MJudge(self.model, self.source.words, self.source.data)
        judge.tokens = self.source.tokens
        return judge


def run(trainer: EvaluatorTrainer, held_out: Sequence[Footage], out: Path) -> None:
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


def validate(trainer: EvaluatorTrainer, held_out: Sequence[Footage]) -> Scores:
    """Scores on held-out clips; the best evaluator is that of most `R-precision`, the mean of its top 1 to 3."""
    judge = trainer.judge()

    def once(_: int, rng: np.random.Generator) -> Scores:
        captions, motion = random_pass(judge, held_out, trainer.protocol, rng)
        text = judge.texts(captions)
        pools = different_pools(captions, min(trainer.protocol.pool, len(set(captions))), rng)
        precision = r_precision(text, motion, pools)
        tops = {f"R-precision top {k}": float(value) for k, value in enumerate(precision, 1)}
        return tops | {"R-precision": float(precision.mean()), "MM dist": multimodal_distance(text, motion)}

    return {name: value.mean for name, value in replicate(once, REPLICATIONS).items()}


def _write(curves: SummaryWriter, group: str, values: Scores, step: int) -> None:
    for name, value in values.items():
        curves.add_scalar(f"{group}/{name}", value, step)


def _print(trainer: EvaluatorTrainer, values: Scores) -> None:
    left = (trainer.settings.steps - trainer.step) * values["seconds"] / 60
    line = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
    print(f"step {trainer.step}: {line}; {left:.0f} minutes left", flush=True)


if __name__ == "__main__":
    sys.exit(main())
