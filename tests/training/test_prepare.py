"""What a run is made of: the clips that a recipe learns from, and their captions."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from intermamba.errors import IntermambaError
from training.data.clips import Clip, Segment
from training.prepare import clearest, learnt, load_data
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
