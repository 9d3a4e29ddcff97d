"""The scores against obvious loops, and what they must be on embeddings whose answer is known."""

import numpy as np
import pytest

from intermamba.errors import IntermambaError
from training.evaluate.scores import (
    Interval,
    different_pools,
    diversity,
    frechet_distance,
    multimodal_distance,
    multimodality,
    r_precision,
    replicate,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def r_precision_by_loops(text, motion, pools, top):
    found = np.zeros(top)
    for pool in pools:
        for row in pool:
            order = sorted(pool, key=lambda other: np.linalg.norm(text[row] - motion[other]))
            for k in range(top):
                found[k] += row in order[: k + 1]
    return found / pools.size


def test_r_precision_is_the_share_of_texts_that_find_their_motion(rng):
    text = rng.normal(size=(24, 5))
    motion = text + rng.normal(size=text.shape)
    pools = rng.permutation(24).reshape(3, 8)
    assert r_precision(text, motion, pools) == pytest.approx(r_precision_by_loops(text, motion, pools, 3))
    assert r_precision(text, text, pools) == pytest.approx([1, 1, 1])


def test_a_collapsed_space_has_no_r_precision(rng):
    collapsed = np.ones((8, 4))
    assert r_precision(collapsed, collapsed, np.arange(8).reshape(1, 8)) == pytest.approx([0, 0, 0])


def test_r_precision_of_chance_is_one_in_the_pools_size(rng):
    text, motion = rng.normal(size=(2, 3200, 8))
    pools = rng.permutation(3200).reshape(100, 32)
    assert r_precision(text, motion, pools) == pytest.approx(np.array([1, 2, 3]) / 32, abs=0.015)


def test_multimodal_distance_is_the_mean_distance_of_the_pairs(rng):
    text, motion = rng.normal(size=(2, 9, 4))
    pairs = [np.sqrt(sum((t - m) ** 2)) for t, m in zip(text, motion, strict=True)]
    assert multimodal_distance(text, motion) == pytest.approx(np.mean(pairs))


def frechet_by_eigenvalues(first, second):
    """The trace of a product's root is the sum of the roots of its eigenvalues."""
    gap = first.mean(0) - second.mean(0)
    one, two = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(one @ two).astype(complex)).real
    return gap @ gap + np.trace(one + two) - 2 * roots.sum()


def test_frechet_distance_is_that_of_the_two_gaussians(rng):
    first = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))
    second = rng.normal(size=(150, 6)) @ rng.normal(size=(6, 6)) + 0.5
    assert frechet_distance(first, second) == pytest.approx(frechet_by_eigenvalues(first, second))
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(first, first + np.array([3, 4, 0, 0, 0, 0])) == pytest.approx(25)


def test_frechet_distance_holds_with_fewer_motions_than_values(rng):
    first, second = rng.normal(size=(2, 5, 12))
    assert frechet_distance(first, second) == pytest.approx(frechet_by_eigenvalues(first, second), abs=1e-5)


def test_diversity_nears_the_mean_over_all_pairs(rng):
    motion = rng.normal(size=(30, 4))
    every = [np.linalg.norm(a - b) for i, a in enumerate(motion) for j, b in enumerate(motion) if i != j]
    assert diversity(motion, 20_000, rng) == pytest.approx(np.mean(every), rel=0.02)


def test_diversity_pairs_no_motion_with_itself(rng):
    assert diversity(np.array([[0.0], [1.0]]), 200, rng) == 1


def test_multimodality_looks_within_each_caption_alone(rng):
    groups = [np.array([[0.0], [1.0]]), np.array([[100.0], [103.0], [100.0]])]
    far_apart = 1 / 2 + (3 * 2 / 3) / 2
    assert multimodality(groups, 20_000, rng) == pytest.approx(far_apart, rel=0.02)


def test_pools_hold_different_captions_and_no_row_twice(rng):
    captions = [f"caption {i % 10}" for i in range(43)]
    pools = different_pools(captions, 8, rng)
    assert 4 <= len(pools) <= 5
    assert len(set(pools.ravel())) == pools.size
    assert all(len({captions[row] for row in pool}) == 8 for pool in pools)


def test_too_few_captions_for_a_pool_say_so(rng):
    with pytest.raises(IntermambaError, match=r"smaller --pool"):
        different_pools(["a", "b", "a"], 3, rng)


def test_replications_are_reproducible_and_their_interval_is_1_96_standard_errors():
    drawn = []

    def measure(rng):
        drawn.append(rng.normal())
        return {"score": drawn[-1]}

    found = replicate(measure, 20, seed=1)["score"]
    assert found.mean == pytest.approx(np.mean(drawn))
    assert found.half == pytest.approx(1.96 * np.std(drawn) / np.sqrt(20))
    assert len(set(drawn)) == 20
    assert replicate(measure, 20, seed=1)["score"] == found
    assert str(Interval(0.51234, 0.02)) == "0.512 ±0.020"
