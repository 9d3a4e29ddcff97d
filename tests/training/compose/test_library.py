import numpy as np
import pytest

from intermamba.errors import IntermambaError
from intermamba.motion.metrics import bone_length_cv, foot_skate
from intermamba.motion.placement import facing
from intermamba.motion.rotations import quat_angle
from intermamba.motion.skeleton import (
    DEFAULT_REST,
    HEAD,
    L_FOOT,
    L_HIP,
    L_WRIST,
    PELVIS,
    R_FOOT,
    R_HIP,
    R_WRIST,
    SPINE1,
)
from tests.clips import synthetic_pair
from training.compose.body import Body
from training.compose.feet import level_floor
from training.compose.library import Library, load_library, load_packed, pack_library
from training.compose.loops import close_loop, stride_phase
from training.compose.resize import onto_rest

REST = 1.08 * DEFAULT_REST


@pytest.fixture(scope="module")
def dancer():
    """Joints (240, 22, 3) of one person who steps in place, a stride each 30 frames."""
    return np.asarray(synthetic_pair(240).joints[1], float)


@pytest.fixture
def studio(tmp_path, dancer):
    folder = tmp_path / "ours" / "single"
    folder.mkdir(parents=True)
    np.savez(folder / "steps.npz", joints=dancer[None].astype(np.float32), fps=30)

    def load(text):
        path = tmp_path / "actions.toml"
        path.write_text(text, encoding="utf-8")
        return load_library(tmp_path, path, REST)

    return load


def test_a_person_of_another_size_keeps_pose_and_tread(dancer):
    body = onto_rest(dancer, REST)
    joints = body.joints(REST)
    assert bone_length_cv(joints) < 1e-6
    assert foot_skate(joints, 30) < 1.1 * foot_skate(dancer, 30) + 0.5
    toes = joints[:, (L_FOOT, R_FOOT), 1]
    assert 0.01 < np.percentile(toes, 20) < 0.04
    for upper, lower in ((16, 18), (18, 20), (1, 4)):
        ours, theirs = (j[:, lower] - j[:, upper] for j in (joints, dancer))
        cosine = (
            np.einsum("ti,ti->t", ours, theirs)
            / np.linalg.norm(ours, axis=-1)
            / np.linalg.norm(theirs, axis=-1)
        )
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 12


def test_a_tilted_floor_is_made_level(dancer):
    tilted = dancer.copy()
    tilted[120:] += [0, 0, 3.0]
    tilted[..., 1] += 0.02 * tilted[..., 2]
    level = level_floor(tilted)
    early, late = (np.percentile(part[:, (L_FOOT, R_FOOT), 1], 10) for part in (level[:110], level[130:]))
    assert abs(early - late) < 0.01
    assert abs(early - 0.025) < 0.015


def test_a_spine_that_starts_behind_the_pelvis_is_mended(dancer):
    upright = onto_rest(dancer, REST)
    odd = dancer.copy()
    odd[:, SPINE1] = odd[:, PELVIS] + [0, 0.01, -0.08]
    mended = onto_rest(odd, REST)
    assert np.degrees(quat_angle(upright.rotations[:, PELVIS], mended.rotations[:, PELVIS])).max() < 30
    assert np.abs(upright.joints(REST)[:, HEAD, 1] - mended.joints(REST)[:, HEAD, 1]).max() < 0.05


def test_a_phrase_starts_at_the_origin_and_faces_z(studio):
    library = studio('[[step]]\nclip = "ours/steps"\nstart = 0.5\nstop = 2.5\nevent = 1.5\nside = "left"')
    (phrase,) = library.phrases("step", held_out=False)
    joints = phrase.body.joints(REST)
    assert phrase.body.frames == 60
    assert phrase.event == 30
    assert np.allclose(joints[0, PELVIS, (0, 2)], 0)
    assert abs(facing(joints)[0]) < 1e-6
    assert phrase.mirrored().side == "right"
    assert phrase.mirrored().mirrored().side == "left"


def test_toward_puts_the_hand_straight_ahead(studio):
    library = studio(
        '[[reach]]\nclip = "ours/steps"\nevent = "right_hand_farthest"\ntoward = "right_hand"\nstop = 4.0'
    )
    (phrase,) = library.phrases("reach", held_out=False)
    joints = phrase.body.joints(REST)
    hand = joints[phrase.event, R_WRIST] - joints[phrase.event, PELVIS]
    assert abs(hand[0]) < 1e-6 < hand[2]
    assert phrase.aimed


def test_a_loop_ends_in_its_first_pose_and_can_go_on(studio):
    library = studio('[[sway]]\nclip = "ours/steps"\nstart = 1.0\nstop = 3.1\nloops = true')
    (phrase,) = library.phrases("sway", held_out=False)
    body = phrase.body
    assert np.allclose(np.abs(np.sum(body.rotations[0] * body.rotations[-1], axis=-1)), 1, atol=1e-9)
    long = body.repeated(200).joints(REST)
    step = np.linalg.norm(np.diff(long, axis=0), axis=-1).max(axis=1)
    turn = body.frames - 1
    assert step[turn - 2 : turn + 2].max() < 2 * step[5:40].max()


def test_a_cut_that_does_not_come_back_is_no_loop(dancer):
    body = onto_rest(dancer, REST)
    fallen = Body(body.root - np.linspace(0, 0.8, body.frames)[:, None] * [0, 1, 0], body.rotations)
    with pytest.raises(IntermambaError, match="does not loop"):
        close_loop(fallen, 0, 200, REST)


