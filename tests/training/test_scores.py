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
    random_pools,
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


def test_frechet_distance_is_scipys(rng):
    linalg = pytest.importorskip("scipy.linalg")
    first = rng.normal(size=(300, 8)) @ rng.normal(size=(8, 8))
    second = rng.normal(size=(200, 8)) @ rng.normal(size=(8, 8)) + rng.normal(size=8)
    one, two = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    gap = first.mean(0) - second.mean(0)
    theirs = gap @ gap + np.trace(one + two - 2 * linalg.sqrtm(one @ two).real)
    assert frechet_distance(first, second) == pytest.approx(theirs, rel=1e-6)


def test_frechet_distance_of_gaussians_along_the_axes_is_known(rng):
    """Of independent values it is the sum of squared gaps of the means and of the deviations."""
    first, second = rng.normal(size=(2, 40_000, 3))
    found = frechet_distance(first * [1, 2, 3], second * [2, 2, 1] + [0, 1, 0])
    assert found == pytest.approx((1 - 2) ** 2 + 1 + (3 - 1) ** 2, abs=0.1)


def test_frechet_distance_of_halves_of_one_set_is_near_nothing(rng):
    motion = rng.normal(size=(20_000, 4))
    assert frechet_distance(motion[:10_000], motion[10_000:]) < 0.005


def diversity_by_hand(motion, pairs, rng):
    first, second = (rng.choice(len(motion), pairs, replace=False) for _ in range(2))
    return np.mean(
        [np.sqrt(((motion[i] - motion[j]) ** 2).sum()) for i, j in zip(first, second, strict=True)]
    )


def test_diversity_is_the_mean_distance_of_pairs_drawn_without_putting_back(rng):
    motion = rng.normal(size=(30, 4))
    found = diversity(motion, 12, np.random.default_rng(3))
    assert found == pytest.approx(diversity_by_hand(motion, 12, np.random.default_rng(3)))
    assert diversity(motion, 300, np.random.default_rng(3)) == pytest.approx(
        diversity_by_hand(motion, 30, np.random.default_rng(3))
    )


def test_diversity_nears_the_mean_over_all_pairs_also_of_one_with_itself(rng):
    motion = rng.normal(size=(300, 4))
    every = np.linalg.norm(motion[:, None] - motion, axis=-1).mean()
    assert np.mean([diversity(motion, 300, rng) for _ in range(40)]) == pytest.approx(every, rel=0.02)


def test_multimodality_is_the_mean_over_captions_and_looks_within_each_alone(rng):
    near, far = np.array([[0.0], [1.0]]), np.array([[100.0], [103.0]])
    found = multimodality([near, far], 10, np.random.default_rng(0))
    seeds = np.random.default_rng(0)
    assert found == pytest.approx((diversity_by_hand(near, 2, seeds) + diversity_by_hand(far, 2, seeds)) / 2)
    many = np.mean([multimodality([near, far], 2, rng) for _ in range(4000)])
    assert many == pytest.approx((1 / 2 + 3 / 2) / 2, rel=0.05)
    assert multimodality([np.ones((30, 4))], 10, rng) == 0


def test_r_precision_of_planted_pairs_is_1_and_of_shuffled_ones_chance(rng):
    planted = rng.normal(size=(3200, 16))
    pools = random_pools(3200, 32, rng)
    assert r_precision(planted, planted + 1e-3, pools) == pytest.approx([1, 1, 1])
    shuffled = r_precision(planted, rng.permutation(planted), pools)
    assert shuffled == pytest.approx(np.array([1, 2, 3]) / 32, abs=0.015)


def test_random_pools_take_every_row_once_and_drop_the_rest(rng):
    pools = random_pools(1175, 96, rng)
    assert pools.shape == (12, 96)
    assert len(set(pools.ravel())) == pools.size
    with pytest.raises(IntermambaError, match="pool of 96 needs as many motions, and there are 40"):
        random_pools(40, 96, rng)


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

    def measure(_, rng):
        drawn.append(rng.normal())
        return {"score": drawn[-1]}

    found = replicate(measure, 20, seed=1)["score"]
    assert found.mean == pytest.approx(np.mean(drawn))
    assert found.half == pytest.approx(1.96 * np.std(drawn) / np.sqrt(20))
    assert len(set(drawn)) == 20
    assert replicate(measure, 20, seed=1)["score"] == found
    assert str(Interval(0.51234, 0.02)) == "0.512 ±0.020"
