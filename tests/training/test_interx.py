"""Inter-X's released layout, written by the tests: our clips of it, and its own representation."""

import numpy as np
import pytest

pytest.importorskip("h5py")

import h5py

from intermamba.errors import IntermambaError
from intermamba.motion.rotations import quat_angle, quat_to_matrix
from intermamba.motion.skeleton import DEFAULT_REST, PARENTS
from training.data.interx import Text, interx_clips, interx_features, load_interx

TEXT = """One waves with the left hand.#one/NUM wave/VERB with/ADP the/DET left/ADJ hand/NOUN#0.0#0.0

They nod.#they/PRON nod/VERB#0.0#0.0
"""


def rodrigues(vector):
    """Rotation matrix of an axis-angle vector, by the exponential's series."""
    x, y, z = vector
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    term, total = np.eye(3), np.eye(3)
    for n in range(1, 30):
        term = term @ k / n
        total = total + term
    return total


def slow_joints(rows, person, rest):
    """Joints (T,22,3) of a clip (T,56,6), frame by frame and joint by joint."""
    out = np.zeros((len(rows), 22, 3))
    for t, frame in enumerate(rows):
        spins = []
        for joint in range(22):
            local = rodrigues(frame[joint, 3 * person : 3 * person + 3])
            parent = PARENTS[joint]
            spins.append(local if parent < 0 else spins[parent] @ local)
            out[t, joint] = (
                frame[55, 3 * person : 3 * person + 3]
                if parent < 0
                else out[t, parent] + spins[parent] @ rest[joint]
            )
    return out


