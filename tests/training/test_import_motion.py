"""Two captures to one motion file: skeletons of several makers, two people in one world on one clock."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from intermamba.errors import IntermambaError
from intermamba.motion.bvh import write_pair_bvh
from intermamba.motion.features import foot_contacts
from intermamba.motion.kinematics import bone_vectors, fk
from intermamba.motion.metrics import pelvis_distance
from intermamba.motion.motion import load_motion
from intermamba.motion.placement import facing
from intermamba.motion.rotations import quat_angle, quat_apply, quat_inverse, quat_multiply, yaw_quat
from intermamba.motion.skeleton import (
    JOINT_NAMES,
    L_ANKLE,
    L_ELBOW,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    L_WRIST,
    PELVIS,
    R_FOOT,
    R_WRIST,
)
from tests.clips import synthetic_pair
from tests.motion.acclaim import random_frames, slow_ends, write_amc, write_asf
from training.data.clips import load_clips
from training.data.import_motion import import_pair, main, read_capture

DATA = Path(os.environ.get("INTERMAMBA_DATA", ""))
RAW = DATA / "cmu" / "raw"
real = pytest.mark.skipif(
    "INTERMAMBA_DATA" not in os.environ or not RAW.is_dir(),
    reason="INTERMAMBA_DATA does not name a folder with cmu/raw",
)


def write_trial(folder, frames=120):
    """18_01 and 19_01 with a skeleton each, the second person 1.5 m off and turned around."""
    metre = 0.45 / 0.0254
    first = random_frames(frames, 1)
    second = random_frames(frames, 2, at=(0.3 * metre, 17.0, 1.5 * metre), turn=180.0)
    write_asf(folder / "18.asf")
    write_asf(folder / "19.asf", scale=0.95)
    return (
        write_amc(folder / "18_01.amc", first),
        write_amc(folder / "19_01.amc", second),
        (first, second),
    )


def test_amc_joints_are_where_the_bones_begin(tmp_path):
    one, two, frames = write_trial(tmp_path)
    out = tmp_path / "18_19_01.npz"
    assert (
        main(
            [str(one), str(two), "-o", str(out), "--caption", "Two people stand.", "--caption", "They sway."]
        )
        == 0
    )
    motion = load_motion(out)
    assert (motion.fps, motion.frames, motion.prompt) == (30, 30, "Two people stand.")
    bones = {
        L_HIP: "lfemur",
        L_KNEE: "ltibia",
        L_ANKLE: "lfoot",
        L_FOOT: "ltoes",
        L_WRIST: "lhand",
        R_WRIST: "rhand",
    }
    wanted = np.zeros((2, 30, len(bones), 3))
    for person, scale in enumerate((1.0, 0.95)):
        for t in range(30):
            starts, _ = slow_ends(frames[person][4 * t], scale=scale)
            wanted[person, t] = [starts[name] for name in bones.values()]
    # one rigid move brings both people's joints to those of the file
    got = motion.joints[:, :, list(bones)].astype(float)
    a, b = wanted.reshape(-1, 3), got.reshape(-1, 3)
    u, _, vt = np.linalg.svd((b - b.mean(0)).T @ (a - a.mean(0)))
    turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    error = np.linalg.norm((a - a.mean(0)) @ turn.T + b.mean(0) - b, axis=-1)
    assert error.max() < 1e-3
    assert turn[1, 1] == pytest.approx(1, abs=1e-6)  # about the vertical


def test_the_file_keeps_its_promises(tmp_path):
    one, two, _ = write_trial(tmp_path)
    motion = import_pair(read_capture(one), read_capture(two))
    np.testing.assert_allclose(
        fk(motion.rotations, motion.root, motion.rest[:, None]), motion.joints, atol=1e-5
    )
    length = np.linalg.norm(bone_vectors(motion.joints), axis=-1)
    assert np.ptp(length, axis=1).max() < 1e-5
    assert facing(motion.joints[0, 0]) == pytest.approx(0, abs=1e-3)
    assert np.abs(motion.root[0, 0, [0, 2]]).max() < 1e-5
    assert pelvis_distance(motion.joints)[0] == pytest.approx(np.hypot(0.3, 1.5), abs=0.15)
    np.testing.assert_array_equal(motion.contacts[:, :-1], foot_contacts(motion.joints))


def test_captions_make_a_folder_to_train_on(tmp_path):
    one, two, _ = write_trial(tmp_path)
    for name, caption in (("a", "They stand."), ("b", "They sway."), ("a", "They wait.")):
        assert main([str(one), str(two), "-o", str(tmp_path / f"{name}.npz"), "--caption", caption]) == 0
    clips = load_clips(tmp_path)
    assert [(c.id, c.captions) for c in clips] == [("b", ("They sway.",)), ("a", ("They wait.",))]
    assert clips[0].good.all()
    (tmp_path / "captions.jsonl").write_text("{\n")
    assert main([str(one), str(two), "-o", str(tmp_path / "c.npz"), "--caption", "x"]) == 1


def test_our_own_bvh_comes_back(tmp_path):
    motion = synthetic_pair(40, 4)
    paths = write_pair_bvh(tmp_path / "dance.bvh", motion)
    back = import_pair(*map(read_capture, paths))
    assert back.frames == 40
    assert np.abs(back.joints - motion.joints).max() < 2e-3
    turn = quat_angle(back.rotations, motion.rotations)
    assert np.degrees(np.median(turn)) < 0.5
    assert np.degrees(turn[..., [JOINT_NAMES.index("L_elbow"), L_SHOULDER, L_KNEE]].max()) < 3


@pytest.mark.parametrize("unit", [1.0, 0.0254, 0.001])
def test_units_are_told_by_the_length_of_the_legs(tmp_path, unit):
    motion = synthetic_pair(12, 4)
    scaled = replace(motion, rest=motion.rest * 0.01 / unit, root=motion.root * 0.01 / unit)
    paths = write_pair_bvh(tmp_path / "dance.bvh", scaled)
    back = import_pair(*map(read_capture, paths))
    assert np.abs(back.joints - motion.joints).max() < 2e-3


def test_z_up_is_turned(tmp_path):
    motion = synthetic_pair(12, 4)
    tilt = np.array([np.sqrt(0.5), np.sqrt(0.5), 0, 0])  # Y to Z
    rotations = quat_multiply(quat_multiply(tilt, motion.rotations.astype(float)), quat_inverse(tilt))
    root, rest = quat_apply(tilt, motion.root), quat_apply(tilt, motion.rest)
    tilted = replace(motion, rotations=rotations, root=root, rest=rest)
    paths = write_pair_bvh(tmp_path / "dance.bvh", tilted)
    back = import_pair(*map(read_capture, paths), up="z")
    assert np.abs(back.joints - motion.joints).max() < 2e-3


def test_a_pose_that_is_only_the_skeletons_is_left_out(tmp_path):
    motion = synthetic_pair(12, 4)
    rotations = motion.rotations.copy()
    rotations[0, 0] = [1, 0, 0, 0]
    paths = write_pair_bvh(tmp_path / "dance.bvh", replace(motion, rotations=rotations))
    assert import_pair(*map(read_capture, paths)).frames == 11
    assert import_pair(*map(read_capture, paths), skip=3).frames == 8


def test_nothing_left_is_refused(tmp_path):
    paths = write_pair_bvh(tmp_path / "dance.bvh", synthetic_pair(12, 4))
    with pytest.raises(IntermambaError, match="nothing is left"):
        import_pair(*map(read_capture, paths), skip=11)


def test_two_recordings_are_refused(tmp_path, capsys):
    one, two, (first, _) = write_trial(tmp_path)
    write_amc(two, first[:80])
    assert main([str(one), str(two), "-o", str(tmp_path / "o.npz")]) == 1
    assert "120 and 80 frames" in capsys.readouterr().err
    write_amc(two, first[:118])
    assert main([str(one), str(two), "-o", str(tmp_path / "o.npz")]) == 0
    bvh = write_pair_bvh(tmp_path / "dance.bvh", synthetic_pair(12, 4))[0]
    assert main([str(one), str(bvh), "-o", str(tmp_path / "o.npz")]) == 1
    assert "--fps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [("x.fbx", "neither"), ("none.bvh", "cannot be read"), ("20_01.amc", r"20\.asf cannot be read")],
)
def test_other_files_are_refused_by_name(tmp_path, name, words):
    if name == "x.fbx":
        (tmp_path / name).touch()
    with pytest.raises(IntermambaError, match=words):
        read_capture(tmp_path / name)


def test_amc_of_another_skeleton_is_refused(tmp_path):
    one, *_ = write_trial(tmp_path, 4)
    for path in (one, tmp_path / "18.asf"):
        path.write_text(path.read_text().replace("ltibia", "wheel"))
    with pytest.raises(IntermambaError, match=r"18_01\.amc: .*left knee"):
        read_capture(one, unit=0.05)


def rename(path, old, new):
    text = path.read_text()
    assert f" {old}\n" in text
    path.write_text(text.replace(f" {old}\n", f" {new}\n"))


def test_a_skeleton_that_is_no_human_is_refused(tmp_path):
    path = write_pair_bvh(tmp_path / "dance.bvh", synthetic_pair(5, 4))[0]
    rename(path, "L_knee", "wheel")
    with pytest.raises(IntermambaError, match=r"dance_a\.bvh: .*left knee"):
        read_capture(path)
    path = write_pair_bvh(tmp_path / "dance.bvh", synthetic_pair(5, 4))[0]
    with pytest.raises(IntermambaError, match="--unit"):
        read_capture(_scaled(path, 3.0))


def _scaled(path, factor):
    lines = path.read_text().splitlines()
    for k, line in enumerate(lines):
        if line.strip().startswith("OFFSET"):
            words = line.split()
            lines[k] = " ".join(["OFFSET", *(str(float(w) * factor) for w in words[1:])])
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("joint", ["spine1", "spine2", "neck", "head", "L_collar", "L_wrist", "L_foot"])
def test_joints_that_a_skeleton_lacks_are_put_between(tmp_path, joint):
    motion = synthetic_pair(20, 4)
    paths = write_pair_bvh(tmp_path / "dance.bvh", motion)
    for path in paths:
        rename(path, joint, "extra")
    if joint in ("head", "L_wrist", "L_foot"):  # what was above ends there
        for path in paths:
            _cut_off(path, "extra")
    back = import_pair(*map(read_capture, paths))
    error = np.abs(back.joints - motion.joints).max((0, 1, 3))
    kept = [L_HIP, L_KNEE, L_ANKLE, L_ELBOW] if joint != "spine1" else [L_HIP]
    assert error[kept].max() < 0.06
    assert error[JOINT_NAMES.index(joint)] < 0.2


def _cut_off(path, name):
    """Make the joint the end site of the one above."""
    lines = path.read_text().splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip() == f"JOINT {name}")
    depth, stop = 0, start + 1
    while True:
        depth += lines[stop].count("{") - lines[stop].count("}")
        stop += 1
        if depth == 0:
            break
    head = "\n".join(lines[:start])
    before = head.count("CHANNELS")
    offset = next(line for line in lines[start:stop] if "OFFSET" in line)
    channels = "\n".join(lines[start:stop]).count("CHANNELS")
    lines[start:stop] = ["End Site", "{", offset, "}"]
    first = next(k for k, line in enumerate(lines) if line.startswith("Frame Time"))
    low = 6 + 3 * (before - 1)
    for k in range(first + 1, len(lines)):
        words = lines[k].split()
        lines[k] = " ".join(words[:low] + words[low + 3 * channels :])
    path.write_text("\n".join(lines))


def checked(motion):
    """What holds of any import of a real trial."""
    np.testing.assert_allclose(
        fk(motion.rotations, motion.root, motion.rest[:, None]), motion.joints, atol=1e-5
    )
    length = np.linalg.norm(bone_vectors(motion.joints.astype(float)), axis=-1)
    assert np.ptp(length, axis=1).max() < 1e-5
    legs = length[:, 0, [L_KNEE, L_ANKLE]].sum(-1)
    assert ((legs > 0.6) & (legs < 1.0)).all()
    feet = motion.joints[..., [L_FOOT, R_FOOT], 1].min((1, 2))
    assert (np.abs(feet) < 0.08).all(), feet
    return motion


@real
@pytest.mark.parametrize("trial", ["02_01", "131_05", "135_04"])
def test_real_amc_agrees_with_the_joints_made_elsewhere(trial):
    """Against joints that another program made of the same files."""
    made = np.load(DATA / "cmu" / "single" / f"{trial}.npz")["joints"][0].astype(float)
    path = RAW / "asfamc" / f"{trial}.amc"
    clip = read_capture(path)
    motion = checked(import_pair(clip, clip))
    frames = min(motion.frames, len(made))
    ours = motion.joints[0, :frames].astype(float)
    turn = yaw_quat(-facing(made[0]))
    theirs = quat_apply(turn, made[:frames] - made[0, PELVIS] * [1, 0, 1])
    theirs[..., 1] += (ours - theirs)[:, PELVIS, 1].mean()
    theirs[..., [0, 2]] += (ours - theirs)[0, PELVIS, [0, 2]]
    spin = facing(ours[0]) - facing(theirs[0])
    theirs = quat_apply(yaw_quat(spin), theirs)
    error = np.linalg.norm(ours - theirs, axis=-1)
    exact = [L_HIP, L_KNEE, L_ANKLE, L_FOOT, L_WRIST, R_WRIST]
    assert error[:, exact].max() < 0.02
    assert error.mean() < 0.01


@real
def test_real_pair_stays_in_one_world():
    folder = RAW / "bvh_salsa"
    clips = [read_capture(folder / f"{subject}_10_scaled.bvh", unit=1.28) for subject in (60, 61)]
    motion = checked(import_pair(*clips, skip=4))
    made = np.load(DATA / "cmu" / "60_61_10.npz")["joints"].astype(float)
    frames = min(motion.frames, made.shape[1])
    ours, theirs = pelvis_distance(motion.joints)[:frames], pelvis_distance(made)[:frames]
    # the joints made elsewhere have the paths of both roots shrunk by 0.955
    assert np.abs(0.955 * ours - theirs).max() < 0.02
    heights = motion.joints[:, :frames, PELVIS, 1]
    assert np.abs(heights - made[:, :frames, PELVIS, 1]).max() < 0.05


@real
def test_the_two_formats_of_one_trial_agree():
    amc = read_capture(RAW / "asfamc" / "02_01.amc")
    bvh = read_capture(RAW / "bvh_motionbuilder" / "02_01.bvh")
    motion = import_pair(amc, amc), checked(import_pair(bvh, bvh))
    frames = min(m.frames for m in motion)
    assert frames == 86
    joints = [m.joints[0, :frames].astype(float) for m in motion]
    assert np.linalg.norm(joints[0] - joints[1], axis=-1).max() < 0.03


@real
@pytest.mark.parametrize("name", ["E1_-__Jab_left", "G8_-__roundhouse_left", "Male2_D7_WalkToBow"])
def test_other_makers_skeletons_are_read(name):
    clip = read_capture(DATA / "accad" / "raw" / f"{name}.bvh")
    motion = checked(import_pair(clip, clip))
    assert quat_angle(motion.rotations[:, 1:], motion.rotations[:, :-1]).max() < np.radians(100)
