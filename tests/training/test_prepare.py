"""What a run is made of: the clips that a recipe learns from, and their captions."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from intermamba.errors import IntermambaError
from training.data.clips import Clip, Segment
from training.prepare import clearest, clip_weights, learnt, load_data, most_alike
from training.recipe import load_recipe

from .interactions.scenes import SCENES
from .test_data import write_folder


def clip(name, kind, joints, *captions):
    rotations, rest = np.zeros((*joints.shape[:-1], 4)), np.zeros((2, 22, 3))
    frames = joints.shape[1]
    good = np.ones(frames, bool)
    return Clip(name, joints, rotations, rest, good, (), (Segment(0, frames, captions),), kind)


@pytest.fixture(scope="module")
def clips():
    bow = SCENES["bow"]()
    upright = np.repeat(bow[:, :1], bow.shape[1], axis=1)
    return [
        clip("still", "bow", upright, "They bow.", "Both bow."),
        clip("clear", "bow", bow, "They bow.", "A bow."),
        clip("other", "bow", upright, "They walk up and bow."),
        clip("wave", "wave", SCENES["wave"](), "They wave."),
    ]


def test_a_recipe_learns_what_it_names(clips):
    recipe = replace(load_recipe("duet-mini"), learns=("wave",))
    assert [c.id for c in learnt(clips, recipe)] == ["wave"]
    assert learnt(clips, replace(recipe, learns=())) == clips


def test_clips_of_nothing_that_is_learnt_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "own").mkdir()
    write_folder(tmp_path / "own")
    recipe = replace(load_recipe("duet-mini"), learns=("bow",), shares={"own": 1.0}, held_out="")
    with pytest.raises(IntermambaError, match="name yours in the recipe's `learns`, or leave it empty"):
        load_data(recipe, tmp_path)
    clips, _, _ = load_data(replace(recipe, learns=()), tmp_path)
    assert clips


def test_the_clearest_clips_are_those_that_their_measure_sees(clips):
    assert [c.id for c in clearest(clips, 1)] == ["clear", "wave"]
    assert clearest(clips, 0) == clips


def test_every_variant_of_an_interaction_keeps_a_clip(clips):
    varied = [replace(clip, variant=int(clip.id == "other")) for clip in clips]
    assert [c.id for c in clearest(varied, 2)] == ["clear", "other", "wave"]


def moved(bow, name, shift):
    return replace(bow, id=name, joints=bow.joints + shift)


def test_the_most_alike_leave_out_the_one_that_goes_another_way(clips):
    bow = clips[1]
    turned = replace(bow, id="turned", joints=bow.joints[..., [2, 1, 0]])
    assert {c.id for c in most_alike("bow", [turned, moved(bow, "a", 0.0), moved(bow, "b", 0.01)], 2)} == {
        "a",
        "b",
    }


def test_the_mean_of_the_most_alike_shows_their_interaction(clips):
    still, bow, *_ = clips
    alike = [moved(still, name, shift) for name, shift in (("a", 0.0), ("b", 0.0))]
    clear = [moved(bow, name, shift) for name, shift in (("c", 0.0), ("d", 0.02))]
    assert {c.id for c in most_alike("bow", [*alike, *clear], 2)} == {"c", "d"}


def test_fewer_are_taken_where_the_mean_of_more_shows_nothing(clips):
    still, bow, *_ = clips
    assert [c.id for c in most_alike("bow", [bow, still, moved(still, "c", 0.0)], 3)] == ["clear"]


def test_an_interaction_with_emphasis_is_drawn_oftener(clips):
    recipe = replace(load_recipe("duet-mini"), shares={"here": 0.6}, emphasis={"wave": 2.0})
    weights = clip_weights(recipe, {"here": clips})
    assert sum(weights) == pytest.approx(0.6)
    assert weights[3] == pytest.approx(2 * sum(weights[:3]))