def random_clip(frames, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.zeros((frames, 56, 6), np.float32)
    rows[:, :55] = 0.4 * np.sin(np.arange(frames)[:, None, None] / 9 + rng.uniform(0, 6, (55, 6)))
    rows[:, 22:25] = 0
    rows[:, 55] = np.array([0, 0, 0, 0, 0.1, 1]) + np.cumsum(rng.normal(0, 0.01, (frames, 6)), 0)
    rows[:, 55, :3] -= rows[0, 55, :3]
    return rows


@pytest.fixture
def folder(tmp_path):
    motions = tmp_path / "processed" / "motions"
    texts = tmp_path / "processed" / "texts_processed"
    motions.mkdir(parents=True)
    texts.mkdir()
    with h5py.File(motions / "train.h5", "w") as file:
        for seed, (name, frames) in enumerate(
            (("G001T000A000R000", 30), ("G001T000A001R003", 200), ("G002T001A012R001", 24))
        ):
            file.create_dataset(name, data=random_clip(frames, seed), dtype="f4")
            (texts / f"{name}.txt").write_text(TEXT)
    return tmp_path


def change(folder, name, data):
    with h5py.File(folder / "processed" / "motions" / "train.h5", "a") as file:
        del file[name]
        if data is not None:
            file.create_dataset(name, data=data)


def test_clips_have_joints_rotations_and_captions(folder):
    clips = load_interx(folder, "train")
    assert [c.frames for c in clips] == [30, 150, 24]  # five seconds are the most
    assert clips[0].captions == ("One waves with the left hand.", "They nod.")
    for person in (0, 1):
        slow = slow_joints(random_clip(30), person, DEFAULT_REST)
        assert np.abs(clips[0].joints[person] - slow).max() < 1e-5
    assert not clips[0].own_floor


def test_a_rotation_that_is_none_is_the_identity(folder):
    rows = random_clip(24)
    rows[:, 3] = 0
    change(folder, "G002T001A012R001", rows)
    clip = load_interx(folder, "train")[2]
    assert quat_angle(clip.rotations[:, :, 3], np.array([1.0, 0, 0, 0], np.float32)).max() == 0


def test_the_body_model_gives_the_bones_where_it_is(folder):
    joints = np.cumsum(np.random.default_rng(0).normal(size=(55, 3)), 0)
    np.savez(folder / "SMPLX_NEUTRAL.npz", J_regressor=np.eye(55), v_template=joints)
    clip = load_interx(folder, "train")[0]
    assert np.allclose(clip.rest[0, 1:], joints[1:22] - joints[PARENTS[1:]], atol=1e-6)
    np.savez(folder / "SMPLX_NEUTRAL.npz", v_template=joints)
    with pytest.raises(IntermambaError, match=r"SMPLX_NEUTRAL\.npz is not"):
        load_interx(folder, "train")


def test_its_own_representation(folder):
    clips = list(interx_clips(folder, "train"))
    assert [c.features.shape for c in clips] == [(30, 56, 12), (150, 56, 12), (24, 56, 12)]
    rows = random_clip(30)
    for t in (0, 7, 29):
        for person in (0, 1):
            got = clips[0].features[t, :, 6 * person : 6 * person + 6]
            for joint in (0, 5, 22, 54):
                matrix = rodrigues(rows[t, joint, 3 * person : 3 * person + 3])
                assert np.allclose(got[joint], [*matrix[0], *matrix[1]], atol=1e-6)
            place = rows[:, 55, 3 * person : 3 * person + 3]
            step = place[t + 1] - place[t] if t < 29 else np.zeros(3)
            assert np.allclose(got[55], [*place[t], *step], atol=1e-6)
    assert clips[0].texts[1] == Text("They nod.", ("they/PRON", "nod/VERB"))


def test_motion_of_22_joints_has_hands_that_are_not_turned(folder):
    clip = load_interx(folder, "train")[0]
    features = interx_features(clip.rotations, clip.joints[:, :, 0])
    (theirs, *_) = interx_clips(folder, "train")
    assert np.allclose(features[:, :22], theirs.features[:, :22], atol=1e-5)
    assert np.allclose(features[:, 55], theirs.features[:, 55], atol=1e-5)
    assert np.array_equal(features[0, 40], [1, 0, 0, 0, 1, 0] * 2)
    assert np.allclose(quat_to_matrix(clip.rotations[0, 0, 4])[:2].ravel(), features[0, 4, :6], atol=1e-6)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (random_clip(23), "23 frames"),
        (np.zeros((1000, 56, 6), np.float32), "1000 frames"),
        (np.zeros((40, 55, 6)), "shape"),
        (np.full((40, 56, 6), np.nan), "not numbers"),
        (np.zeros(40), "shape"),
    ],
)
def test_a_bad_clip_is_named_counted_and_left_out(folder, capsys, data, words):
    change(folder, "G001T000A001R003", data)
    for _ in range(2):
        assert [c.id[-4:] for c in load_interx(folder, "train")] == ["R000", "R001"]
        said = capsys.readouterr().err
        assert words in said
        assert "G001T000A001R003" in said
        assert "1 of 3 clips skipped" in said
    assert len(list(interx_clips(folder, "train"))) == 2


@pytest.mark.parametrize("text", ["", "No tokens.\n", "A caption#a/DET#0.0\n", None])
def test_a_clip_without_captions_is_left_out(folder, capsys, text):
    path = folder / "processed" / "texts_processed" / "G001T000A001R003.txt"
    path.unlink() if text is None else path.write_text(text)
    assert len(load_interx(folder, "train")) == 2
    assert "G001T000A001R003.txt" in capsys.readouterr().err


def test_a_folder_of_another_layout_is_refused(folder):
    with pytest.raises(IntermambaError, match=r"no processed/motions/val\.h5"):
        load_interx(folder, "val")
    with pytest.raises(IntermambaError, match="no split 'all'"):
        load_interx(folder, "all")
    (folder / "processed" / "motions" / "val.h5").write_text("not HDF5")
    with pytest.raises(IntermambaError, match=r"val\.h5 is not an HDF5 file"):
        load_interx(folder, "val")
    with h5py.File(folder / "processed" / "motions" / "test.h5", "w"):
        pass
    with pytest.raises(IntermambaError, match=r"test\.h5 holds no clip"):
        load_interx(folder, "test")


def test_the_folder_processed_may_be_given_itself(folder):
    assert len(load_interx(folder / "processed", "train")) == 3
