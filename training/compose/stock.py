"""Phrases at hand: drawn from the library, measured once, and chosen so that poses fit their neighbours."""

from collections.abc import Sequence

import numpy as np

from intermamba.errors import IntermambaError

from .body import FPS
from .library import Library, Phrase
from .score import Cue
from .sequence import Item, looped, make_item, retimed

OTHER = {"left": "right", "right": "left"}
# How many loops, and places in each, are looked at for a fill; what a fit that is worse than the best may be taken.
FILL_TRIES = 4


class Stock:
    """What a composer draws from: the phrases of a library, training's or the held-out ones."""

    def __init__(self, library: Library, *, held_out: bool = False) -> None:
        self.rest = library.rest
        self.library = library
        self.held_out = held_out
        self._stocked: dict[tuple[int, bool], Item] = {}
        self._actions: dict[str, list[Phrase]] = {}

    def phrases(self, action: str) -> list[Phrase]:
        """The phrases of an action."""
        if action not in self._actions:
            self._actions[action] = self.library.phrases(action, held_out=self.held_out)
        return self._actions[action]

    def stocked(self, phrase: Phrase, mirror: bool) -> Item:
        """A phrase or its mirror image, measured."""
        key = (id(phrase), mirror)
        if key not in self._stocked:
            self._stocked[key] = make_item(phrase.mirrored() if mirror else phrase, self.rest)
        return self._stocked[key]

    def draw(self, cue: Cue, flip: bool, rng: np.random.Generator, *, hold: float = 0.0) -> Item:
        """A phrase for a cue, on its side, at its speed, trimmed; its event held for `hold` s and the cue's own."""
        action = cue.action[int(rng.integers(len(cue.action)))]
        fits = _fitting(cue, self.phrases(action))
        if not fits and self.held_out:  # nothing of that kind was held out
            fits = _fitting(cue, self.library.phrases(action, held_out=False))
        if not fits:
            raise IntermambaError(f"No clip of the action {action!r} fits the cue's `clip` or `not_clip`.")
        phrase = fits[int(rng.integers(len(fits)))]
        mirror = flip if not cue.side or phrase.side is None else phrase.side != cue.side
        item = self.stocked(phrase, mirror and not (cue.side and phrase.side is None))
        speed = float(np.clip(cue.speed.draw(rng), 0.85, 1.2))
        if phrase.loops:
            return item
        if cue.trim:
            before, after = (round(seconds * speed * FPS) for seconds in cue.trim)
            item = item.slice(max(item.event - before, 0), item.event + after + 1)
        return retimed(item, speed, hold + cue.hold.draw(rng))

    def fill(
        self,
        actions: Sequence[str],
        frames: int,
        before: np.ndarray | None,
        after: np.ndarray | None,
        rng: np.random.Generator,
    ) -> Item:
        """A looping item of so many frames whose first and last poses are near `before` and `after` (6, 3)."""
        action = actions[int(rng.integers(len(actions)))]
        phrases = self.phrases(action)
        best, least = None, np.inf
        for _ in range(FILL_TRIES):
            phrase = phrases[int(rng.integers(len(phrases)))]
            for mirror in (False, True):
                one = self.stocked(phrase, mirror)
                turn = max(one.frames - 1, 1)
                offset = int(rng.integers(turn))
                ends = one.pose[offset % turn], one.pose[(offset + frames - 1) % turn]
                misfit = (
                    sum(
                        float(np.abs(mine - theirs).mean())
                        for mine, theirs in zip(ends, (before, after), strict=True)
                        if theirs is not None
                    )
                    + 0.02 * rng.random()
                )
                if misfit < least:
                    best, least = (one, offset), misfit
        assert best is not None
        return looped(best[0], frames, best[1])


def _fitting(cue: Cue, phrases: Sequence[Phrase]) -> list[Phrase]:
    return [
        phrase
        for phrase in phrases
        if (not cue.clip or any(part in phrase.clip for part in cue.clip))
        and not any(part in phrase.clip for part in cue.not_clip)
    ]
