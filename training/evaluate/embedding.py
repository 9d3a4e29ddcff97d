"""Clips, generated motions and captions as the evaluator's embeddings.

Shapes: N stretches of motion, 2 orders of the people, E values of an embedding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from intermamba.motion.features import FEATURES, encode
from intermamba.motion.motion import Motion, resample
from intermamba.motion.placement import place_pair
from training.data.clips import FPS, Clip

from .interclip import InterCLIP
from .scores import Scores, different_pools, multimodal_distance, r_precision

LONGEST, SHORTEST = 300, 16
"""Frames of a stretch; InterHuman's limits are 300 and 15."""

Array = NDArray[np.floating]


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


@dataclass(frozen=True)
class Stretch:
    """Joints (2,T,22,3) and rotations (2,T,22,4) of which all `captions` are true; `good` (T,) on sound frames."""

    joints: NDArray[np.floating]
    rotations: NDArray[np.floating]
    good: NDArray[np.bool_]
    captions: tuple[str, ...]

    def features(self, *, swap: bool) -> NDArray[np.float32]:
        """(2,T-1,262), with the first person of the given order at the origin facing +Z."""
        order = slice(None, None, -1 if swap else 1)
        return encode(*place_pair(self.joints[order], self.rotations[order]))


def stretches(clips: Iterable[Clip], longest: int = LONGEST) -> list[Stretch]:
    """A clip as a whole where it is short enough, else its segments, else windows as long as may be."""
    found = []
    for clip in clips:
        if clip.frames <= longest + 1:
            captions = (*clip.captions, *(c for s in clip.segments for c in s.captions))
            parts = [(0, clip.frames, tuple(dict.fromkeys(captions)))]
        elif clip.segments:
            parts = [(s.start, min(s.stop, s.start + longest + 1), s.captions) for s in clip.segments]
        else:
            starts = range(0, clip.frames - longest, longest)
            parts = [(start, start + longest + 1, clip.captions) for start in starts]
        found += [_cut(clip, *part) for part in parts if part[1] - part[0] > SHORTEST]
    return found


def stretch_of(motion: Motion) -> Stretch:
    """A generated motion and its prompt, at 30 frames a second, cut at LONGEST frames."""
    motion = motion if motion.fps == FPS else resample(motion, FPS)
    joints, rotations = (x[:, : LONGEST + 1] for x in (motion.joints, motion.rotations))
    return Stretch(joints, rotations, np.ones(joints.shape[1], bool), (motion.prompt,))


@dataclass(frozen=True)
class Embedded:
    """Embeddings (N,2,E) of stretches with the people in either order, and of all their captions."""

    motions: Array
    captions: list[tuple[str, ...]]
    texts: dict[str, Array]

    def draw(self, rng: np.random.Generator) -> tuple[list[str], Array, Array]:
        """For each stretch one of its captions, that caption's embedding (N,E), and one order's motion (N,E)."""
        chosen = [options[int(rng.integers(len(options)))] for options in self.captions]
        order = rng.integers(2, size=len(self.motions))
        text = np.stack([self.texts[caption] for caption in chosen])
        return chosen, text, self.motions[np.arange(len(order)), order]


@torch.no_grad()
def embed(model: InterCLIP, tokens: CaptionTokens, stretches: Sequence[Stretch], batch: int = 32) -> Embedded:
    """All embeddings of `stretches`; the model is left in evaluation mode."""
    model.eval()
    device = model.latent_scale.device
    motions = np.empty((len(stretches), 2, model.config.space))
    by_length = sorted(range(len(stretches)), key=lambda i: stretches[i].joints.shape[1])
    for order in range(2):
        for start in range(0, len(by_length), batch):
            rows = by_length[start : start + batch]
            padded = _padded([stretches[i] for i in rows], swap=bool(order))
            motions[rows, order] = model.encode_motion(*(x.to(device) for x in padded)).cpu()
    captions = sorted({caption for stretch in stretches for caption in stretch.captions})
    texts = {}
    for start in range(0, len(captions), batch):
        some = captions[start : start + batch]
        vectors = model.encode_text(*(x.to(device) for x in tokens(some))).cpu().double().numpy()
        texts |= dict(zip(some, vectors, strict=True))
    return Embedded(motions, [stretch.captions for stretch in stretches], texts)


def matching_scores(
    captions: list[str], text: Array, motion: Array, pool: int, rng: np.random.Generator
) -> Scores:
    """R-precision and multimodal distance of texts (N,E) and their motions (N,E)."""
    precision = r_precision(text, motion, different_pools(captions, pool, rng))
    named = {f"R-precision top {k}": float(value) for k, value in enumerate(precision, 1)}
    return named | {"MM dist": multimodal_distance(text, motion)}


def _cut(clip: Clip, start: int, stop: int, captions: tuple[str, ...]) -> Stretch:
    frames = slice(start, stop)
    return Stretch(clip.joints[:, frames], clip.rotations[:, frames], clip.good[frames], captions)


def _padded(stretches: Sequence[Stretch], *, swap: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (B,2,T,262) of the longest one's T, and the mask (B,T) of the frames that are there and sound."""
    rows = [stretch.features(swap=swap) for stretch in stretches]
    features = torch.zeros(len(rows), 2, max(row.shape[1] for row in rows), FEATURES)
    mask = torch.zeros(len(rows), features.shape[2], dtype=torch.bool)
    for i, (row, stretch) in enumerate(zip(rows, stretches, strict=True)):
        features[i, :, : row.shape[1]] = torch.from_numpy(row)
        mask[i, : row.shape[1]] = torch.from_numpy(stretch.good[: row.shape[1]])
    return features, mask
