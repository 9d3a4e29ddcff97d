import numpy as np
import pytest

from intermamba.errors import IntermambaError
from intermamba.motion.features import CONTACTS, POSITIONS, ROTATIONS, VELOCITIES, encode
from intermamba.motion.filters import JERK_WEIGHT, fit_paths, gaussian_smooth
from intermamba.motion.kinematics import bone_vectors, fit_rotations, fk
from intermamba.motion.metrics import bone_length_cv, foot_skate, jitter
from intermamba.motion.reconstruct import reconstruct
from intermamba.motion.skeleton import DEFAULT_REST, FEET, L_FOOT, PARENTS, R_FOOT
from tests.clips import synthetic_pair

from .people import face_to_face


@pytest.fixture(scope="module")
def dance():
    return synthetic_pair(121, seed=3)


@pytest.fixture(scope="module")
def features(dance):
    return encode(dance.joints, dance.rotations)


def corrupt(features, rng, white=0.012, drift=0.012, bones=0.06):
    """What a weak network does: bones that breathe, joints that drift, and noise in all it says."""
    f = features.astype(float)
    shape = (*f.shape[:2], 22, 3)

    def slow(*size):
        x = gaussian_smooth(rng.standard_normal((*f.shape[:2], *size)), 8.0, axis=1)
        return x / x.std()

    joints = f[..., POSITIONS].reshape(shape)
    stretched = bone_vectors(joints) * (1 + bones * slow(22, 1))
    for k in range(1, 22):
        joints[:, :, k] = joints[:, :, PARENTS[k]] + stretched[:, :, k]
    joints = joints + drift * slow(22, 3)
    steps = np.diff(joints, axis=1, append=joints[:, -1:]) + 0.3 * white * rng.standard_normal(shape)
    joints = joints + white * rng.standard_normal(shape)
    f[..., POSITIONS], f[..., VELOCITIES] = (a.reshape(*shape[:2], 66) for a in (joints, steps))
    f[..., ROTATIONS] += 0.05 * rng.standard_normal((*shape[:2], 126))
    f[..., CONTACTS] += 0.15 * rng.standard_normal((*shape[:2], 4))
    return f


def test_true_features_give_nearly_the_same_motion(dance, features):
    motion = reconstruct(features, dance.rest)
    error = np.linalg.norm(motion.joints - dance.joints[:, :-1], axis=-1)
    assert error.mean() < 0.005  # a foot that hardly left the floor is lifted
    assert error.max() < 0.06  # a foot that sets off slowly is held a little longer
    assert foot_skate(motion.joints, 30) <= foot_skate(dance.joints, 30) + 0.5
    assert jitter(motion.joints, 30) < 1.5 * jitter(dance.joints, 30) + 20


def test_a_bad_networks_features_give_whole_bodies(dance, features, rng):
    bad = corrupt(features, rng)
    raw = bad[..., POSITIONS].reshape(2, -1, 22, 3)
    true = dance.joints[:, :-1]
    motion = reconstruct(bad, dance.rest)
    assert bone_length_cv(raw) > 0.15
    assert bone_length_cv(motion.joints) < 1e-5
    assert foot_skate(raw, 30) > 50
    assert foot_skate(motion.joints, 30) < 15
    assert jitter(motion.joints, 30) < 0.2 * jitter(raw, 30)
    before, after = (np.linalg.norm(joints - true, axis=-1).mean() for joints in (raw, motion.joints))
    assert after < before


def test_the_result_is_fk_of_its_parts(dance, features, rng):
    motion = reconstruct(corrupt(features, rng), dance.rest)
    np.testing.assert_allclose(
        fk(motion.rotations, motion.root, motion.rest[:, None]), motion.joints, atol=1e-6
    )
    np.testing.assert_allclose(motion.rest, dance.rest, atol=1e-7)
    assert {a.dtype for a in (motion.joints, motion.rotations, motion.root, motion.contacts)} == {
        np.dtype(np.float32)
    }
    assert (np.einsum("ptji,ptji->ptj", motion.rotations[:, 1:], motion.rotations[:, :-1]) > 0).all()


