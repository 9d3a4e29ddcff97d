import numpy as np

from intermamba.motion.touch import Touch
from training.compose.checks import check

from .troupe import REST, standing


def pair(distance: float = 1.5) -> np.ndarray:
    one, other = standing(60), standing(60).moved(np.pi, (0.0, distance))
    return np.stack([one.joints(REST), other.joints(REST)])


def failed(joints: np.ndarray, touches: tuple[Touch, ...] = (), name: str = "made up") -> str:
    failure = check(joints, touches, [False] * len(touches), name)
    return failure[0] if failure else ""


def test_two_who_stand_apart_pass():
    assert failed(pair()) == ""


def test_feet_that_slide_fail():
    joints = pair()
    joints[1, :, :, 0] += np.linspace(0.0, 1.0, 60)[:, None]
    assert failed(joints) == "skate"


def test_feet_under_the_floor_fail():
    assert failed(pair() - [0.0, 0.05, 0.0]) == "floor"


def test_bodies_in_each_other_fail():
    assert failed(pair(0.1)) == "penetration"


def test_a_pop_fails():
    joints = pair()
    joints[0, 30:, 20] += [0.0, 0.2, 0.1]
    assert failed(joints) == "pop"


def test_a_folded_knee_fails():
    joints = pair()
    joints[0, 20:40, 7] = joints[0, 20:40, 4] + 0.9 * (joints[0, 20:40, 1] - joints[0, 20:40, 4])
    assert failed(joints) == "joints"


def test_a_touch_that_misses_fails_and_one_that_holds_does_not():
    miss = Touch(0, "right_hand", "right_hand", 20, 40)
    assert failed(pair(), (miss,)) == "touch"


def test_what_is_not_a_number_fails():
    joints = pair()
    joints[0, 3, 3] = np.nan
    assert failed(joints) == "numbers"


def test_a_measure_has_the_last_word():
    assert failed(pair(), name="cartwheel") == "measure"
