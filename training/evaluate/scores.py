"""Text-to-motion scores on embeddings: R-precision, multimodal distance, FID, diversity, multimodality.

The definitions are those of Guo et al. 2022 (T2M), as InterGen uses them.
Shapes: N motions, E values of an embedding, K of whatever is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError

Array = NDArray[np.floating]
Scores = dict[str, float]


@dataclass(frozen=True)
class Interval:
    """A mean over replications, and half the width of its 95 % interval."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of the values of all replications: mean, and 1.96 standard errors of it."""
        return cls(float(np.mean(values)), float(1.96 * np.std(values) / np.sqrt(len(values))))

    def __str__(self) -> str:
        return f"{self.mean:.3f} ±{self.half:.3f}"


def different_pools(captions: Sequence[str], size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Random pools (K, size) of row numbers: no row twice, no caption twice in a pool, the rest dropped."""
    if len(set(captions)) < size:
        raise IntermambaError(
            f"A pool of {size} needs as many different captions, and there are {len(set(captions))}: "
            "give more clips, or a smaller --pool."
        )
    rows = [int(row) for row in rng.permutation(len(captions))]
    pools = []
    while True:
        pool: dict[str, int] = {}
        for row in rows:
            if len(pool) < size:
                pool.setdefault(captions[row], row)
        if len(pool) < size:
            return np.array(pools, np.intp)
        pools.append(list(pool.values()))
        rows = [row for row in rows if pool.get(captions[row]) != row]


def random_pools(count: int, size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Random pools (K, size) of the row numbers below `count`; what fills no pool is dropped."""
    if count < size:
        raise IntermambaError(
            f"A pool of {size} needs as many motions, and there are {count}: give more clips, or a smaller --pool."
        )
    return rng.permutation(count)[: count - count % size].reshape(-1, size)


def r_precision(text: Array, motion: Array, pools: NDArray[np.intp], top: int = 3) -> Array:
    """Shares (top,) of the texts (N,E) whose own motion (N,E) is among the 1, ..., top nearest ones of its pool.

    Motions that are as near as the text's own count as nearer, so that a collapsed space earns nothing.
    """
    distance = np.linalg.norm(text[pools][:, :, None] - motion[pools][:, None], axis=-1)
    own = np.diagonal(distance, axis1=1, axis2=2)[..., None]
    nearer = (distance <= own).sum(-1) - 1
    return np.array([(nearer < k).mean() for k in range(1, top + 1)])


def multimodal_distance(text: Array, motion: Array) -> float:
    """Mean distance of the texts (N,E) from their own motions (N,E)."""
    return float(np.linalg.norm(text - motion, axis=-1).mean())


def frechet_distance(first: Array, second: Array) -> float:
    """FID: squared distance of the Gaussians that fit two sets (N,E), (M,E) of embeddings best.

    |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2)), its last trace by two symmetric eigenvalue problems.
    It is biased upwards for few motions: compare only values of equal numbers of them.
    """
    mean, spread = zip(*((x.mean(0), np.cov(x, rowvar=False)) for x in (first, second)), strict=True)
    root = _root(spread[0])
    overlap = np.sqrt(np.linalg.eigvalsh(root @ spread[1] @ root).clip(0)).sum()
    gap = mean[0] - mean[1]
    return float(gap @ gap + np.trace(spread[0]) + np.trace(spread[1]) - 2 * overlap)


def diversity(motion: Array, pairs: int, rng: np.random.Generator) -> float:
    """Mean distance of random pairs of motions (N,E): `pairs` of them, or N where there are fewer."""
    return multimodality([motion], pairs, rng)


def multimodality(groups: Sequence[Array], pairs: int, rng: np.random.Generator) -> float:
    """Mean distance of random pairs of motions of each group (K,E), those of a caption.

    As in the released code both motions of the pairs are drawn without putting back, one draw after the other, so
    that now and then a motion meets itself: 10 pairs of 30 lose a thirtieth by it.
    """
    return float(np.mean([_pair_distance(group, pairs, rng) for group in groups]))


def replicate(
    measure: Callable[[int, np.random.Generator], Scores], replications: int = 20, seed: int = 0
) -> dict[str, Interval]:
    """Each score over replications; `measure` gets the number of each and a generator of its own."""
    runs = [measure(index, np.random.default_rng((seed, index))) for index in range(replications)]
    return {name: Interval.of([run[name] for run in runs]) for name in runs[0]}


def _root(matrix: Array) -> Array:
    """The symmetric root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def _pair_distance(motion: Array, pairs: int, rng: np.random.Generator) -> float:
    size = min(pairs, len(motion))
    first, second = (rng.choice(len(motion), size, replace=False) for _ in range(2))
    return float(np.linalg.norm(motion[first] - motion[second], axis=-1).mean())