def test_feet_in_contact_stand_still_and_off_the_ground(dance, features, rng):
    motion = reconstruct(corrupt(features, rng), dance.rest)
    toes = motion.joints[:, :, (L_FOOT, R_FOOT)]
    speed = np.linalg.norm(np.diff(toes[..., ::2], axis=1), axis=-1) * 30
    standing = motion.contacts[:, :, (1, 3)] > 0
    assert 0.3 < standing.mean() < 0.9
    assert np.median(speed[standing[:, 1:] & standing[:, :-1]]) < 0.02
    assert toes[..., 1].min() > 0


def test_a_standing_foot_out_of_reach_lowers_the_body(dance, features):
    high = features.copy()
    upper = [k for k in range(22) if k not in FEET]
    for joint in upper:
        high[..., 3 * joint + 1] += 0.12
    motion = reconstruct(high, dance.rest)
    feet = np.linalg.norm((motion.joints - dance.joints[:, :-1])[:, :, FEET], axis=-1)
    assert np.median(feet[motion.contacts > 0]) < 0.02
    assert (motion.root[..., 1] < high[..., 1]).mean() > 0.9


def test_one_rest_serves_both_people(dance, features):
    motion = reconstruct(features, dance.rest[0], fps=30.0)
    assert motion.rest.shape == (2, 22, 3)
    np.testing.assert_array_equal(motion.rest[0], motion.rest[1])


@pytest.mark.parametrize("frames", [2, 3, 5, 16])
def test_short_clips(dance, features, frames):
    motion = reconstruct(features[:, :frames], dance.rest)
    assert motion.frames == frames
    assert np.linalg.norm(motion.joints - dance.joints[:, :frames], axis=-1).mean() < 0.01


def test_features_that_are_not_numbers_are_refused(dance, features):
    bad = features.copy()
    bad[0, 3, 5] = np.nan
    with pytest.raises(IntermambaError, match="not numbers"):
        reconstruct(bad, dance.rest)


def test_paths_are_the_least_squares_fit(rng):
    frames, positions, velocities = 12, rng.standard_normal((12, 1, 3)), rng.standard_normal((12, 1, 3))
    weights = rng.uniform(0, 5, 11)
    rows, wanted = [*np.eye(frames)], [*positions[:, 0]]
    for t in range(11):
        rows.append(np.sqrt(weights[t]) * (np.eye(frames)[t + 1] - np.eye(frames)[t]))
        wanted.append(np.sqrt(weights[t]) * velocities[t, 0])
    for t in range(9):
        rows.append(np.sqrt(JERK_WEIGHT) * np.array([-1.0, 3, -3, 1]) @ np.eye(frames)[t : t + 4])
        wanted.append(np.zeros(3))
    best = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    np.testing.assert_allclose(fit_paths(positions, velocities, weights)[:, 0], best, atol=1e-9)


def test_paths_keep_a_stamp_sharp_and_lose_the_noise(rng):
    height = np.where(np.arange(60) < 30, 0.02 * np.maximum(30 - np.arange(60), 0), 0.0)[:, None, None]
    true = np.repeat(height, 3, axis=-1)
    step = np.diff(true, axis=0, append=true[-1:])
    assert np.abs(fit_paths(true, step, 8.0) - true).max() < 0.006
    noisy = true + 0.02 * rng.standard_normal(true.shape)
    assert np.abs(fit_paths(noisy, step, 8.0) - true).std() < 0.008


def test_a_foot_that_is_quick_clears_the_ground():
    joints = face_to_face(2.0)
    joints[..., 0] += np.linspace(0.0, 4.0, 60)[:, None]  # both slide over the floor at 2 m/s
    rest = np.stack([DEFAULT_REST, DEFAULT_REST])
    toes = reconstruct(encode(joints, fit_rotations(joints, rest)), rest).joints[:, 5:-5, (L_FOOT, R_FOOT)]
    assert joints[..., L_FOOT, 1].max() < 0.03
    assert toes[..., 1].min() > 0.045
