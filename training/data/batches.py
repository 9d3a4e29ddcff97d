"""Random crops of clips as batches: mirrored, in either order of the people, with a caption that fits the crop.

Everything random in a batch comes from (seed, step) alone, so a resumed run sees what an uninterrupted one sees.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError
from intermamba.motion.features import FEATURES, encode
from intermamba.motion.placement import mirror_pair, place_pair

from .clips import Clip

MIRROR_WORDS = {
    "left": "right",
    "right": "left",
    "clockwise": "counterclockwise",
    "counterclockwise": "clockwise",
}


@dataclass(frozen=True)
class Batch:
    """features (B,2,T,262) as intermamba.motion.features has them, mask (B,T) true on good frames, a caption each."""

    features: NDArray[np.float32]
    mask: NDArray[np.bool_]
    captions: list[str]


class Batches:
    """Draws batches from clips. Lengths are multiples of `patch`, and one length serves a whole batch."""

    def __init__(
        self,
        clips: list[Clip],
        *,
        patch: int,
        shortest: int,
        longest: int,
        frames_per_batch: int,
        common_captions: dict[str, tuple[str, ...]],
        seed: int,
    ) -> None:
        self.clips = clips
        self.mirrored = [_mirror(clip) for clip in clips]
        self.patch = patch
        self.shortest = shortest
        self.longest = min(longest, max((clip.frames for clip in clips), default=0) - 1)
        if self.longest // patch < -(-shortest // patch):
            raise IntermambaError(
                f"No clip is long enough: the recipe's shortest crop has {shortest} frames, and needs one more."
            )
        self.frames_per_batch = frames_per_batch
        self.common = {c.id: _common(c.id, common_captions) for c in clips}
        self.seed = seed

    def batch(self, step: int) -> Batch:
        """The batch of a step, always the same one."""
        rng = np.random.default_rng((self.seed, step))
        frames = self.patch * int(
            rng.integers(-(-self.shortest // self.patch), self.longest // self.patch + 1)
        )
        size = max(2, self.frames_per_batch // frames)
        long_enough = [i for i, clip in enumerate(self.clips) if clip.frames > frames]
        weights = np.array([self.clips[i].frames - frames for i in long_enough], float) ** 0.5
        chosen = rng.choice(long_enough, size=size, p=weights / weights.sum())
        features = np.empty((size, 2, frames, FEATURES), np.float32)
        mask = np.empty((size, frames), bool)
        captions = []
        for row, index in enumerate(chosen):
            mirror = rng.random() < 0.5
            clip = (self.mirrored if mirror else self.clips)[index]
            start, caption = self._crop(clip, frames, rng)
            features[row] = crop_features(clip, start, frames, swap=rng.random() < 0.5)
            mask[row] = clip.good[start : start + frames]
            captions.append(mirror_words(caption) if mirror else caption)
        return Batch(features, mask, captions)

    def _crop(self, clip: Clip, frames: int, rng: np.random.Generator) -> tuple[int, str]:
        """A start frame, and a caption of the segment there, of the whole clip, or common to all such clips."""
        last = clip.frames - frames - 1
        kind = rng.random()
        if clip.segments and kind < 0.45:
            segment = clip.segments[rng.integers(len(clip.segments))]
            slack = frames - (segment.stop - segment.start)  # the crop holds the segment, or lies in it
            low, high = sorted((segment.start - slack, segment.start))
            return int(np.clip(rng.integers(low, high + 1), 0, last)), _pick(segment.captions, rng)
        start = int(rng.integers(last + 1))
        common = self.common[clip.id]
        return start, _pick(common if common and kind > 0.6 else clip.captions, rng)

    def statistics(
        self, samples: int = 2000, frames: int = 128
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation (262,) over random crops, mirrored and swapped alike.

        The deviation is kept away from zero, so that features that hardly vary do not become noise.
        """
        rng = np.random.default_rng((self.seed, 2**31))
        total, squares, count = np.zeros(FEATURES), np.zeros(FEATURES), 0
        for _ in range(samples):
            index = int(rng.integers(len(self.clips)))
            clip = (self.mirrored if rng.random() < 0.5 else self.clips)[index]
            length = min(frames, clip.frames - 1)
            start = int(rng.integers(clip.frames - length))
            x = (
                crop_features(clip, start, length, swap=rng.random() < 0.5)
                .reshape(-1, FEATURES)
                .astype(np.float64)
            )
            total, squares, count = total + x.sum(0), squares + (x**2).sum(0), count + len(x)
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        return mean.astype(np.float32), np.maximum(std, _least_deviation()).astype(np.float32)


def crop_features(clip: Clip, start: int, frames: int, *, swap: bool) -> NDArray[np.float32]:
    """Features (2,frames,262) of a crop, placed with the first person at the origin facing +Z."""
    order = slice(None, None, -1) if swap else slice(None)
    crop = slice(start, start + frames + 1)
    joints, rotations = place_pair(clip.joints[order, crop], clip.rotations[order, crop])
    return encode(joints, rotations)


def mirror_words(caption: str) -> str:
    """Exchange left and right (and the two ways of turning) in whole words, keeping a capital."""
    words = caption.split(" ")
    return " ".join(_mirror_word(word) for word in words)


def _mirror_word(word: str) -> str:
    bare = word.strip(".,;:!?'\"()")
    other = MIRROR_WORDS.get(bare.lower())
    if other is None:
        return word
    return word.replace(bare, other.capitalize() if bare[0].isupper() else other)


def _mirror(clip: Clip) -> Clip:
    joints, rotations = mirror_pair(clip.joints, clip.rotations)[:2]
    return Clip(clip.id, joints, rotations, clip.rest, clip.good, clip.captions, clip.segments)


def _common(clip_id: str, captions: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return next((texts for prefix, texts in captions.items() if clip_id.startswith(prefix)), ())


def _pick(captions: tuple[str, ...], rng: np.random.Generator) -> str:
    return captions[int(rng.integers(len(captions)))]


def _least_deviation() -> NDArray[Any]:
    """5 mm, 1 mm a frame, 0.02 of a rotation column, 0.05 of a contact."""
    return np.concatenate([np.full(66, 0.005), np.full(66, 0.001), np.full(126, 0.02), np.full(4, 0.05)])
