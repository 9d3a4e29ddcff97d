"""Clips from a folder, and the random crops made of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from intermamba.errors import IntermambaError
from intermamba.motion.kinematics import fk, global_rotations
from intermamba.motion.placement import facing
from intermamba.motion.rotations import quat_angle, quat_from_axis_angle, quat_multiply
from intermamba.motion.skeleton import JOINT_NAMES
from tests.clips import synthetic_pair
from training.data.batches import Batches, crop_features, mirror_words, room
from training.data.clips import SOURCE_BONES, Segment, glitches, load_clips, source_rotations


def write_folder(folder, *, count=2, frames=80):
    lines = []
    for i in range(count):
        np.savez(
            folder / f"clip{i}.npz",
            joints=synthetic_pair(frames, i).joints.astype(np.float32),
            fps=np.float32(30),
        )
        segment = {"f0": 10, "f1": 40, "captions": ["They turn left."]}
        lines.append(json.dumps({"id": f"clip{i}", "captions": ["Two people walk."], "segments": [segment]}))
    (folder / "captions.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return load_clips(write_folder(tmp_path_factory.mktemp("clips")))


def make_batches(clips, seed=0, **settings):
    common = {"clip0": ("Common to clip 0.",)}
    return Batches(
        clips,
        patch=4,
        shortest=16,
        longest=60,
        frames_per_batch=160,
        common_captions=common,
        seed=seed,
        **settings,
    )


def test_fitted_rotations_give_the_joints_back(clips):
    for clip in clips:
        for person in range(2):
            joints = fk(clip.rotations[person], clip.joints[person, :, 0], clip.rest[person])
            assert np.abs(joints - clip.joints[person]).max() < 2e-3


def test_a_clip_of_another_shape_is_refused_by_name(tmp_path):
    folder = write_folder(tmp_path, count=1)
    np.savez(folder / "clip0.npz", joints=np.zeros((1, 5, 22, 3)))
    with pytest.raises(IntermambaError, match=r"clip0\.npz"):
        load_clips(folder)


def damage(path, what):
    """Make clip1.npz, which is good, bad in one way."""
    arrays = dict(np.load(path))
    joints = arrays["joints"]
    if what == "missing":
        path.unlink()
    elif what == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif what == "text":
        path.write_text("joints")
    elif what == "pickled":
        np.savez(path, joints=np.array([None]), allow_pickle=True)
    else:
        joints[1, 3, 4] = np.nan if what == "nan" else joints[1, 3, 4]
        more = {
            "fps": {"fps": np.float32(120)},
            "late": {"joints": joints[:, :9]},
            "rest": {"rest": np.zeros((22, 3)), "rotations": np.zeros((2, 80, 22, 4))},
            "nan": {},
        }[what]
        np.savez(path, **{**arrays, **more})


@pytest.mark.parametrize("what", ["missing", "cut", "text", "pickled", "nan", "fps", "late", "rest"])
def test_a_bad_clip_is_named_counted_and_left_out(tmp_path, capsys, what):
    folder = write_folder(tmp_path)
    damage(folder / "clip1.npz", what)
    assert [clip.id for clip in load_clips(folder)] == ["clip0"]
    said = capsys.readouterr().err
    assert "skipped: " in said
    assert "clip1.npz" in said
    assert "1 of 2 clips skipped" in said


@pytest.mark.parametrize(
    "line", ["{", '{"id": "clip0"}', '{"id": "clip0", "captions": ["x"], "segments": [{"f0": 3}]}']
)
def test_a_broken_line_of_captions_is_named(tmp_path, line):
    folder = write_folder(tmp_path, count=1)
    with (folder / "captions.jsonl").open("a") as file:
        file.write("\n" + line)
    with pytest.raises(IntermambaError, match=r"Line 2 of .*captions\.jsonl"):
        load_clips(folder)


def test_clips_shorter_than_the_shortest_crop_are_refused(clips):
    for given in (clips, []):
        with pytest.raises(IntermambaError, match="long enough"):
            Batches(
                given, patch=4, shortest=80, longest=100, frames_per_batch=160, common_captions={}, seed=0
            )


def test_a_folder_without_captions_is_refused(tmp_path):
    with pytest.raises(IntermambaError, match=r"captions\.jsonl"):
        load_clips(tmp_path)


def test_a_batch_depends_on_seed_and_step_alone(clips):
    first, again = make_batches(clips).batch(7), make_batches(clips).batch(7)
    assert np.array_equal(first.features, again.features)
    assert first.captions == again.captions
    assert make_batches(clips, seed=1).batch(7).features.shape != first.features.shape or not np.array_equal(
        make_batches(clips, seed=1).batch(7).features, first.features
    )


def test_batches_hold_the_frame_budget_and_the_patch(clips):
    for step in range(20):
        batch = make_batches(clips).batch(step)
        size, people, frames, features = batch.features.shape
        assert (people, features) == (2, 262)
        assert frames % 4 == 0
        assert 16 <= frames <= 60
        assert size == max(2, 160 // frames)
        assert np.isfinite(batch.features).all()


def with_event(clip, *segments):
    return replace(clip, captions=(), segments=tuple(Segment(*span, ("They bow.",)) for span in segments))


def test_an_event_lies_in_the_middle_of_its_crops(clips):
    batches = make_batches([with_event(clip, (20, 30)) for clip in clips])  # room for 54 of 80 frames
    crops = [crop for step in range(40) for crop in batches.draw(step)]
    assert max(crop.frames for crop in crops) > 40
    assert all(abs(crop.start + crop.frames / 2 - 25) <= 3 for crop in crops)


def test_an_event_without_room_is_shown_in_the_shortest_crops(clips):
    batches = make_batches([with_event(clip, (2, 8)) for clip in clips])
    crops = [crop for step in range(40) for crop in batches.draw(step)]
    assert max(crop.frames for crop in crops) <= batches.shortest + batches.patch
    assert all(crop.start == 0 for crop in crops)


def test_what_begins_a_clip_is_shown_at_every_length_and_begins_every_crop(clips):
    batches = make_batches([with_event(clip, (0, 10)) for clip in clips])
    assert batches.lengths == make_batches(clips).lengths
    assert {crop.start for crop in batches.draw(1)} == {0}
    assert room(clips[0], Segment(10, 20, ())) < 40 < room(clips[0], Segment(0, 10, ()))


def test_clips_of_an_interaction_share_the_ways_out(clips):
    """Five ways: of two clips the first has 0, 2 and 4; one that is alone in its kind has all of them."""
    first, second = clips
    alone = replace(first, id="alone", interaction="bow")
    drawn = [c for step in range(60) for c in make_batches([first, second, alone], ways=5).draw(step)]
    ways = {name: {c.way for c in drawn if c.clip.id == name} for name in ("clip0", "clip1", "alone")}
    assert ways == {"clip0": {0, 2, 4}, "clip1": {1, 3}, "alone": {0, 1, 2, 3, 4}}
    assert {c.way for c in make_batches(clips).draw(0)} == {0}
    batch = make_batches(clips, ways=5).batch(0)
    assert batch.part(slice(1, None)).ways.tolist() == batch.ways[1:].tolist()
    more = make_batches([replace(first, id=str(n)) for n in range(7)], ways=3).draw(1)
    assert all(c.way == int(c.clip.id) % 3 for c in more)


def test_crops_start_with_the_first_person_at_the_origin_facing_z(clips):
    for swap in (False, True):
        joints = crop_features(clips[0], 13, 20, swap=swap)[..., :66].reshape(2, 20, 22, 3)
        assert np.abs(joints[0, 0, 0, [0, 2]]).max() < 1e-5
        assert abs(facing(joints[0, 0])) < 1e-4


def test_swapping_exchanges_the_people(clips):
    plain, swapped = (crop_features(clips[0], 5, 20, swap=swap) for swap in (False, True))
    assert np.allclose(
        plain[0, :, 132:], swapped[1, :, 132:], atol=1e-5
    )  # local rotations do not see the placement


@pytest.mark.parametrize(
    ("caption", "mirrored"),
    [
        ("Left foot, then right.", "Right foot, then left."),
        ("They stand upright in bright light.", "They stand upright in bright light."),
        ("turns counterclockwise", "turns clockwise"),
        ("turns clockwise, left!", "turns counterclockwise, right!"),
        ("a left-handed punch (Right first)", "a right-handed punch (Left first)"),
        ("at right-angles", "at right-angles"),
    ],
)
def test_mirroring_exchanges_whole_words(caption, mirrored):
    assert mirror_words(caption) == mirrored
    assert mirror_words(mirrored) == caption


@pytest.mark.parametrize(
    "word", ["counter-clockwise", "anti-clockwise", "anticlockwise", "counter clockwise"]
)
def test_other_spellings_of_turning_are_known(word):
    assert mirror_words(f"They turn {word}.") == "They turn clockwise."


def test_statistics_normalise_the_crops(clips):
    batches = make_batches(clips)
    mean, std = batches.statistics(samples=50, frames=40)
    x = (np.concatenate([batches.batch(s).features.reshape(-1, 262) for s in range(30)]) - mean) / std
    assert np.abs(x.mean(0)).max() < 0.6
    assert (std > 0).all()


def test_source_rotations_turn_each_joint_as_its_bone_turns():
    names = list(dict.fromkeys(SOURCE_BONES.values()))
    parents = np.array([-1] + [0] * (len(names) - 1))  # a star: every bone below the hip
    rng = np.random.default_rng(0)
    source = rng.normal(size=(5, len(names), 4))
    source /= np.linalg.norm(source, axis=-1, keepdims=True)
    world = global_rotations(source_rotations(source, names, parents))
    for k, joint in enumerate(JOINT_NAMES):
        bone = names.index(SOURCE_BONES[joint])
        expected = source[:, 0] if bone == 0 else quat_multiply(source[:, 0], source[:, bone])
        assert np.abs(quat_angle(world[:, k], expected)).max() < 1e-6


def test_frames_beside_an_impossible_turn_do_not_count():
    rotations = np.zeros((2, 9, 22, 4))
    rotations[..., 0] = 1
    rotations[1, 4, 7] = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), np.radians(70))
    assert glitches(rotations).nonzero()[0].tolist() == [3, 4, 5]
