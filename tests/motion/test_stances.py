import numpy as np

from intermamba.motion.features import CONTACT_HEIGHTS
from intermamba.motion.filters import minimum_jerk
from intermamba.motion.stances import find_stances

STEPS = 4
STEP = 20


def walk(glide: float = 0.0, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Feet (T, 4, 3) that step by 0.8 m every 20 frames, half of them swinging, and labels.

    A part `glide` of the way is gone on the ground.
    """
    t = np.arange(STEPS * STEP)
    phase = t[:, None] / STEP + np.array([0.0, 0.0, 0.5, 0.5])
    swing = minimum_jerk(2.0 * (phase % 1.0) - 1.0)
    feet = np.zeros((len(t), 4, 3))
    feet[..., 0] = 0.8 * (np.floor(phase) + (1.0 - glide) * swing + glide * (phase % 1.0))
    feet[..., 1] = np.array(CONTACT_HEIGHTS) - 0.02 + 0.4 * swing * (1.0 - swing)
    feet += noise * np.random.default_rng(1).standard_normal(feet.shape)
    return feet, np.ones((len(t), 4))


def runs(stands: np.ndarray) -> list[int]:
    """How many stances each foot joint makes."""
    return (np.diff(stands.astype(int), axis=0, prepend=0) > 0).sum(axis=0).tolist()


def test_a_walk_is_a_stance_for_every_step():
    feet, labels = walk()
    stands = find_stances(feet, labels, 30.0)
    assert runs(stands) == [4, 4, 4, 4]
    assert 0.4 < stands.mean() < 0.7


def test_noise_makes_no_flicker():
    feet, labels = walk(noise=0.004)
    assert runs(find_stances(feet, labels, 30.0)) == [4, 4, 4, 4]


def test_feet_that_glide_where_they_should_stand_do():
    feet, labels = walk(glide=0.25)
    stands = find_stances(feet, labels, 30.0)
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * 30.0
    assert speed.min() > 0.25
    assert runs(stands)[1::2] == [4, 4]
    assert stands.mean() > 0.4


def test_who_slides_past_does_not_stand_nor_who_is_in_the_air():
    feet, labels = walk()
    feet[:] = feet[:1]
    feet[:, 1, 0] = 0.05 * np.arange(len(feet))  # 1.5 m/s
    feet[:, 2, 1] = 0.25
    labels[:, 3] = 0.0
    stands = find_stances(feet, labels, 30.0)
    assert stands.mean(axis=0).tolist() == [1, 0, 0, 1]  # one at rest on the ground needs no label


def test_a_drift_over_the_floor_is_several_stances():
    feet, labels = walk()
    feet[:] = feet[:1]
    feet[:, :, 0] = 0.01 * np.arange(len(feet))[:, None]
    stands = find_stances(feet, labels, 30.0)
    assert stands.mean() > 0.7
    assert min(runs(stands)) > 1


def test_two_people_are_cut_apart():
    feet, labels = walk()
    still = np.broadcast_to(feet[:1], feet.shape)
    both = find_stances(np.stack([feet, still]), np.stack([labels, labels]), 30.0)
    np.testing.assert_array_equal(both[0], find_stances(feet, labels, 30.0))
    assert both[1].all()
