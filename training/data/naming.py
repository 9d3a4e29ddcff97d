"""Real clips under the names and phrasings that scores (those with `real = true`) give to interactions."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from training.compose.captions import fill_captions
from training.compose.score import load_scores

from .clips import Clip

PHRASINGS = 4  # fillings of a score's captions, each with other names


def named(clips: list[Clip], interactions: Mapping[str, str], seed: int = 0) -> list[Clip]:
    """Clips with the captions of the interactions that they are.

    `interactions` names a score by the beginning of a clip's id, or by `#` and the tag of a segment.
    """
    rng = np.random.default_rng(seed)
    captions = {name: _phrasings(name, rng) for name in sorted({*interactions.values()})}
    return [_named(clip, interactions, captions) for clip in clips]


def _phrasings(name: str, rng: np.random.Generator) -> tuple[str, ...]:
    (score,) = load_scores([name])
    plan = score.draw(rng)
    return tuple(c for _ in range(PHRASINGS) for c in fill_captions(plan, rng, len(plan.captions)))


def _named(clip: Clip, interactions: Mapping[str, str], captions: Mapping[str, tuple[str, ...]]) -> Clip:
    name = next((name for start, name in interactions.items() if clip.id.startswith(start)), "")
    segments = tuple(
        replace(s, captions=s.captions + captions.get(interactions.get(f"#{s.tag}", ""), ()))
        for s in clip.segments
    )
    return replace(
        clip,
        captions=clip.captions + captions.get(name, ()),
        segments=segments,
        interaction=clip.interaction or name,
    )
