"""Random crops of clips as batches: mirrored, in either order of the people if so wished, with a fitting caption.

Everything random in a batch comes from (seed, step) alone, so a resumed run sees what an uninterrupted one sees.
"""

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError
from intermamba.motion.features import FEATURES, encode
from intermamba.motion.placement import mirror_pair, place_each, place_pair

from .clips import Clip, Segment

LONG_SEGMENT = 150  # frames; a walk or a dance is one at any moment

SLIP = 4  # frames, twice what a crop's middle may be off

# Whole words that a mirror changes: parts of others are not (upright), those of hyphenated ones are (left-handed).
SIDED = re.compile(r"\b(left|right|clockwise|(counter|anti)[- ]?clockwise)\b(?!-angle)", re.IGNORECASE)
MIRRORED = {"left": "right", "right": "left", "clockwise": "counterclockwise"}


@dataclass(frozen=True)
class Batch:
    """features (B,2,T,262) as intermamba.motion.features has them, mask (B,T) true on good frames, a caption each.

    `ways` (B,) are the numbers of the ways in which they do it (intermamba.model.ways).
    `size` is B of the whole batch, of which these pairs may be a part.
    """

    features: NDArray[np.float32]
    mask: NDArray[np.bool_]
    captions: list[str]
    ways: NDArray[np.int64]
    size: int

    def part(self, rows: slice) -> Self:
        """Those rows of it."""
        features, mask, captions, ways = (
            x[rows] for x in (self.features, self.mask, self.captions, self.ways)
        )
        return replace(self, features=features, mask=mask, captions=captions, ways=ways)


@dataclass(frozen=True)
class Crop:
    """What a batch shows of a clip: `frames` from `start` on, mirrored, its people exchanged, a caption and a way."""

    clip: Clip
    start: int
    frames: int
    caption: str
    mirror: bool
    swap: bool
    way: int


