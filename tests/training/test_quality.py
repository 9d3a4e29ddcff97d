"""What embeddings do not see: contact where the caption speaks of it, and the table."""

import numpy as np
import pytest

pytest.importorskip("torch")

from intermamba.motion.metrics import come_within
from tests.clips import synthetic_pair
from training.evaluate.quality import CONTACT, HANDS, gather, judge_motion, speaks_of_contact, table


@pytest.mark.parametrize(
    "caption",
    [
        "Two people shake hands.",
        "They seal it with a shake of the hand.",
        "A couple hugs each other tightly.",
        "One pushes the other away.",
        "They high-five.",
        "A parent leads a child by the hand.",
        "She pulls him up.",
        "He puts his arms around her.",
    ],
)
def test_captions_of_contact_are_known(caption):
    assert speaks_of_contact(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "Two people bow.",
        "Someone pulls off a cartwheel.",
        "Somebody hits the deck.",
        "They wave their hands.",
        "One walks past the other.",
        "They hold a conversation.",
    ],
)
def test_other_captions_are_left_alone(caption):
    assert not speaks_of_contact(caption)


def test_contact_is_asked_for_only_where_the_caption_speaks_of_it():
    joints = synthetic_pair(20).joints.copy()
    joints[1] += [0, 0, 3]
    assert CONTACT not in judge_motion(joints, 30, ["They bow."])
    assert judge_motion(joints, 30, ["They bow.", "They shake hands."])[CONTACT] == 0
    joints[1] = joints[0] + np.array([0.3, 0, 0], np.float32)
    assert judge_motion(joints, 30, ["They shake hands."])[CONTACT] == 1


def test_hands_are_measured_where_the_caption_is_of_hands_that_meet():
    joints = synthetic_pair(20).joints.copy()
    joints[1] = joints[0]
    assert judge_motion(joints, 30, ["They high-five."])[HANDS] == pytest.approx(0, abs=1e-4)
    joints[1] += [0, 3, 0]
    assert judge_motion(joints, 30, ["They hold hands."])[HANDS] > 150
    assert HANDS not in judge_motion(joints, 30, ["They hug."])


def test_bodies_come_within_a_distance_of_their_surfaces():
    joints = np.zeros((2, 1, 22, 3))  # each a ball as thick as its thickest bone, 11 cm
    joints[1, ..., 0] = 0.5
    assert come_within(joints, 0.29)
    assert not come_within(joints, 0.27)


def test_the_table_has_a_row_for_each_measure_with_mean_range_and_ratio():
    lines = table({"skate": [1.0, 3.0]}, {"skate": [4.0, 4.0]}).splitlines()
    assert lines[2] == "| skate | 2 (1 to 3) | 4 (4 to 4) | 0.50 |"


def test_a_measure_that_is_nothing_in_reality_or_has_no_reality_has_no_ratio():
    assert table({"cv": [1e-7]}, {"cv": [0.0]}).endswith("|  |")
    assert table({CONTACT: [1.0]}, {}).endswith("|  |  |")


def test_motions_without_a_measure_are_left_out_of_it():
    assert gather([{"a": 1.0}, {"a": 2.0, "b": 3.0}]) == {"a": [1.0, 2.0], "b": [3.0]}
