"""Batches of a run that is counted in epochs: in each, every clip comes once as it is and once mirrored.

A batch is made of clips of nearly the same length, cropped to the shortest of them, so that nothing is padded: the
network then sees in training what it sees in sampling, and no step is spent on padding. Which clips meet, and in which
order, comes from (seed, epoch) alone; the rest of a batch from (seed, step).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .batches import Batches, Crop, mirror_words
from .clips import Clip

SPREAD = 0.05  # lengths differ by up to this share within a batch, so that it has other clips in every epoch


class EpochBatches(Batches):
    """Draws batches of `pairs` clips each; what does not fill a batch waits for another epoch."""

    def __init__(
        self,
        clips: list[Clip],
        *,
        pairs: int,
        patch: int,
        shortest: int,
        longest: int,
        common_captions: dict[str, tuple[str, ...]],
        seed: int,
        mirror: bool = True,
        swap: bool = True,
        handed: Sequence[str] = (),
        ways: int = 0,
    ) -> None:
        """`shortest` and `longest` are frames: shorter clips are left out, of longer ones a random part is taken."""
        super().__init__(
            clips,
            patch=patch,
            shortest=shortest,
            longest=longest,
            frames_per_batch=0,
            common_captions=common_captions,
            seed=seed,
            weights=[clip.frames for clip in clips],  # of the statistics
            swap=swap,
            handed=handed,
            mirror=mirror,
            ways=ways,
        )
        self.usable = np.array([min(clip.frames - 1, longest) // patch * patch for clip in clips])
        self.items = np.array(
            [
                (index, mirrored)
                for index in np.flatnonzero(self.usable >= shortest)
                for mirrored in (0, 1)
                if not mirrored or (mirror and clips[index].interaction not in handed)
            ]
        )
        self.pairs = min(pairs, len(self.items))
        self.per_epoch = len(self.items) // self.pairs
        self.plan = lru_cache(maxsize=2)(self._plan)

    def draw(self, step: int) -> list[Crop]:
        """What is in the batch of a step, always the same; crops of one length."""
        epoch, index = divmod(step, self.per_epoch)
        chosen = self.plan(epoch)[index]
        frames = int(self.usable[chosen[:, 0]].min())
        rng = np.random.default_rng((self.seed, step))
        crops = []
        for item, mirrored in chosen:
            clip, mirror = self.clips[item], bool(mirrored)
            start, caption = self._crop(clip, frames, rng)
            _, swap = self._toss(clip, rng)
            caption = mirror_words(caption) if mirror else caption
            crops.append(Crop(clip, start, frames, caption, mirror, swap, self._way(item, rng)))
        return crops

    def _plan(self, epoch: int) -> NDArray[np.intp]:
        """Clip and mirroring of every pair of every batch of an epoch, (batches, pairs, 2)."""
        rng = np.random.default_rng((self.seed, epoch))
        items = rng.permutation(self.items)[: self.per_epoch * self.pairs]
        lengths = self.usable[items[:, 0]] * (1 + SPREAD * rng.random(len(items)))
        batches = items[np.argsort(lengths, kind="stable")].reshape(self.per_epoch, self.pairs, 2)
        return rng.permutation(batches)
