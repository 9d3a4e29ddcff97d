"""Real clips, generated motions and captions as an evaluator's embeddings.

Shapes: B views, T frames, S text tokens, E values of an embedding.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from intermamba.motion.features import FEATURES, encode
from intermamba.motion.motion import Motion, resample
from intermamba.motion.placement import place_each, place_pair
from training.data.clips import FPS, Clip

from .interclip import InterCLIP

LONGEST, SHORTEST = 300, 16
"""Frames that an evaluator sees of a clip; InterHuman's limits are 300 and 15."""
TOGETHER = 32  # views that are embedded at once

Array = NDArray[np.floating]


class Footage(Protocol):
    """Two people moving, real or generated, and what is said of it."""

    @property
    def captions(self) -> tuple[str, ...]: ...

    @property
    def frames(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Stretch:
    """Joints (2,T,22,3) and rotations (2,T,22,4) of which all `captions` are true; `good` (T,) on sound frames."""

    joints: NDArray[np.floating]
    rotations: NDArray[np.floating]
    good: NDArray[np.bool_]
    captions: tuple[str, ...]
    own_floor: bool = False
    """Whether each person stands on a floor of their own, as in InterHuman's released loader."""

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return self.joints.shape[1]

    def features(self, start: int, frames: int, *, swap: bool) -> NDArray[np.float32]:
        """(2,frames-1,262) of a part, with the first person of the given order at the origin facing +Z."""
        order, part = slice(None, None, -1 if swap else 1), slice(start, start + frames)
        place = place_each if self.own_floor else place_pair
        return encode(*place(self.joints[order, part], self.rotations[order, part]))


@dataclass(frozen=True)
class View:
    """What an evaluator sees of footage: `frames` from `start` on, its people exchanged or not."""

    footage: Footage
    start: int
    frames: int
    swap: bool = False


def stretches(clips: Iterable[Clip], longest: int = LONGEST) -> list[Stretch]:
    """Every clip as a whole; where it is longer than a view and has segments, each of these instead."""
    found = []
    for clip in clips:
        if clip.frames > longest and clip.segments:
            parts = [(s.start, min(s.stop, s.start + longest), s.captions) for s in clip.segments]
        else:
            captions = (*clip.captions, *(c for s in clip.segments for c in s.captions))
            parts = [(0, clip.frames, tuple(dict.fromkeys(captions)))]
        found += [_cut(clip, *part) for part in parts if part[1] - part[0] > SHORTEST]
    return found


def stretch_of(motion: Motion, *, own_floor: bool = False) -> Stretch:
    """A generated motion and its prompt, at 30 frames a second."""
    motion = motion if motion.fps == FPS else resample(motion, FPS)
    good = np.ones(motion.frames, bool)
    return Stretch(motion.joints, motion.rotations, good, (motion.prompt,), own_floor)


class Judge(ABC):
    """An evaluator: it embeds each caption, and each view of real clips, once."""

    def __init__(self) -> None:
        self._motions: dict[View, Array] = {}
        self._texts: dict[str, Array] = {}

    @abstractmethod
    def footage(self, real: Sequence[Stretch]) -> Sequence[Footage]:
        """The real clips as this evaluator sees them."""

    @abstractmethod
    def view(self, motion: Motion, real: Footage | None) -> View:
        """All of a generated motion, standing where `real` does, whose caption it was made for."""

    @abstractmethod
    def embed_motions(self, views: Sequence[View]) -> torch.Tensor:
        """Embeddings (B,E) of views of like length."""

    @abstractmethod
    def embed_texts(self, captions: Sequence[str]) -> torch.Tensor:
        """Embeddings (B,E) of captions."""

    def motions(self, views: Sequence[View]) -> Array:
        """Embeddings (B,E) of any views, which are remembered."""
        new = [view for view in dict.fromkeys(views) if view not in self._motions]
        self._motions |= self.embed(new)
        return np.stack([self._motions[view] for view in views])

    @torch.no_grad()
    def embed(self, views: Sequence[View]) -> dict[View, Array]:
        """Embeddings (E,) of any views."""
        found = {}
        for some in _parts(sorted(views, key=lambda view: view.frames)):
            found |= dict(zip(some, self.embed_motions(some).cpu().double().numpy(), strict=True))
        return found

    @torch.no_grad()
    def texts(self, captions: Sequence[str]) -> Array:
        """Embeddings (B,E) of any captions."""
        new = sorted({caption for caption in captions if caption not in self._texts}, key=len)
        for some in _parts(new):
            self._texts |= dict(zip(some, self.embed_texts(some).cpu().double().numpy(), strict=True))
        return np.stack([self._texts[caption] for caption in captions])


class Tokens(Protocol):
    """What an InterCLIP reads of captions: features (B,S,C) or ids (B,S), and the mask (B,S) of what is there."""

    def __call__(self, captions: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]: ...


class InterCLIPJudge(Judge):
    """InterCLIP on stretches."""

    def __init__(self, model: InterCLIP, tokens: Tokens) -> None:
        """The model is left in evaluation mode."""
        super().__init__()
        self.model, self.tokens = model.eval(), tokens
        self.device = model.latent_scale.device

    def footage(self, real: Sequence[Stretch]) -> Sequence[Footage]:
        """The clips as they are."""
        return real

    def view(self, motion: Motion, real: Footage | None) -> View:
        """Its first 300 frames, on a floor like that of `real`."""
        stretch = stretch_of(motion, own_floor=isinstance(real, Stretch) and real.own_floor)
        return View(stretch, 0, min(stretch.frames, LONGEST))

    def embed_motions(self, views: Sequence[View]) -> torch.Tensor:
        """Embeddings (B,E); frames that are not sound are not seen."""
        return self.model.encode_motion(*(x.to(self.device) for x in _padded(views)))

    def embed_texts(self, captions: Sequence[str]) -> torch.Tensor:
        """Embeddings (B,E)."""
        return self.model.encode_text(*(x.to(self.device) for x in self.tokens(captions)))


class Encoder(Protocol):
    """What intermamba.text.encoder.TextEncoder does."""

    def encode(self, prompts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]: ...


class CaptionTokens:
    """Token features of captions, each encoded once: the text encoder is frozen."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.known: dict[str, NDArray[np.float16]] = {}  # half precision: a large data set has many captions

    def __call__(self, captions: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens (B,S,C) and their mask (B,S)."""
        rows = [self._tokens(caption) for caption in captions]
        tokens = torch.zeros(len(rows), max(map(len, rows)), rows[0].shape[-1])
        mask = torch.zeros(tokens.shape[:2], dtype=torch.bool)
        for i, row in enumerate(rows):
            tokens[i, : len(row)], mask[i, : len(row)] = torch.from_numpy(row), True
        return tokens, mask

    def _tokens(self, caption: str) -> NDArray[np.float16]:
        if caption not in self.known:
            tokens, mask = self.encoder.encode([caption])
            self.known[caption] = tokens[0, mask[0]].astype(np.float16)
        return self.known[caption]


def _cut(clip: Clip, start: int, stop: int, captions: tuple[str, ...]) -> Stretch:
    frames = slice(start, stop)
    return Stretch(
        clip.joints[:, frames], clip.rotations[:, frames], clip.good[frames], captions, clip.own_floor
    )


def _parts(items: Sequence) -> Iterable[Sequence]:
    return (items[start : start + TOGETHER] for start in range(0, len(items), TOGETHER))


def _padded(views: Sequence[View]) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (B,2,T,262) of the longest one's T, and the mask (B,T) of the frames that are there and sound."""
    features = torch.zeros(len(views), 2, max(view.frames for view in views) - 1, FEATURES)
    mask = torch.zeros(len(views), features.shape[2], dtype=torch.bool)
    for i, view in enumerate(views):
        assert isinstance(view.footage, Stretch)
        rows = view.footage.features(view.start, view.frames, swap=view.swap)
        features[i, :, : rows.shape[1]] = torch.from_numpy(rows)
        good = view.footage.good[view.start : view.start + rows.shape[1]]
        mask[i, : len(good)] = torch.from_numpy(good)
    return features, mask
