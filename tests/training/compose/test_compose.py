import numpy as np
import pytest

from intermamba.motion.body_points import body_point
from intermamba.motion.kinematics import fk
from intermamba.motion.metrics import bone_length_cv, facing_partner, pelvis_distance
from training.compose.__main__ import draw, main
from training.compose.compose import Duet, Rejection, compose
from training.compose.library import pack_library
from training.compose.score import load_score
from training.data.clips import load_clips

from .troupe import BOW, REST, SHAKE, WALK, troupe, write_score


@pytest.fixture(scope="module")
def library():
    return troupe()


def made(path, library, seed: int = 0) -> Duet:
    duet, _ = draw(load_score(path), library, seed, 0, held_out=False)
    assert duet is not None
    return duet


def test_a_bow_is_placed_face_to_face_and_both_are_lowest_in_the_core(tmp_path, library):
    duet = made(write_score(tmp_path, BOW), library)
    assert duet.joints.shape[1] % 4 == 1
    assert 60 <= duet.joints.shape[1] - 1 <= 120
    assert facing_partner(duet.joints) > 0.95
    assert pelvis_distance(duet.joints) == pytest.approx(np.full(duet.joints.shape[1], 1.6), abs=0.25)
    lowest = duet.joints[:, :, 15, 1].argmin(axis=1)
    assert ((duet.core[0] <= lowest) & (lowest < duet.core[1])).all()


def test_joints_are_those_of_the_rotations_and_bones_are_constant(tmp_path, library):
    duet = made(write_score(tmp_path, SHAKE), library)
    joints = fk(duet.rotations.astype(float), duet.joints[:, :, 0].astype(float), REST)
    np.testing.assert_allclose(joints, duet.joints, atol=1e-4)
    assert bone_length_cv(duet.joints) < 1e-4


def test_hands_that_shake_are_together(tmp_path, library):
    duet = made(write_score(tmp_path, SHAKE), library)
    palms = [body_point(person.astype(float), "right_hand") for person in duet.joints]
    apart = np.linalg.norm(palms[0] - palms[1], axis=-1)
    assert (apart < 0.03).sum() >= 22


def test_a_walk_is_composed_whole(tmp_path, library):
    duet = made(write_score(tmp_path, WALK), library)
    assert duet.core == (0, duet.joints.shape[1])
    assert np.linalg.norm(duet.joints[0, -1, 0] - duet.joints[0, 0, 0]) > 1.0


def test_what_does_not_fit_is_rejected_with_its_check(tmp_path, library):
    near = write_score(tmp_path, BOW.replace("[1.4, 1.8]", "0.15"))
    result = compose(load_score(near), library, np.random.default_rng(0))
    assert isinstance(result, Rejection)
    assert result.check in ("penetration", "skate", "pop")


def test_the_clip_of_a_duet_is_what_training_reads(tmp_path, library):
    duet = made(write_score(tmp_path, BOW), library)
    clip = duet.clip("bow_1")
    assert clip.segments[0].start == duet.core[0]
    assert clip.good.all()
    assert clip.rest.shape == (2, 22, 3)


def run(tmp_path, out: str, *more: str) -> list:
    pack_library(troupe(), tmp_path / "library.npz")
    scores = [str(write_score(tmp_path, BOW, "greeting")), str(write_score(tmp_path, SHAKE, "shaking"))]
    folder = tmp_path / out
    assert (
        main([*scores, "--clips", str(tmp_path / "library.npz"), "-o", str(folder), "--seed", "5", *more])
        == 0
    )
    return load_clips(folder)


def test_a_run_goes_on_and_does_not_depend_on_the_workers(tmp_path, capsys):
    run(tmp_path, "one", "--count", "3")
    one = run(tmp_path, "one", "--count", "6")
    two = run(tmp_path, "two", "--count", "6", "--workers", "2")
    assert [clip.id for clip in one] == [clip.id for clip in two]
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.joints, b.joints)
        assert a.captions == b.captions
    assert "greeting" in capsys.readouterr().out


def test_a_wrong_score_is_one_sentence(tmp_path, capsys):
    pack_library(troupe(), tmp_path / "library.npz")
    assert main(["quadrille", "--clips", str(tmp_path / "library.npz"), "-o", str(tmp_path / "out")]) == 1
    assert "no score 'quadrille'" in capsys.readouterr().err
