"""What a recipe's run is made of: clips, how often each is drawn, batches, the captions' tokens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from intermamba.bundles.bundle import bundled_folder
from intermamba.errors import IntermambaError
from intermamba.text.encoder import TextEncoder

from .clip_text import CachedText, ClipText, Tokens, batched, pad
from .compose.score import load_scores
from .data.batches import Batches, mirror_words, room
from .data.clips import Clip, load_clips
from .data.epochs import EpochBatches
from .data.naming import named
from .evaluate.interactions import MEASURES, judge
from .recipe import Recipe
from .text_pretraining import Lesson, lessons

ROOM = 192  # frames; a longer crop need not show an event in its middle


def load_data(recipe: Recipe, data: Path) -> tuple[list[Clip], list[Clip], list[float] | None]:
    """Clips to train on, clips to judge by, and how often each of the former is drawn (None: each once an epoch)."""
    if recipe.dataset == "interhuman":
        from .data.interhuman import load_interhuman

        return load_interhuman(data, "train"), load_interhuman(data, "val"), None
    if recipe.dataset == "interx":
        from .data.interx import load_interx

        return load_interx(data, "train"), load_interx(data, "val"), None
    folders = {name: named(load_clips(data / name), recipe.interactions) for name in recipe.shares}
    folders = {name: clearest(learnt(clips, recipe), recipe.clearest) for name, clips in folders.items()}
    held_out = learnt(load_clips(data / recipe.held_out), recipe) if recipe.held_out else []
    clips = [clip for folder in folders.values() for clip in folder]
    if not clips:
        raise IntermambaError(
            f"No clip shows an interaction that {recipe.name} learns: "
            "name yours in the recipe's `learns`, or leave it empty."
        )
    return clips, held_out, clip_weights(recipe, folders)


def learnt(clips: list[Clip], recipe: Recipe) -> list[Clip]:
    """Those of an interaction that the recipe learns."""
    return [clip for clip in clips if not recipe.learns or clip.interaction in recipe.learns]


def clearest(clips: list[Clip], count: int) -> list[Clip]:
    """`count` clear clips of each interaction that has a measure (0: all), and those without a measure.

    The variants of an interaction have equal parts, so that no caption is without a motion. Each part is spread over
    the half that the measure finds clearest, so that it shows many ways; its first is the clearest of all.
    """
    kinds: dict[str, dict[int, list[Clip]]] = {}
    for clip in clips:
        kinds.setdefault(clip.interaction, {}).setdefault(clip.variant, []).append(clip)
    return [
        clip
        for kind, variants in kinds.items()
        for group in variants.values()
        for clip in (_clear(kind, group, -(-count // len(variants))) if count and kind in MEASURES else group)
    ]


def _clear(kind: str, clips: list[Clip], count: int) -> list[Clip]:
    if len(clips) <= count:
        return clips
    clips = roomiest(clips, 2 * count)
    ranked = sorted(clips, key=lambda clip: -judge(kind, clip.joints).score)
    half = max(count, len(clips) // 2)
    return [ranked[k * half // count] for k in range(count)]


def roomiest(clips: list[Clip], least: int) -> list[Clip]:
    """Clips that can be shown for long with their event in the middle, at least so many."""
    rooms = [max((room(clip, s) for s in clip.segments), default=clip.frames - 1) for clip in clips]
    enough = min(ROOM, sorted(rooms)[-min(least, len(rooms))])
    return [clip for clip, frames in zip(clips, rooms, strict=True) if frames >= enough]


def clip_weights(recipe: Recipe, folders: dict[str, list[Clip]]) -> list[float]:
    """How often each clip is drawn: folders by their shares, in them interactions by emphasis, in them by length."""
    weights = []
    for folder, clips in folders.items():
        length: dict[str, float] = {}
        for clip in clips:
            length[clip.interaction] = length.get(clip.interaction, 0.0) + clip.frames
        drawn = {kind: recipe.emphasis.get(kind, 1.0) for kind in length}
        share = recipe.shares[folder] / sum(drawn.values())
        weights += [share * drawn[c.interaction] * c.frames / length[c.interaction] for c in clips]
    return weights


def make_batches(recipe: Recipe, clips: list[Clip], weights: Sequence[float] | None = None) -> Batches:
    """The recipe's batches; `weights` are for runs in steps, in an epoch every clip has its turn."""
    settings = {
        "patch": recipe.model.patch,
        "shortest": recipe.shortest,
        "longest": min(recipe.longest, recipe.model.max_frames),
        "common_captions": recipe.common_captions,
        "seed": recipe.seed,
        "swap": recipe.swap,
        "handed": recipe.handed,
        "mirror": recipe.mirror,
        "ways": recipe.model.ways,
    }
    if recipe.epochs:
        return EpochBatches(clips, pairs=recipe.pairs_per_batch, **settings)
    return Batches(clips, frames_per_batch=recipe.frames_per_batch, weights=weights, **settings)


def common_rest(clips: list[Clip]) -> torch.Tensor:
    """The rest offsets (22,3) that generated people get: the longest clip's, of its first person."""
    return torch.from_numpy(max(clips, key=lambda clip: clip.frames).rest[0])


def open_text(
    recipe: Recipe, folder: Path | None, data: Path, device: torch.device
) -> TextEncoder | CachedText:
    """The recipe's frozen text encoder, from `folder`: by default the bundled one, or DATA/clip."""
    if recipe.text == "clip":
        folder = folder or data / "clip"
        return CachedText(ClipText(folder, device), folder / "cache")
    return TextEncoder(folder or bundled_folder())


def lessons_of(recipe: Recipe, text: TextEncoder | CachedText) -> list[Lesson]:
    """What the text transformer is taught before motion: the captions of the scores that the recipe learns."""
    tokens = text if isinstance(text, CachedText) else text.encode
    return lessons(load_scores(recipe.learns), tokens, recipe.seed)


def caption_tokens(recipe: Recipe, clips: list[Clip], text: TextEncoder | CachedText) -> Tokens:
    """Text tokens by caption, encoded once: the text encoder is frozen."""
    if isinstance(text, CachedText):
        return text
    captions = {
        c for clip in clips for group in (clip.captions, *(s.captions for s in clip.segments)) for c in group
    }
    captions |= {c for group in recipe.common_captions.values() for c in group}
    captions |= {mirror_words(c) for c in captions}
    cache = {}
    for group in batched(sorted(captions, key=len), 64):
        tokens, mask = text.encode(group)
        for caption, row, real in zip(group, tokens, mask, strict=True):
            cache[caption] = row[real].astype(np.float16)
    return lambda texts: pad([cache[caption] for caption in texts])