class Batches:
    """Draws batches from clips. Lengths are multiples of `patch`, and one length serves a whole batch."""

    per_epoch = 1  # batches after which a run's clock ticks

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
        weights: Sequence[float] | None = None,
        swap: bool = True,
        handed: Sequence[str] = (),
        mirror: bool = True,
        ways: int = 0,
    ) -> None:
        """`weights` are how often the clips are drawn (default: the root of their lengths); without `mirror` nothing
        is mirrored, and the interactions `handed` never; without `swap` the two people never change places. `ways` are
        told apart by the network: clips of an interaction share them out.
        """
        self.clips = clips
        self.weights = np.array([c.frames**0.5 for c in clips] if weights is None else weights, float)
        self.swap, self.mirror, self.handed = swap, mirror, handed
        self.patch = patch
        self.shortest = shortest
        lengths = range(-(-shortest // patch) * patch, longest + 1, patch)
        self.lengths = [frames for frames in lengths if any(self._fits(frames))]
        if not self.lengths:
            raise IntermambaError(
                f"No clip is long enough: the recipe's shortest crop has {shortest} frames, and needs one more."
            )
        self.frames_per_batch = frames_per_batch
        self.common = {c.id: _common(c.id, common_captions) for c in clips}
        self.seed = seed
        self.ways, self.places = ways, _places(clips)

    def draw(self, step: int) -> list[Crop]:
        """What is in the batch of a step, always the same; crops of one length."""
        rng = np.random.default_rng((self.seed, step))
        frames = self.lengths[int(rng.integers(len(self.lengths)))]
        size = max(2, self.frames_per_batch // frames)
        fits = np.array(self._fits(frames))
        chosen = rng.choice(len(fits), size=size, p=self.weights * fits / (self.weights * fits).sum())
        crops = []
        for index in chosen:
            clip = self.clips[index]
            start, caption = self._crop(clip, frames, rng)
            mirror, swap = self._toss(clip, rng)
            caption = mirror_words(caption) if mirror else caption
            crops.append(Crop(clip, start, frames, caption, mirror, swap, self._way(index, rng)))
        return crops

    def batch(self, step: int, rows: slice = slice(None)) -> Batch:
        """Those rows of the batch of a step."""
        drawn = self.draw(step)
        crops = drawn[rows]
        return Batch(
            np.stack([crop_features(c.clip, c.start, c.frames, swap=c.swap, mirror=c.mirror) for c in crops]),
            np.stack([c.clip.good[c.start : c.start + c.frames] for c in crops]),
            [c.caption for c in crops],
            np.array([c.way for c in crops], np.int64),
            len(drawn),
        )

    def _fits(self, frames: int) -> list[bool]:
        """Of every clip, whether a crop of so many frames can be told by a caption."""
        return [
            clip.frames > frames and (bool(clip.captions) or bool(self._held(clip, frames)))
            for clip in self.clips
        ]

    def _held(self, clip: Clip, frames: int) -> list[Segment]:
        """The segments that a crop of so many frames can show, in its middle if they are short.

        One without room for that in the shortest crop may lie anywhere in it.
        """
        least = self.shortest + self.patch
        return [
            segment
            for segment in clip.segments
            if frames <= max(room(clip, segment), least) and not frames < _length(segment) < LONG_SEGMENT
        ]

    def _toss(self, clip: Clip, rng: np.random.Generator) -> tuple[bool, bool]:
        """Whether to mirror a crop, and whether to exchange its people."""
        mirror, swap = rng.random(2) < 0.5
        mirror = self.mirror and bool(mirror) and clip.interaction not in self.handed
        return mirror, bool(swap) and self.swap

    def _way(self, index: int, rng: np.random.Generator) -> int:
        """One of the ways that are a clip's own: of five clips the second has the ways 1, 6, 11 ..."""
        if not self.ways:
            return 0
        place, clips = self.places[index]
        own = range(place % self.ways, self.ways, clips)
        return own[int(rng.integers(len(own)))]

    def _crop(self, clip: Clip, frames: int, rng: np.random.Generator) -> tuple[int, str]:
        """A start frame, and a caption of the segment there, of the whole clip, or common to all such clips."""
        last = clip.frames - frames - 1
        kind = rng.random()
        held = self._held(clip, frames)
        if held and (kind < 0.45 or not clip.captions):
            segment = held[rng.integers(len(held))]
            slack = frames - _length(segment)
            middle = segment.start - slack // 2  # where a blow may come a little sooner, the mean is no blow
            start = middle if slack > 0 else rng.integers(segment.start, segment.start - slack + 1)
            return int(np.clip(start, 0, last)), _pick(segment.captions, rng)
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
            clip = self.clips[rng.choice(len(self.clips), p=self.weights / self.weights.sum())]
            length = min(frames, clip.frames - 1)
            start = int(rng.integers(clip.frames - length))
            mirror, swap = self._toss(clip, rng)
            crop = crop_features(clip, start, length, swap=swap, mirror=mirror)
            x = crop.reshape(-1, FEATURES).astype(np.float64)
            total, squares, count = total + x.sum(0), squares + (x**2).sum(0), count + len(x)
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        return mean.astype(np.float32), np.maximum(std, _least_deviation()).astype(np.float32)


class Ahead:
    """Batches of a run, or the same rows of each, made by another thread while the step before is computed."""

    def __init__(self, batches: Batches, rows: slice = slice(None)) -> None:
        self.batches, self.rows = batches, rows
        self._pool = ThreadPoolExecutor(1)
        self._next: tuple[int, Future[Batch]] | None = None

    def batch(self, step: int) -> Batch:
        """The batch of a step; that of the next step is begun."""
        begun = self._next
        self._next = step + 1, self._pool.submit(self.batches.batch, step + 1, self.rows)
        return begun[1].result() if begun and begun[0] == step else self.batches.batch(step, self.rows)


def crop_features(
    clip: Clip, start: int, frames: int, *, swap: bool = False, mirror: bool = False
) -> NDArray[np.float32]:
    """Features (2,frames,262) of a crop, placed with the first person at the origin facing +Z."""
    order = slice(None, None, -1) if swap else slice(None)
    crop = slice(start, start + frames + 1)
    joints, rotations = clip.joints[order, crop], clip.rotations[order, crop]
    if mirror:
        joints, rotations = mirror_pair(joints, rotations)
    place = place_each if clip.own_floor else place_pair
    return encode(*place(joints, rotations))


def mirror_words(caption: str) -> str:
    """Exchange left and right (and the two ways of turning) in whole words, keeping a capital."""
    return SIDED.sub(_mirrored, caption)


def _mirrored(word: re.Match[str]) -> str:
    other = MIRRORED.get(word[0].lower(), "clockwise")
    return other.capitalize() if word[0][0].isupper() else other


def room(clip: Clip, segment: Segment) -> int:
    """The longest crop, in frames, with the middle of a segment in its middle; all of a clip that begins with it.

    A long segment needs no middle. Where events lie apart, their mean, all that is known in noise, is none of them.
    """
    if segment.start == 0 or _length(segment) >= LONG_SEGMENT:
        return clip.frames - 1
    middle = (segment.start + segment.stop) // 2
    return 2 * min(middle, clip.frames - 1 - middle) + SLIP


def _length(segment: Segment) -> int:
    return segment.stop - segment.start


def _places(clips: Sequence[Clip]) -> list[tuple[int, int]]:
    """The place of each clip among those of its interaction and variant, and how many these are."""
    kinds = [(clip.interaction, clip.variant) for clip in clips]
    counts = Counter(kinds)
    seen: Counter[tuple[str, int]] = Counter()
    places = []
    for kind in kinds:
        places.append((seen[kind], counts[kind]))
        seen[kind] += 1
    return places


def _common(clip_id: str, captions: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return next((texts for prefix, texts in captions.items() if clip_id.startswith(prefix)), ())


def _pick(captions: tuple[str, ...], rng: np.random.Generator) -> str:
    return captions[int(rng.integers(len(captions)))]


def _least_deviation() -> NDArray[Any]:
    """5 mm, 1 mm a frame, 0.02 of a rotation column, 0.05 of a contact."""
    return np.concatenate([np.full(66, 0.005), np.full(66, 0.001), np.full(126, 0.02), np.full(4, 0.05)])
