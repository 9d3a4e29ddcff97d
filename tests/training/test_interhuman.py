"""InterHuman's released layout, written by the tests: what is read, what is left out, and what features it gives."""

import numpy as np
import pytest

from intermamba.errors import IntermambaError
from intermamba.motion.features import encode
from intermamba.motion.kinematics import fk
from intermamba.motion.rotations import quat_to_matrix
from tests.clips import synthetic_pair
from training.data.batches import Batches, crop_features
from training.data.interhuman import fit_root, load_interhuman

FRAMES = 40


def rows_of(motion, person):
    """(T,492) of one person, Z up, hands and finger tips filled with numbers that mean nothing."""
    rows = np.full((motion.frames, 492), 7.0)
    x, y, z = np.moveaxis(motion.joints[person].astype(float), -1, 0)
    rows[:, :66] = np.stack([x, -z, y], -1).reshape(motion.frames, 66)
    matrices = quat_to_matrix(motion.rotations[person, :, 1:].astype(float))
    columns = [matrices[..., i, j] for i in range(3) for j in range(2)]  # r00 r01 r10 r11 r20 r21
    rows[:, 186:312] = np.stack(columns, -1).reshape(motion.frames, 126)
    return rows.astype(np.float32)


def write_clip(folder, name, seed, frames=FRAMES):
    motion = synthetic_pair(frames, seed)
    for person in (0, 1):
        path = folder / "motions_processed" / f"person{person + 1}" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, rows_of(motion, person))
    (folder / "annots").mkdir(exist_ok=True)
    (folder / "annots" / f"{name}.txt").write_text(f"One pushes, {name}.\n\nThe left one falls. \n")
    return motion


def write_split(folder, name, ids):
    (folder / "split").mkdir(exist_ok=True)
    (folder / "split" / name).write_text("".join(f"{i}\n" for i in ids))


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("1", "20", "300", "300(1)")):
        write_clip(tmp_path, name, seed)
    write_split(tmp_path, "train.txt", ["1", "20", "300"])
    write_split(tmp_path, "test.txt", ["300"])
    return tmp_path


def slow_features(rows, first, other):
    """InterGen's loader, step by step and person by person, on raw rows; the one `first` is at the origin."""
    out = []
    frame = []
    for person in (first, other):
        x, y, z = np.moveaxis(rows[person][:, :66].astype(float).reshape(-1, 22, 3), -1, 0)
        positions = np.stack([x, z, -y], -1)
        positions[..., 1] -= positions[..., 1].min()
        across = positions[0, 2] - positions[0, 1]
        forward = np.cross([0, 1, 0], across)
        angle = np.arctan2(forward[0], forward[2])  # turning by -angle about Y makes it +Z
        frame.append((angle, positions[0, 0] * [1, 0, 1]))
        out.append(positions)
    angle, origin = frame[0]
    turn = np.array(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]
    )  # maps forward to +Z
    features = []
    for person, positions in zip((first, other), out, strict=True):
        placed = (positions - origin) @ turn.T
        steps = placed[1:] - placed[:-1]
        contacts = [
            ((steps[:, j] ** 2).sum(-1) < 0.001) & (placed[:-1, j, 1] < h)
            for j, h in ((7, 0.12), (10, 0.05), (8, 0.12), (11, 0.05))
        ]
        n = len(steps)
        features.append(
            np.concatenate(
                [
                    placed[:-1].reshape(n, 66),
                    steps.reshape(n, 66),
                    rows[person][:-1, 186:312],
                    np.stack(contacts, -1),
                ],
                -1,
            )
        )
    return np.stack(features)


def test_the_262_features_are_those_of_the_released_loader(folder):
    (clip,) = load_interhuman(folder, "test")
    rows = [rows_of(synthetic_pair(FRAMES, 2), person) for person in (0, 1)]
    for swap in (False, True):
        ours = crop_features(clip, 0, FRAMES - 1, swap=swap)
        theirs = slow_features(rows, *((1, 0) if swap else (0, 1)))
        assert np.abs(ours - theirs).max() < 2e-5


def test_nobody_floats_as_released_and_a_common_floor_keeps_heights(folder):
    for person in (1, 2):
        path = folder / "motions_processed" / f"person{person}" / "300.npy"
        rows = np.load(path)
        rows[:, 2:66:3] += 0.3 * person  # the second stands 30 cm higher
        np.save(path, rows)
    lowest = []
    for common in (False, True):
        (clip,) = load_interhuman(folder, "test", common_floor=common)
        joints = crop_features(clip, 0, FRAMES - 1)[..., :66].reshape(2, -1, 22, 3)
        lowest.append(joints[..., 1].min((1, 2)))
    assert np.abs(lowest[0]).max() < 1e-5
    assert lowest[1][1] - lowest[1][0] == pytest.approx(0.3, abs=0.02)


def test_the_root_turns_so_that_the_bones_give_the_joints():
    truth = synthetic_pair(FRAMES, 2)
    rest = truth.rest + np.random.default_rng(0).normal(
        0, 0.01, truth.rest.shape
    )  # a body unlike the default
    rest[:, 0] = 0
    joints = fk(truth.rotations, truth.root, rest[:, None])
    rotations, fitted = fit_root(joints, truth.rotations[:, :, 1:].astype(float))
    error = np.linalg.norm(fk(rotations, truth.root, fitted[:, None]) - joints, axis=-1)
    assert error.mean() < 2e-3
    assert error.max() < 0.015
    assert np.array_equal(rotations[:, :, 1:], truth.rotations[:, :, 1:])


