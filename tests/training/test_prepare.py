"""What a run is made of: the clips that a recipe learns from, and their captions."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from intermamba.errors import IntermambaError
from training.data.clips import Clip, Segment
from training.prepare import clearest, clip_weights, learnt, load_data
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


def test_what_is_taken_is_spread_over_the_clear_half(clips):
    bow, still = clips[1], clips[0]
    bows = [replace(bow, id=f"bow{k}") for k in range(8)]
    stills = [replace(still, id=f"still{k}") for k in range(8)]
    assert [c.id for c in clearest([*stills, *bows], 4)] == ["bow0", "bow2", "bow4", "bow6"]


def test_an_interaction_with_emphasis_is_drawn_oftener(clips):
    recipe = replace(load_recipe("duet-mini"), shares={"here": 0.6}, emphasis={"wave": 2.0})
    weights = clip_weights(recipe, {"here": clips})
    assert sum(weights) == pytest.approx(0.6)
    assert weights[3] == pytest.approx(2 * sum(weights[:3]))
