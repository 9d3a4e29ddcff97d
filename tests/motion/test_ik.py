import numpy as np
import pytest

from intermamba.motion.ik import two_bone_ik

UPPER, LOWER = 0.4, 0.35


@pytest.fixture
def limb(rng):
    start = rng.standard_normal((200, 3))
    reach = rng.standard_normal((200, 3))
    reach *= rng.uniform(0.06, 0.74, (200, 1)) / np.linalg.norm(reach, axis=-1, keepdims=True)
    return start, start + reach, rng.standard_normal((200, 3))


def test_it_reaches_with_both_bones_whole(limb):
    start, target, pole = limb
    middle, end = two_bone_ik(start, target, pole, (UPPER, LOWER))
    np.testing.assert_allclose(end, target, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(middle - start, axis=-1), UPPER, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(end - middle, axis=-1), LOWER, atol=1e-9)


def test_it_bends_towards_the_pole_at_the_cosine_rules_angle(limb):
    start, target, pole = limb
    middle, _ = two_bone_ik(start, target, pole, (UPPER, LOWER))
    for s, t, p, m in zip(*limb, middle, strict=True):
        d = np.linalg.norm(t - s)
        cosine = (UPPER**2 + d**2 - LOWER**2) / (2 * UPPER * d)
        assert (m - s) @ (t - s) / (UPPER * d) == pytest.approx(cosine, abs=1e-9)
        assert (m - s) @ np.cross(t - s, p) == pytest.approx(0, abs=1e-9)
        off_line = p - (t - s) * (p @ (t - s)) / d**2
        assert (m - s) @ off_line > 0


def test_out_of_reach_it_points_at_the_target():
    middle, end = two_bone_ik(np.zeros(3), np.array([0, -2.0, 0]), np.array([0, 0, 1.0]), (UPPER, LOWER))
    np.testing.assert_allclose(end, [0, -(UPPER + LOWER), 0], atol=1e-5)
    assert middle[2] > 0


def test_softly_the_end_never_jumps_nor_snaps_straight():
    target = np.stack([np.zeros(400), -np.linspace(0.6, 0.9, 400), np.zeros(400)], axis=-1)
    _, end = two_bone_ik(np.zeros(3), target, np.array([0, 0, 1.0]), (UPPER, LOWER), soft=0.05)
    step = np.diff(-end[:, 1])
    assert (step >= 0).all()
    assert step.max() <= np.diff(-target[:, 1]).max() + 1e-9
    assert np.abs(np.diff(step)).max() < 5e-5
    assert -end[-1, 1] < UPPER + LOWER


def test_a_target_on_the_shoulder_is_not_a_number_out():
    middle, end = two_bone_ik(np.zeros(3), np.zeros(3), np.array([0, 0, 1.0]), (UPPER, LOWER))
    assert np.isfinite([middle, end]).all()
