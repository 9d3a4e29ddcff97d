"""How the two papers' tables are made, step by step: what is drawn, how often, and on what scale it is measured.

InterHuman's is that of InterGen (Liang et al. 2023), Inter-X's that of its authors (Xu et al. 2024), who follow T2M
(Guo et al. 2022); the repetitions of multimodality are the paper's (section V.B).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .embedding import Array, Footage, Judge, View
from .scores import (
    Interval,
    Scores,
    different_pools,
    diversity,
    frechet_distance,
    multimodal_distance,
    multimodality,
    r_precision,
    random_pools,
    replicate,
)

COLUMNS = ("R top 1", "R top 2", "R top 3", "FID", "MM Dist", "Diversity", "MModality")
Row = dict[str, Interval]
"""A row of the table: its columns, without those that there are none of."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Settings of an evaluation. Lengths in frames."""

    pool: int
    """Motions that a text has to choose from."""
    longest: int = 300
    multiple: int = 1
    """Lengths are multiples of this; from 2 on, a third of them is one such unit shorter, as in T2M."""
    swap: bool = True
    """Whether the two people change places half the time."""
    different_captions: bool = False
    """Whether no caption is twice in a pool; needed where many clips share theirs."""
    scale: float = 6.0
    """What embeddings are multiplied by for FID and, halved, for diversity; for nothing else."""
    diversity_scale: float = 3.0
    diversity_pairs: int = 300
    texts: int = 100
    """Of multimodality: captions, motions of each, pairs of these, and how often all that is done anew."""
    repeats: int = 30
    pairs: int = 10
    rounds: int = 5
    replications: int = 20
    sets: int = 20
    """Times that a motion is made for every clip; replications take the sets in turn."""
    sampling: dict[str, Any]
    """steps, guidance and sampler; what is left out is the bundle's own."""


_PAPER = {"steps": 50, "guidance": 3.5, "sampler": "ddim"}
INTERHUMAN = Protocol(pool=96, sampling=_PAPER)
INTERX = Protocol(
    pool=32, longest=150, multiple=4, swap=False, scale=1.0, diversity_scale=1.0, sampling=_PAPER
)
FOLDERS = Protocol(pool=32, different_captions=True, texts=10, repeats=10, rounds=1, sets=1, sampling={})
"""InterHuman's measures on one's own clips, with as little generation as still tells something."""


def look(footage: Footage, protocol: Protocol, rng: np.random.Generator) -> tuple[View, str]:
    """A random view of footage, and one of its captions."""
    frames, unit = min(footage.frames, protocol.longest), protocol.multiple
    frames -= frames % unit
    if unit > 1 and rng.integers(3) == 2:
        frames -= unit
    start = int(rng.integers(footage.frames - frames + 1))
    swap = protocol.swap and bool(rng.integers(2))
    return View(footage, start, frames, swap), footage.captions[int(rng.integers(len(footage.captions)))]


def measure_real(judge: Judge, real: Sequence[Footage], protocol: Protocol, seed: int = 0) -> Row:
    """The scores of real clips: those of one random pass, with another as the reference of FID."""

    def once(_: int, rng: np.random.Generator) -> Scores:
        captions, motion = random_pass(judge, real, protocol, rng)
        reference = random_pass(judge, real, protocol, rng)[1]
        return _scores(judge, captions, motion, reference, protocol, rng)

    return replicate(once, protocol.replications, seed)


def measure_made(
    judge: Judge,
    real: Sequence[Footage],
    sets: Sequence[tuple[list[str], Array]],
    rounds: Sequence[Sequence[Array]],
    protocol: Protocol,
    seed: int = 0,
) -> Row:
    """The scores of generated motions: of `sets`, their captions and embeddings (N,E), each replication takes the next.

    `rounds` of multimodality hold embeddings (K,E) of the motions of each caption. The reference is a random pass over
    the real clips.
    """

    def once(index: int, rng: np.random.Generator) -> Scores:
        captions, motion = sets[index % len(sets)]
        reference = random_pass(judge, real, protocol, rng)[1]
        return _scores(judge, captions, motion, reference, protocol, rng)

    row = replicate(once, protocol.replications, seed + 1)
    if rounds:
        rng = np.random.default_rng((seed, 2))
        row["MModality"] = Interval.of([multimodality(groups, protocol.pairs, rng) for groups in rounds])
    return row


def random_pass(
    judge: Judge, real: Sequence[Footage], protocol: Protocol, rng: np.random.Generator
) -> tuple[list[str], Array]:
    """A caption of each clip, and embeddings (N,E) of a view of each."""
    views, captions = zip(*(look(footage, protocol, rng) for footage in real), strict=True)
    return list(captions), judge.motions(views)


def _scores(
    judge: Judge,
    captions: list[str],
    motion: Array,
    reference: Array,
    protocol: Protocol,
    rng: np.random.Generator,
) -> Scores:
    """All scores but multimodality."""
    text = judge.texts(captions)
    if protocol.different_captions:
        pools = different_pools(captions, protocol.pool, rng)
    else:  # these are the batches of a loader that drops what fills none, so only what is in one counts
        pools = random_pools(len(captions), protocol.pool, rng)
        reference = reference[random_pools(len(reference), protocol.pool, rng).ravel()]
    precision = r_precision(text, motion, pools)
    if not protocol.different_captions:
        text, motion = text[pools.ravel()], motion[pools.ravel()]
    return {
        **{f"R top {k}": float(value) for k, value in enumerate(precision, 1)},
        "FID": frechet_distance(protocol.scale * motion, protocol.scale * reference),
        "MM Dist": multimodal_distance(text, motion),
        "Diversity": diversity(protocol.diversity_scale * motion, protocol.diversity_pairs, rng),
    }