def test_captions_are_the_lines_that_hold_words(folder):
    clips = load_interhuman(folder, "train")
    assert [clip.id for clip in clips] == ["1", "20", "300"]
    assert clips[1].captions == ("One pushes, 20.", "The left one falls.")


def test_ignored_and_duplicated_clips_are_not_used(folder):
    write_split(folder, "ignore_list.txt", ["20"])
    write_split(folder, "train.txt", ["1", "20", "300", "300(1)", "1"])
    assert [clip.id for clip in load_interhuman(folder, "train")] == ["1", "300"]


def damage(folder, what):
    one, two = (folder / "motions_processed" / f"person{k}" / "20.npy" for k in (1, 2))
    rows = np.load(two)
    if what == "missing":
        two.unlink()
    elif what == "empty":
        two.write_bytes(b"")
    elif what == "cut":
        two.write_bytes(two.read_bytes()[:-100])
    elif what == "pickled":
        np.save(two, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif what == "columns":
        np.save(two, rows[:, :491])
    elif what == "nan":
        rows[3, 5] = np.nan
        np.save(two, rows)
    elif what == "short":
        np.save(one, rows[:14]), np.save(two, rows[:14])
    elif what == "feet":
        rows[:, :186] *= 3.281
        np.save(two, rows)
    elif what == "unequal":
        np.save(two, rows[:-1])
    elif what == "uncaptioned":
        (folder / "annots" / "20.txt").write_text("\n")
    elif what == "no text":
        (folder / "annots" / "20.txt").unlink()


@pytest.mark.parametrize(
    "what",
    [
        "missing",
        "empty",
        "cut",
        "pickled",
        "columns",
        "nan",
        "short",
        "unequal",
        "uncaptioned",
        "no text",
        "feet",
    ],
)
def test_a_bad_clip_is_named_counted_and_left_out(folder, capsys, what):
    damage(folder, what)
    for _ in range(2):  # while converting, and from the converted file
        assert [clip.id for clip in load_interhuman(folder, "train")] == ["1", "300"]
        said = capsys.readouterr().err
        assert "skipped: " in said
        assert "20." in said
        assert "1 of 3 clips skipped" in said


def test_nothing_but_bad_clips_is_an_error(folder):
    (folder / "annots" / "300.txt").unlink()
    with pytest.raises(IntermambaError, match=r"None of the 1 clips .*300\.txt"):
        load_interhuman(folder, "test")
    (folder / "motions_processed" / "person2" / "300.npy").unlink()
    with pytest.raises(IntermambaError, match=r"None of the 1 clips .*300\.npy"):
        load_interhuman(folder, "test")


def test_a_folder_of_another_layout_is_refused(folder, tmp_path):
    with pytest.raises(IntermambaError, match=r"no split/val\.txt"):
        load_interhuman(folder, "val")
    with pytest.raises(IntermambaError, match="no split 'dev'"):
        load_interhuman(folder, "dev")
    write_split(folder, "val.txt", [])
    with pytest.raises(IntermambaError, match="names no clip"):
        load_interhuman(folder, "val")


def test_clips_are_mapped_and_made_again_only_when_a_file_changes(folder):
    first = load_interhuman(folder, "train")
    base = first[0].joints
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    assert not isinstance(base, np.ndarray), "the arrays are not views of the mapped file"
    made = (folder / "converted" / "train.npy").stat().st_mtime_ns
    again = load_interhuman(folder, "train")
    assert (folder / "converted" / "train.npy").stat().st_mtime_ns == made
    assert all(np.array_equal(a.joints, b.joints) for a, b in zip(first, again, strict=True))
    write_clip(folder, "20", 9)
    changed = load_interhuman(folder, "train")
    assert not np.array_equal(first[1].joints, changed[1].joints)
    assert np.array_equal(first[2].joints, changed[2].joints)


def test_a_folder_that_cannot_be_written_to_is_an_error_with_a_way_out(folder):
    (folder / "converted").write_text("in the way")
    with pytest.raises(IntermambaError, match="make `converted` in it a link"):
        load_interhuman(folder, "train")


def test_a_damaged_converted_file_is_made_again(folder):
    load_interhuman(folder, "train")
    file = folder / "converted" / "train.npy"
    file.write_bytes(file.read_bytes()[:-4])
    assert len(load_interhuman(folder, "train")) == 3


def test_batches_of_mapped_clips(folder):
    batches = Batches(
        load_interhuman(folder, "train"),
        patch=1, shortest=16, longest=300, frames_per_batch=160, common_captions={}, seed=0,
    )  # fmt: skip
    batch = batches.batch(3)
    assert np.isfinite(batch.features).all()
    assert batch.mask.all()
    assert {c.split(",")[0] for c in batch.captions} <= {
        "One pushes", "The left one falls.", "The right one falls."
    }  # fmt: skip


def test_encode_alone_would_lose_nothing(folder):
    truth = synthetic_pair(FRAMES, 2)
    (clip,) = load_interhuman(folder, "test")
    assert np.abs(encode(clip.joints, clip.rotations) - encode(truth.joints, truth.rotations)).max() < 2e-5
