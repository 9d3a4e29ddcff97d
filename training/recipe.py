"""A recipe: everything that a training run is, as one typed value that travels with its checkpoints."""

import dataclasses
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from intermamba.errors import IntermambaError
from intermamba.model.config import ModelConfig

from .losses import LossWeights
from .optimizers import Kind
from .sources import Source


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a run. Times are in optimiser steps, or in epochs where `epochs` is set; lengths in frames at 30 fps.

    A batch is what one optimiser step sees, on however many GPUs.
    """

    name: str
    model: ModelConfig
    losses: LossWeights = field(default_factory=LossWeights)
    text: Literal["minilm", "clip"] = "minilm"
    """The frozen text encoder: the bundled one, or CLIP ViT-L/14's text tower."""
    dataset: Literal["folders", "interhuman", "interx"] = "folders"
    """What lies below --data: folders of motion files, named in `shares`, or a released data set."""
    shares: dict[str, float] = field(default_factory=dict)
    """Folders of motion files and captions.jsonl below --data, and the share of the clips drawn from each."""
    held_out: str = ""
    """A folder like them, of clips that training never sees: the loss on it is one of the curves."""
    swap: bool = True
    """Whether the two people change places half the time. Without it the first is the one whom captions name first."""
    common_captions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Captions that are true of every moment of the clips whose id starts with the key."""
    interactions: dict[str, str] = field(default_factory=dict)
    """What real clips show: the name of a score, whose phrasings they get, by the beginning of a clip's id, or by # and
    the tag of a segment."""
    handed: tuple[str, ...] = ()
    """Interactions that are never mirrored."""
    mirror: bool = True
    """Whether the others are, half the time; in a run in epochs each then has every clip mirrored as well."""
    learns: tuple[str, ...] = ()
    """Clips of these interactions alone are trained on; () takes all."""
    clearest: int = 0
    """Of each interaction with a measure, only so many clips, of the clear half; 0 takes all. A small network learns a
    few clear examples of each sooner than many shades."""
    emphasis: dict[str, float] = field(default_factory=dict)
    """How many times as often as the others an interaction is drawn."""
    epochs: int = 0
    """Passes over the clips, whole ones of like length in a batch, instead of `steps` batches of random crops."""
    pairs_per_batch: int = 50
    """Of a run in epochs."""
    shortest: int = 48
    longest: int = 300
    frames_per_batch: int = 4096
    """Of a run in steps: pairs x frames of a batch. Short crops come in larger ones, so that steps cost the same."""
    steps: int = 6000
    optimizer: Kind = "adamw"
    learning_rate: float = 4e-4
    text_factor: float = 1.0
    """Of the learning rate, for the text transformer."""
    text_steps: int = 0
    """Of a run on composed duets: steps in which the text transformer learns the scores' captions before motion."""
    prior_steps: int = 0
    """Of a model with a prior: steps in which it learns the mean motion of each caption, and of each way, before the
    denoiser starts."""
    weight_decay: float = 2e-5
    warmup: int = 100
    schedule: Literal["decay", "cosine"] = "decay"
    """After the warm-up the learning rate is constant and falls in the end, or falls as half a cosine all the way."""
    decay_fraction: float = 0.35
    """Of `decay`: the last part of the run, over which the learning rate falls to zero."""
    ema_decay: float = 0.998
    """Of the moving average of the weights, which is what a bundle gets; 0 is without it."""
    clip_norm: float = 1.0
    condition_dropout: float = 0.1
    noise_bias: float = 1.0
    """Above 1, high noise is trained more: see training.trainer.noise_steps."""
    seed: int = 0
    save_every: int = 200

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Failure:
    """Something that a released model does badly, and a request that shows it."""

    sentence: str
    prompt: str
    seconds: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a bundle says about itself, beside the numbers."""

    description: str
    licence: str
    training_data: str
    """In a sentence or two."""
    sources: tuple[Source, ...] = ()
    """Where that data is from, and on what terms."""
    acknowledgement: str = ""
    """Beside those that the sources ask for."""
    guidance: float = 2.0
    """How closely prompts are followed by default."""
    guided_from: int = 0
    """The least diffusion step at which guidance counts."""
    contrast: float = 0.0
    """See intermamba.diffusion.guidance.contrasted."""
    least_distance: float = 0.0
    """Metres; see intermamba.motion.apart."""
    interactions: tuple[str, ...] = ()
    """What the model knows: names of scores that training/prompts.toml has prompts for."""
    failures: tuple[Failure, ...] = ()
    """What the model card warns of."""


def load_recipe(name: str) -> Recipe:
    """The recipe of training/recipes/<name>.py (dashes are underscores there)."""
    return _module(name).recipe()


def release_of(name: str) -> Release:
    """What a bundle of that recipe says about itself."""
    return _module(name).RELEASE


def _module(name: str) -> ModuleType:
    folder = Path(__file__).parent / "recipes"
    known = sorted(p.stem.replace("_", "-") for p in folder.glob("[a-z]*.py"))
    if name not in known:
        raise IntermambaError(f"There is no recipe called {name}. Choose one of: {', '.join(known)}.")
    return importlib.import_module(f"training.recipes.{name.replace('-', '_')}")
