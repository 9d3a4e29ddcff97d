"""The protocols' steps, on an evaluator whose embeddings are planted."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

pytest.importorskip("torch")

from training.evaluate.embedding import Judge, View
from training.evaluate.protocol import (
    FOLDERS,
    INTERHUMAN,
    INTERX,
    look,
    measure_made,
    measure_real,
    random_pass,
)

WIDTH = 6


@dataclass(frozen=True, eq=False)
class Film:
    """Footage that is embedded as `place`."""

    captions: tuple[str, ...]
    place: np.ndarray
    frames: int = 40


class Planted(Judge):
    """Captions are numbers, whose places are fixed; motions are where they say they are, a little off by view."""

    def embed_motions(self, views):
        raise NotImplementedError

    def embed_texts(self, captions):
        raise NotImplementedError

    def footage(self, real):
        return real

    def view(self, motion, real):
        raise NotImplementedError

    def motions(self, views):
        return np.stack([v.footage.place + 0.01 * v.swap for v in views])

    def texts(self, captions):
        return np.stack([place_of(caption) for caption in captions])


def place_of(caption):
    return np.random.default_rng(int(caption)).normal(size=WIDTH)


def films(count=400, spread=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return [Film((str(i),), place_of(i) + spread * rng.normal(size=WIDTH)) for i in range(count)]


def as_set(made):
    return [film.captions[0] for film in made], np.stack([film.place for film in made])


def test_the_protocols_numbers_are_the_released_ones():
    assert (INTERHUMAN.pool, INTERX.pool) == (96, 32)
    for protocol in (INTERHUMAN, INTERX):
        assert (protocol.replications, protocol.sets, protocol.rounds) == (20, 20, 5)
        assert (protocol.texts, protocol.repeats, protocol.pairs) == (100, 30, 10)
        assert protocol.diversity_pairs == 300
        assert protocol.sampling == {"steps": 50, "guidance": 3.5, "sampler": "ddim"}
    assert (INTERHUMAN.scale, INTERHUMAN.diversity_scale, INTERX.scale, INTERX.diversity_scale) == (
        6,
        3,
        1,
        1,
    )


def test_a_look_is_a_random_window_a_caption_and_an_order():
    film = Film(("a", "b"), np.zeros(WIDTH), frames=350)
    rng = np.random.default_rng(0)
    views, captions = zip(*(look(film, INTERHUMAN, rng) for _ in range(400)), strict=True)
    starts = {view.start for view in views}
    assert {view.frames for view in views} == {300}
    assert min(starts) == 0
    assert max(starts) == 50
    assert np.mean([view.swap for view in views]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([caption == "a" for caption in captions]) == pytest.approx(0.5, abs=0.1)


def test_inter_xs_lengths_are_multiples_of_4_a_third_of_them_one_less():
    film, rng = Film(("a",), np.zeros(WIDTH), frames=150), np.random.default_rng(0)
    views = [look(film, INTERX, rng)[0] for _ in range(600)]
    assert {view.frames for view in views} == {148, 144}
    assert np.mean([view.frames == 144 for view in views]) == pytest.approx(1 / 3, abs=0.07)
    assert all(view.start + view.frames <= 150 and not view.swap for view in views)


def test_planted_pairs_find_each_other_and_have_no_distance():
    row = measure_real(Planted(), films(), replace(INTERHUMAN, swap=False, replications=2))
    assert [row[f"R top {k}"].mean for k in (1, 2, 3)] == [1, 1, 1]
    assert row["MM Dist"].mean == pytest.approx(0)
    assert row["FID"].mean < 1  # two batches of 384 of the same 400


def test_shuffled_pairs_are_at_chance():
    shuffled = films(960)
    places = np.random.default_rng(1).permutation([film.place for film in shuffled])
    shuffled = [replace(film, place=place) for film, place in zip(shuffled, places, strict=True)]
    row = measure_real(Planted(), shuffled, replace(INTERHUMAN, replications=8))
    assert row["R top 1"].mean == pytest.approx(1 / 96, abs=0.006)
    assert row["R top 3"].mean == pytest.approx(3 / 96, abs=0.01)


def test_scales_are_6_of_fid_3_of_diversity_and_none_of_the_others():
    real, made = films(), films(spread=0.5, seed=3)
    captions, motion = as_set(made)
    groups = [[motion[:10], motion[10:20]]]
    few = replace(INTERHUMAN, swap=False, replications=3)
    plain = replace(few, scale=1.0, diversity_scale=1.0)
    scaled, unscaled = (
        measure_made(Planted(), real, [(captions, motion)], groups, protocol) for protocol in (few, plain)
    )
    assert scaled["FID"].mean == pytest.approx(36 * unscaled["FID"].mean)
    assert scaled["Diversity"].mean == pytest.approx(3 * unscaled["Diversity"].mean)
    for name in ("MM Dist", "R top 1", "MModality"):
        assert scaled[name] == unscaled[name]


def test_what_fills_no_batch_is_dropped():
    real = films(100)
    far = Film(("3",), np.full(WIDTH, 1e3))
    protocol = replace(INTERHUMAN, swap=False, replications=40)
    row = measure_made(Planted(), real, [as_set([*real[:-1], far])], [], protocol)
    kept = row["MM Dist"].mean / (np.linalg.norm(far.place - place_of(3)) / 96)
    assert kept == pytest.approx(0.96, abs=0.1)  # the far one is in 96 of 100 replications


def test_replications_take_the_sets_in_turn():
    real = films()
    sets = [as_set(films(spread=spread, seed=9)) for spread in (0.0, 1.0)]
    rows = [
        measure_made(Planted(), real, some, [], replace(INTERHUMAN, replications=4))
        for some in (sets[1:], sets)
    ]
    assert rows[1]["MM Dist"].mean == pytest.approx(rows[0]["MM Dist"].mean / 2, rel=0.02)


def test_captions_that_many_share_are_once_in_a_pool():
    shared = [
        replace(film, captions=(str(i % 40),), place=place_of(i % 40)) for i, film in enumerate(films())
    ]
    row = measure_real(Planted(), shared, replace(FOLDERS, replications=3, swap=False))
    assert row["R top 1"].mean == 1


def test_a_pass_has_a_caption_and_a_motion_of_each():
    captions, motion = random_pass(Planted(), films(20), INTERHUMAN, np.random.default_rng(0))
    assert captions == [str(i) for i in range(20)]
    assert motion.shape == (20, WIDTH)
    assert View(films(1)[0], 0, 4).swap is False
