from itertools import permutations

import numpy as np
import pytest

from intermamba.errors import IntermambaError, MotionFileError
from intermamba.motion.bvh import read_bvh, write_bvh, write_clip, write_pair_bvh
from intermamba.motion.captured import Captured
from intermamba.motion.kinematics import fk
from intermamba.motion.rotations import quat_angle, quat_from_axis_angle, quat_to_matrix
from intermamba.motion.skeleton import JOINT_NAMES, PARENTS

SMALL = """HIERARCHY
ROOT Hips
{{
  OFFSET 0.0 0.0 0.0
  CHANNELS 6 Zposition Xposition Yposition {root}
  JOINT Left Up Leg
  {{
    OFFSET 10 -5 0
    CHANNELS 3 {leg}
    End Site
    {{
      OFFSET 0 -40 0
    }}
  }}
  JOINT Spine
  {{
    OFFSET 0 20 1
    CHANNELS 0
  }}
}}
MOTION
Frames: 2
Frame Time: 0.0083333
3 1 2 10 20 30 40 50 60
6 4 5 -10 -20 -30 -40 -50 -60
"""
GOOD = SMALL.format(root="Zrotation Xrotation Yrotation", leg="Zrotation Xrotation Yrotation")


def write(path, text):
    path.write_text(text)
    return path


def test_what_is_written_is_read_back(pair, tmp_path):
    for person, path in enumerate(write_pair_bvh(tmp_path / "dance.bvh", pair)):
        assert path.name == f"dance_{'ab'[person]}.bvh"
        clip = read_bvh(path)
        order = [clip.names.index(name) for name in JOINT_NAMES]
        assert [clip.names[p] for p in clip.parents[order[1:]]] == [JOINT_NAMES[p] for p in PARENTS[1:]]
        assert clip.fps == 30
        np.testing.assert_allclose(clip.root, pair.root[person], atol=1e-6)
        joints = fk(clip.rotations[:, order], clip.root, clip.offsets[order])
        np.testing.assert_allclose(joints, pair.joints[person], atol=1e-5)


def test_angles_have_no_jumps_of_a_turn(pair, tmp_path):
    spun = pair.rotations.copy()
    spun[0, :, 0] = quat_from_axis_angle(np.array([0, 1.0, 0]), np.linspace(0, 15, pair.frames))
    pair = type(pair)(**{**vars(pair), "rotations": spun})
    write_bvh(tmp_path / "a.bvh", pair, 0)
    rows = (tmp_path / "a.bvh").read_text().split("Frame Time:")[1].splitlines()[1:]
    yaw = np.array([float(row.split()[5]) for row in rows])
    assert np.ptp(yaw) == pytest.approx(np.degrees(15), abs=0.01)


def test_lengths_are_centimetres(pair, tmp_path):
    write_bvh(tmp_path / "a.bvh", pair, 1)
    first = (tmp_path / "a.bvh").read_text().split("Frame Time:")[1].splitlines()[1].split()
    np.testing.assert_allclose(np.array(first[:3], float) / 100, pair.root[1, 0], atol=1e-6)


@pytest.mark.parametrize("order", list(permutations("XYZ")))
def test_channels_in_any_order(tmp_path, order):
    channels = " ".join(f"{axis}rotation" for axis in order)
    clip = read_bvh(write(tmp_path / "a.bvh", SMALL.format(root=channels, leg=channels)), metres_per_unit=1.0)
    for t, angles in enumerate(((40, 50, 60), (-40, -50, -60))):
        wanted = np.eye(3)
        for axis, angle in zip(order, angles, strict=True):
            unit = np.eye(3)["XYZ".index(axis)]
            wanted = wanted @ quat_to_matrix(quat_from_axis_angle(unit, np.radians(angle)))
        np.testing.assert_allclose(quat_to_matrix(clip.rotations[t, 1]), wanted, atol=1e-9)
    np.testing.assert_allclose(clip.root, [[1, 2, 3], [4, 5, 6]])


def test_general_files(tmp_path):
    clip = read_bvh(write(tmp_path / "a.bvh", GOOD.replace("\n", "\r\n")))
    assert clip.names == ["Hips", "Left Up Leg", "Spine"]
    assert clip.parents.tolist() == [-1, 0, 0]
    assert clip.fps == pytest.approx(120)
    np.testing.assert_allclose(clip.offsets, [[0, 0, 0], [0.1, -0.05, 0], [0, 0.2, 0.01]])
    assert quat_angle(clip.rotations[:, 2], np.array([[1.0, 0, 0, 0]])).max() == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("HIERARCHY", "HIERACHY", "not a BVH"),
        ("MOTION", "", "not a BVH"),
        ("Frames: 2", "Frames: 3", "27 numbers, not 18"),
        ("Frames: 2", "Frames: two", "damaged"),
        ("-60\n", "nan\n", "not a number"),
        ("-60\n", "abc\n", "damaged"),
        ("0.0083333", "0", "frame time"),
        ("Xposition", "Wposition", "'Wposition' is not a channel"),
        ("JOINT Spine", "BONE Spine", "'BONE' is not expected"),
        ("}\nMOTION", "MOTION", "one whole tree"),
        ("OFFSET 10 -5 0", "OFFSET 10", "damaged"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(MotionFileError, match=words):
        read_bvh(write(tmp_path / "a.bvh", GOOD.replace(old, new)))


def test_files_that_are_not_there(pair, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MotionFileError, match="cannot be read"):
        read_bvh(tmp_path / "none.bvh")
    with pytest.raises(IntermambaError, match="Cannot write"):
        write_bvh(tmp_path / "file" / "a.bvh", pair, 0)


def test_joints_that_move_in_their_parents_are_kept(tmp_path):
    rng = np.random.default_rng(0)
    names, parents = ["root", "hips", "leg"], np.array([-1, 0, 1])
    offsets = np.array([[0, 0, 0], [0, 0.9, 0], [0.1, -0.4, 0]])
    rotations = quat_from_axis_angle(rng.normal(size=(5, 3, 3)), rng.uniform(-1, 1, (5, 3)))
    travel = {1: offsets[1] + rng.normal(0, 0.05, (5, 3))}
    clip = Captured(names, parents, offsets, rotations, rng.normal(size=(5, 3)), 30.0, travel)
    write_clip(tmp_path / "a.bvh", clip, {2: np.array([0, -0.4, 0])})
    back = read_bvh(tmp_path / "a.bvh")
    assert (back.names, list(back.parents), back.fps) == (names, list(parents), 30.0)
    assert list(back.travel) == [1]
    np.testing.assert_allclose(back.travel[1], travel[1], atol=1e-6)
    np.testing.assert_allclose(back.root, clip.root, atol=1e-6)
    np.testing.assert_allclose(back.offsets, offsets, atol=1e-6)
    assert (tmp_path / "a.bvh").read_text().count("End Site") == 1
