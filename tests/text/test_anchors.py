"""Conditions pulled to those that a model was trained on."""

import numpy as np
import pytest

from intermamba.text.anchors import NEAREST, Anchors


@pytest.fixture
def anchors():
    """Two clouds of captions."""
    rng = np.random.default_rng(1)
    middles = np.repeat(np.array([[5.0, 0, 0, 0], [0, 5, 0, 0]]), 2 * NEAREST, axis=0)
    return Anchors((middles + rng.normal(scale=0.1, size=middles.shape)).astype(np.float32))


def test_a_condition_is_pulled_into_the_cloud_that_it_is_nearest_to(anchors):
    pulled = anchors.pull(np.array([[3.0, 1.0, 2.0, 0.0], [0.5, 2.0, 0.0, -2.0]], np.float32))
    np.testing.assert_allclose(pulled, [[5, 0, 0, 0], [0, 5, 0, 0]], atol=0.2)
    assert pulled.dtype == np.float32


def test_the_nearest_weigh_most_and_no_more_than_the_nearest_count():
    conditions = np.zeros((NEAREST + 1, 2), np.float32)
    conditions[:, 0] = np.cos(np.linspace(0, np.pi, NEAREST + 1))
    conditions[:, 1] = np.sin(np.linspace(0, np.pi, NEAREST + 1))
    far_changed = conditions.copy()
    far_changed[-1] *= 0.99
    (near,) = Anchors(conditions).pull(conditions[:1])
    assert near[0] > 0.5
    (other,) = Anchors(far_changed).pull(conditions[:1])
    np.testing.assert_allclose(other, near, atol=0.02)


def test_fewer_anchors_than_are_asked_for_are_all_taken():
    (pulled,) = Anchors(np.eye(3, dtype=np.float32)).pull(np.array([[1.0, 0, 0]], np.float32))
    assert pulled.argmax() == 0
    assert pulled.sum() == pytest.approx(1)


def test_touches_are_asked_for_where_most_of_the_nearest_captions_are_of_them():
    conditions = np.eye(4, dtype=np.float32)
    asks = np.array([[1, 0], [1, 0], [1, 1], [0, 1]], bool)
    anchors = Anchors(conditions, ("hand on hand", "foot on belly"), asks)
    assert anchors.asked(np.array([[1.0, 1.0, 0, 0]])) == ["hand on hand"]
    assert anchors.asked(np.array([[0, 0, 0.1, 1.0]])) == ["foot on belly"]
    assert Anchors(conditions).asked(conditions[:1]) == []
