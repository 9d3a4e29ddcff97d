"""The table of generated beside real motion."""

import pytest

pytest.importorskip("torch")

from intermamba.engines.base import Request
from intermamba.engines.fake import FakeEngine
from intermamba.errors import IntermambaError
from intermamba.motion.motion import save_motion
from training.data.clips import load_clips
from training.evaluate.quality import motion_metrics, real_metrics, table

from .test_data import write_folder


def test_the_table_has_a_row_for_each_metric_with_mean_range_and_ratio():
    lines = table({"skate": [1.0, 3.0]}, {"skate": [4.0, 4.0]}).splitlines()
    assert lines[2] == "| skate | 2 (1 to 3) | 4 (4 to 4) | 0.50 |"


def test_a_metric_that_is_nothing_in_reality_has_no_ratio():
    assert table({"cv": [1e-7]}, {"cv": [0.0]}).endswith("|  |")


def test_real_clips_are_measured_one_by_one(tmp_path):
    folder = write_folder(tmp_path, count=3)
    assert len(load_clips(folder)) == 3
    assert all(len(values) == 3 for values in real_metrics(folder).values())
    assert all(len(values) == 1 for values in real_metrics(folder, ("clip1",)).values())


def test_motion_files_are_measured_one_by_one(tmp_path):
    with pytest.raises(IntermambaError, match="holds no motion files"):
        motion_metrics(tmp_path)
    for seed in (1, 2):
        motion = FakeEngine().sample(Request(prompt="march", frames=32, seed=seed, steps=1))
        save_motion(tmp_path / f"{seed}.npz", motion)
    assert all(len(values) == 2 for values in motion_metrics(tmp_path).values())
