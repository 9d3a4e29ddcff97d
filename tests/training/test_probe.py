"""Clips spoilt in each way, and what an evaluator that was trained for a minute makes of them."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from intermamba.errors import IntermambaError  # noqa: E402
from tests.clips import synthetic_pair  # noqa: E402
from training.evaluate.embedding import stretch_of  # noqa: E402
from training.evaluate.probe import SPOILT, frozen, preference, probe, shuffled, with_partner_of  # noqa: E402
from training.evaluate.protocol import FOLDERS  # noqa: E402

from .test_protocol import Planted  # noqa: E402

FEW = replace(FOLDERS, pool=2, replications=3, swap=False)


@pytest.fixture
def clips():
    motions = [synthetic_pair(30 + 4 * seed, seed) for seed in range(4)]
    for number, motion in enumerate(motions):
        motion.prompt = str(number)
    return [stretch_of(motion) for motion in motions]


class Shaken(Planted):
    """Embeds a motion by how its frames follow each other: spoilt ones are elsewhere."""

    def motions(self, views):
        return np.stack([self._motion(view) for view in views])

    def _motion(self, view):
        joints = view.footage.joints[:, view.start : view.start + view.frames]
        speed = np.linalg.norm(np.diff(joints, axis=1), axis=-1).mean()
        return self.texts(view.footage.captions[:1])[0] + abs(speed - 0.01)


def test_shuffling_keeps_every_frame_and_freezing_one(clips):
    rng = np.random.default_rng(0)
    found = shuffled(clips[0], clips[1], rng)
    rows = [sorted(x.joints[0, :, 0, 0]) for x in (found, clips[0])]
    assert rows[0] == rows[1]
    assert not np.array_equal(found.joints, clips[0].joints)
    held = frozen(clips[0], clips[1], rng)
    assert held.frames == clips[0].frames
    assert np.array_equal(held.joints, np.repeat(clips[0].joints[:, 15:16], 30, axis=1))


def test_the_partner_is_another_clips_and_stands_where_he_stood(clips):
    found = with_partner_of(clips[2], clips[0], np.random.default_rng(0))
    assert found.frames == 38
    assert found.captions == ("2",)
    bones = [
        np.linalg.norm(np.diff(joints[0], axis=1), axis=-1) for joints in (found.joints, clips[2].joints)
    ]
    np.testing.assert_allclose(*bones, atol=1e-5)
    apart = np.linalg.norm(found.joints[1, 0, 0, ::2])
    there = clips[0].joints
    assert apart == pytest.approx(np.linalg.norm((there[1, 0, 0] - there[0, 0, 0])[::2]), abs=1e-4)
    np.testing.assert_allclose(found.joints[1, 30], found.joints[1, 0], atol=1e-5)


def test_an_evaluator_that_sees_motion_prefers_the_real_one(clips):
    rng = np.random.default_rng(0)
    spoilt = [shuffled(clip, clip, rng) for clip in clips]
    assert preference(Shaken(), clips, spoilt, FEW).mean == 1
    assert preference(Shaken(), clips, clips, FEW).mean == 0  # none is nearer than itself


def test_the_report_has_a_row_for_each_way(clips):
    text = probe(Shaken(), clips, FEW)
    for name in SPOILT:
        assert f"| **{name}** |" in text
    assert text.count("| frames shuffled |") == 1
    assert "chance: top 1 0.500" in text
    with pytest.raises(IntermambaError, match="two clips"):
        probe(Shaken(), clips[:1], FEW)
