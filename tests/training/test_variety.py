"""How unlike takes are: nothing for one motion laid elsewhere, and what joints really differ by."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from intermamba.motion.motion import save_motion
from tests.clips import synthetic_pair
from training.evaluate.variety import FRAMES, apart, laid, main


@pytest.fixture
def joints():
    return synthetic_pair(FRAMES + 10, 0).joints


def test_a_motion_that_is_moved_and_turned_is_the_same(joints):
    turn = np.array([[0.6, 0, -0.8], [0, 1, 0], [0.8, 0, 0.6]])
    assert apart([laid(joints), laid(joints @ turn + [3, 0, 1])]) == pytest.approx(0, abs=1e-3)


def test_what_differs_is_told_in_centimetres(joints):
    other = joints.copy()
    other[0, :, 20] += [0, 0.44, 0]  # one of 44 joints
    assert apart([laid(joints), laid(other)]) == pytest.approx(1, abs=1e-3)


def test_takes_of_one_prompt_are_compared(tmp_path, capsys, joints):
    motion = replace(synthetic_pair(FRAMES, 0), prompt="They bow.")
    higher = replace(motion, joints=motion.joints + np.array([0, 0.1])[:, None, None, None] * [0, 1, 0])
    for number, take in enumerate((motion, higher, replace(higher, prompt="Both bow."))):
        save_motion(tmp_path / f"bow_abcdef_96_{number}.npz", take)
    assert main([str(tmp_path)]) == 0
    assert "| bow | 5 |  |" in capsys.readouterr().out


def test_an_empty_folder_is_refused_with_the_way_out(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    assert "give what --keep kept" in capsys.readouterr().err
