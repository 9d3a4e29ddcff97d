"""ASF and AMC files against forward kinematics written out bone by bone."""

import numpy as np
import pytest

from intermamba.errors import MotionFileError
from intermamba.motion.asf import read_amc, read_asf
from tests.motion.acclaim import BONES, random_frames, slow_ends, write_amc, write_asf


@pytest.fixture
def frames():
    return random_frames(5, seed=3, turn=70.0)


@pytest.fixture
def files(tmp_path, frames):
    return write_asf(tmp_path / "02.asf"), write_amc(tmp_path / "02_01.amc", frames)


def test_every_bone_is_where_matrices_put_it(files, frames):
    clip = read_amc(files[1], read_asf(files[0]))
    positions, _ = clip.place()
    for t, frame in enumerate(frames):
        starts, ends = slow_ends(frame)
        for name, start in starts.items():
            np.testing.assert_allclose(positions[t, clip.names.index(name)], start, atol=1e-6)
        for name in ("head", "lhand", "rtoes"):
            np.testing.assert_allclose(positions[t, clip.names.index(f"{name}_end")], ends[name], atol=1e-6)
    np.testing.assert_allclose(positions[:, 0], [f["root"][:3] * 0.0254 / 0.45 for f in frames], atol=1e-9)
    assert clip.fps == 120


def test_at_rest_bones_lie_as_the_skeleton_has_them(files):
    clip = read_amc(files[1], read_asf(files[0]))
    rest = clip.rest()
    knee = rest[clip.names.index("lfoot")] - rest[clip.names.index("ltibia")]
    _, way, size, *_ = BONES["ltibia"]
    np.testing.assert_allclose(knee, np.array(way) * size * 0.0254 / 0.45, atol=1e-9)


def test_units_and_rate_may_be_given(files):
    skeleton = read_asf(files[0], metres_per_unit=0.01)
    clip = read_amc(files[1], skeleton, fps=60.0)
    assert clip.fps == 60
    assert np.linalg.norm(clip.offsets[clip.names.index("ltibia")]) == pytest.approx(0.076, rel=1e-3)


def test_angles_in_radians(files, frames):
    radians = [
        {
            k: np.concatenate([v[:3], np.radians(v[3:])]) if k == "root" else np.radians(v)
            for k, v in f.items()
        }
        for f in frames
    ]
    path = files[1].with_name("r.amc")
    write_amc(path, radians)
    path.write_text(path.read_text().replace(":DEGREES", ":RADIANS"))
    skeleton = read_asf(files[0])
    np.testing.assert_allclose(
        read_amc(path, skeleton).place()[0], read_amc(files[1], skeleton).place()[0], atol=1e-6
    )


def test_the_root_may_list_its_numbers_in_another_order(files, frames, tmp_path):
    skeleton = read_asf(write_asf(tmp_path / "other.asf", root_order="RX RY RZ TX TY TZ"))
    path = write_amc(tmp_path / "o.amc", [f | {"root": np.roll(f["root"], 3)} for f in frames])
    np.testing.assert_allclose(
        read_amc(path, skeleton).place()[0], read_amc(files[1], read_asf(files[0])).place()[0], atol=1e-6
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (":bonedata", ":bones", "'bonedata'"),
        ("name lfemur", "name femur", "'lfemur'"),
        ("length 7.3 ", "length long ", "long"),
        ("order TX TY TZ", "position", "'order'"),
        ("axis 0 0 20  XYZ", "axis 0 20  XYZ", "three numbers"),
        ("dof rx rz", "dof rx l", "'l' of lfoot"),
    ],
)
def test_a_damaged_skeleton_is_one_sentence(files, old, new, words):
    text = files[0].read_text()
    assert old in text
    files[0].write_text(text.replace(old, new))
    with pytest.raises(MotionFileError, match=words) as error:
        read_asf(files[0])
    assert "02.asf" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lfemur", "lthigh", "'lthigh' is not a bone"),
        ("\nltibia ", "\n#", "frame 1 has 0 numbers for ltibia, not 1"),
        ("\n3\n", "\nthree\n", "three"),
        ("rtibia ", "rtibia nan ", "2 numbers for rtibia, not 1"),
        ("root ", "root x", "could not convert"),
        ("root ", "root nan 1 1 1 1 1\n#", "root has a value that is not a number"),
    ],
)
def test_a_damaged_motion_is_one_sentence(files, old, new, words):
    skeleton = read_asf(files[0])
    text = files[1].read_text()
    assert old in text
    files[1].write_text(text.replace(old, new, 1))
    with pytest.raises(MotionFileError, match=words) as error:
        read_amc(files[1], skeleton)
    assert "02_01.amc" in str(error.value)


def test_files_without_a_frame_or_not_there(files, tmp_path):
    skeleton = read_asf(files[0])
    files[1].write_text(":DEGREES\n")
    with pytest.raises(MotionFileError, match="no frame"):
        read_amc(files[1], skeleton)
    with pytest.raises(MotionFileError, match="cannot be read"):
        read_asf(tmp_path / "none.asf")
