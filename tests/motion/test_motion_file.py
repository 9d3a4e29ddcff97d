from dataclasses import fields, replace

import numpy as np
import pytest

from intermamba.errors import IntermambaError, MotionFileError
from intermamba.motion.kinematics import fk
from intermamba.motion.metrics import bone_length_cv
from intermamba.motion.motion import Motion, load_motion, resample, save_motion

ARRAYS = ("joints", "rotations", "root", "rest", "contacts")


def test_a_file_gives_back_the_motion(pair, tmp_path):
    motion = replace(
        pair, prompt="zwei Leute tanzen »Salsa«", seed=7, model="m", settings={"steps": 20, "x": [1, None]}
    )
    save_motion(tmp_path / "new folder" / "a.npz", motion)
    back = load_motion(tmp_path / "new folder" / "a.npz")
    for field in fields(Motion):
        wanted, got = getattr(motion, field.name), getattr(back, field.name)
        if field.name in ARRAYS:
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, wanted)
        else:
            assert got == wanted
            assert type(got) is type(wanted)


def test_fk_of_the_file_gives_its_joints(pair, tmp_path):
    save_motion(tmp_path / "a.npz", pair)
    motion = load_motion(tmp_path / "a.npz")
    np.testing.assert_allclose(
        fk(motion.rotations, motion.root, motion.rest[:, None]), motion.joints, atol=1e-6
    )


def write_npz(path, motion, **changes):
    arrays = {name: getattr(motion, name) for name in ARRAYS} | {"fps": np.array(30.0)} | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": None}, "lacks root"),
        ({"fps": None}, "lacks fps"),
        ({"joints": np.zeros((1, 90, 22, 3))}, "joints of shape"),
        ({"joints": np.zeros((2, 80, 22, 3))}, "rotations of shape"),
        ({"joints": np.zeros((2, 0, 22, 3))}, "joints of shape"),
        ({"contacts": np.full((2, 90, 4), np.nan)}, "not numbers"),
        ({"rest": np.full((2, 22, 3), "a")}, "not numbers"),
        ({"fps": np.array(0.0)}, "frames a second"),
        ({"fps": np.array([1.0, 2.0])}, "damaged settings"),
        ({"settings": np.array("{")}, "damaged settings"),
    ],
)
def test_a_wrong_file_is_one_sentence(pair, tmp_path, changes, words):
    write_npz(tmp_path / "a.npz", pair, **changes)
    with pytest.raises(MotionFileError, match=words) as error:
        load_motion(tmp_path / "a.npz")
    assert "a.npz" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off"])
def test_what_is_no_motion_file_is_named(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(MotionFileError, match="not a motion file"):
        load_motion(tmp_path / "a.npz")
    with pytest.raises(MotionFileError, match="does not exist"):
        load_motion(tmp_path / "b.npz")


def test_a_truncated_file_is_refused(pair, tmp_path):
    save_motion(tmp_path / "a.npz", pair)
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(MotionFileError, match="not a motion file"):
        load_motion(tmp_path / "a.npz")


def test_nothing_is_unpickled(pair, tmp_path):
    write_npz(tmp_path / "a.npz", pair, settings=np.array([{"a": 1}], dtype=object))
    with pytest.raises(MotionFileError):
        load_motion(tmp_path / "a.npz")


def test_a_motion_that_is_none_is_not_written(pair, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MotionFileError, match="root of shape"):
        save_motion(tmp_path / "a.npz", replace(pair, root=pair.root[:1]))
    with pytest.raises(IntermambaError, match="Cannot write"):
        save_motion(tmp_path / "file" / "a.npz", pair)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_resampling_lasts_as_long_and_keeps_bones(pair):
    for fps in (24.0, 25.0, 60.0, 119.88):
        other = resample(pair, fps)
        assert other.fps == fps
        assert abs((other.frames - 1) / fps - (pair.frames - 1) / pair.fps) < 1 / fps
        assert bone_length_cv(other.joints) < 1e-5
        np.testing.assert_allclose(other.joints[:, 0], pair.joints[:, 0], atol=1e-6)


def test_resampling_passes_through_the_frames_and_hardly_errs_between(pair):
    double = resample(pair, 60.0)
    np.testing.assert_allclose(double.joints[:, ::2], pair.joints, atol=1e-5)
    half = resample(pair, 15.0)
    np.testing.assert_allclose(half.joints, pair.joints[:, ::2], atol=1e-5)
    back = resample(half, 30.0)
    assert np.linalg.norm(back.joints - pair.joints[:, : back.frames], axis=-1).mean() < 0.005
    assert resample(pair, 30.0) is pair


@pytest.mark.parametrize("fps", [0.0, -5.0, float("nan"), 1e9])
def test_an_impossible_rate_is_refused(pair, fps):
    with pytest.raises(IntermambaError, match="frames a second"):
        resample(pair, fps)
