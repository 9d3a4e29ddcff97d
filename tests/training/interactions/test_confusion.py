"""The table of what measures answer on clips whose interaction is known."""

import numpy as np
import pytest

from intermamba.errors import IntermambaError
from training.data.clips import Clip
from training.evaluate.confusion import confusion, table

from .scenes import SCENES


def clip(kind, joints):
    rotations, rest = np.zeros((*joints.shape[:-1], 4)), np.zeros((2, 22, 3))
    return Clip(kind, joints, rotations, rest, np.ones(joints.shape[1], bool), (), (), kind)


def test_each_scene_is_found_by_its_own_measure_and_the_others_are_named():
    kinds = ("bow", "wave")
    clips = [clip(kind, SCENES[kind]()) for kind in kinds]
    rates = confusion([*clips, clip("bow", clips[1].joints)], kinds)
    assert rates["bow"] == {"bow": 0.5, "wave": 0.0}
    assert rates["wave"] == {"bow": 0.5, "wave": 1.0}
    assert table(rates).splitlines()[2:] == [
        "| bow | 50% | 0.0% |  |",
        "| wave | 100% | 50.0% | bow 50% |",
    ]


def test_clips_without_a_kind_are_refused():
    with pytest.raises(IntermambaError, match="None of these clips says what its interaction is"):
        confusion([])