def test_then_joins_two_cuts(studio):
    library = studio(
        '[[two]]\nclip = "ours/steps"\nstop = 2.0\nthen = [{ clip = "ours/steps", start = 4.0, stop = 6.0 }]'
    )
    (phrase,) = library.phrases("two", held_out=False)
    assert phrase.body.frames == 119
    joints = phrase.body.joints(REST)
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() < 0.15


def test_held_out_phrases_are_kept_apart(studio):
    cut = 'clip = "ours/steps"\nstop = {}\n'
    library = studio(
        f"[[a]]\n{cut.format(1.0)}[[a]]\n{cut.format(2.0)}held_out = true\n[[b]]\n{cut.format(3.0)}"
    )
    assert [p.body.frames for p in library.phrases("a", held_out=False)] == [30]
    assert [p.body.frames for p in library.phrases("a", held_out=True)] == [60]
    assert library.phrases("b", held_out=True) == library.phrases("b", held_out=False)
    assert library.actions() == ["a", "b"]
    with pytest.raises(IntermambaError, match=r"'swim'.*a, b"):
        library.phrases("swim", held_out=False)


def test_a_packed_library_is_the_same_library(studio, tmp_path):
    library = studio(
        '[[a]]\nclip = "ours/steps"\nside = "left"\nloops = true\nstart = 1.0\nstop = 3.1\n'
        '[[b]]\nclip = "ours/steps"\nevent = "hand_highest"\nheld_out = true'
    )
    pack_library(library, tmp_path / "pack.npz")
    packed = load_packed(tmp_path / "pack.npz")
    assert isinstance(packed, Library)
    assert np.allclose(packed.rest, REST)
    for one, other in zip(library.all, packed.all, strict=True):
        assert (one.action, one.clip, one.event, one.held_out, one.loops, one.side, one.aimed) == (
            other.action, other.clip, other.event, other.held_out, other.loops, other.side, other.aimed
        )  # fmt: skip
        assert np.abs(one.body.joints(REST) - other.body.joints(REST)).max() < 1e-3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[a]]\nstart = 1.0", "a number 1 needs `clip"),
        ('[[a]]\nclip = "ours/none"', "'ours/none' is not in"),
        ('[[a]]\nclip = "ours/steps"\nstop = 99', "`start` and `stop` must lie within 0 and 8.00 s"),
        ('[[a]]\nclip = "ours/steps"\nspeed = 2', "unknown key 'speed'"),
        ('[[a]]\nclip = "ours/steps"\nside = "up"', "`side` must be"),
        ('[[a]]\nclip = "ours/steps"\nstart = "soon"', "`start` must be a number of seconds"),
        ('[[a]]\nclip = "ours/steps"\nloops = "yes"', "`loops` must be true or false"),
        ('[[a]]\nclip = "ours/steps"\nevent = 50.0', "`event` at 50.0 s is outside"),
        ('[[a]]\nclip = "ours/steps"\nevent = "nose_wettest"', "no event 'nose_wettest'"),
        ('[[a]]\nclip = "ours/steps"\ntoward = "nose"', "no point 'nose'"),
        ('[[a]]\nclip = "ours/steps"\nthen = 3', "`then` must be a list"),
        ('[[a]]\nclip = "ours/steps"\nthen = [{ clip = "ours/steps", event = 1.0 }]', "unknown key 'event'"),
        ('[a]\nclip = "ours/steps"', r"write \[\[a\]\]"),
        ("a = [", "is not TOML"),
        ("", "names no action"),
    ],
)
def test_a_wrong_actions_file_is_told_where(studio, text, message):
    with pytest.raises(IntermambaError, match=message) as error:
        studio(text)
    assert "actions.toml" in str(error.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"joints": np.zeros((2, 30, 22, 3))}, "one person"),
        ({"joints": np.full((1, 30, 22, 3), np.nan)}, "not numbers"),
        ({"joints": np.zeros((1, 30, 22, 3)), "fps": 60}, "resample"),
        ({"positions": np.zeros(3)}, "cannot be read"),
    ],
)
def test_a_wrong_clip_is_named(studio, tmp_path, arrays, message):
    np.savez(tmp_path / "ours" / "single" / "odd.npz", **arrays)
    with pytest.raises(IntermambaError, match=message) as error:
        studio('[[a]]\nclip = "ours/odd"')
    assert "odd.npz" in str(error.value)


def test_the_stride_goes_round_once_a_step_of_each_foot():
    frames = np.arange(90)
    joints = np.zeros((90, 22, 3))
    joints[:, L_HIP, 0], joints[:, R_HIP, 0] = 0.1, -0.1
    swing = 0.3 * np.cos(2 * np.pi * frames / 30)
    joints[:, L_FOOT, 2] += swing
    joints[:, R_FOOT, 2] -= swing
    phase = stride_phase(joints)
    assert phase[30] == pytest.approx(0.0, abs=0.02) or phase[30] == pytest.approx(1.0, abs=0.02)
    assert phase[45] == pytest.approx(0.5, abs=0.02)
    assert np.all(np.diff(phase[31:59]) > 0)


def test_the_two_hands_are_not_mixed_up(studio):
    library = studio('[[a]]\nclip = "ours/steps"\nevent = "left_hand_highest"')
    (phrase,) = library.phrases("a", held_out=False)
    heights = phrase.body.joints(REST)[:, L_WRIST, 1]
    assert heights[phrase.event] == pytest.approx(heights.max())
