"""The measures of the interactions: each sees its own scene, whoever plays it, and few of the others."""

import numpy as np
import pytest

from intermamba.errors import IntermambaError
from intermamba.motion.rotations import quat_apply, yaw_quat
from intermamba.motion.skeleton import MIRROR
from training.evaluate.interactions import MEASURES, RELATED, judge
from training.evaluate.interactions.verdict import all_of, any_of, at_least, at_most

from .scenes import SCENES, standing


@pytest.fixture(scope="module")
def scenes() -> dict[str, np.ndarray]:
    return {name: make() for name, make in SCENES.items()}


def test_every_measure_has_a_scene():
    assert set(SCENES) == set(MEASURES)


@pytest.mark.parametrize("name", SCENES)
def test_a_measure_sees_its_scene(name, scenes):
    verdict = judge(name, scenes[name])
    assert verdict.passed, verdict.why
    assert 0.5 <= verdict.score <= 1.0


@pytest.mark.parametrize("name", SCENES)
def test_it_does_not_matter_where_who_or_which_side(name, scenes):
    joints = scenes[name]
    verdict = judge(name, joints)
    for other in (
        joints[::-1],
        quat_apply(yaw_quat(2.1), joints) + np.array([5, 0, -3]),
        joints[:, :, MIRROR] * [-1, 1, 1],
    ):
        again = judge(name, other)
        assert again.passed
        assert again.score == pytest.approx(verdict.score, abs=0.02)


@pytest.mark.parametrize("name", SCENES)
def test_standing_about_is_nothing(name):
    assert not judge(name, standing()).passed


@pytest.mark.parametrize("name", SCENES)
def test_unrelated_scenes_fail(name, scenes):
    unrelated = [kind for kind in SCENES if kind != name and name not in RELATED.get(kind, ())]
    seen = [kind for kind in unrelated if judge(name, scenes[kind]).passed]
    assert len(seen) <= 0.1 * len(unrelated), seen


@pytest.mark.parametrize("name", SCENES)
def test_two_people_apart_do_nothing_together(name, scenes):
    apart = scenes[name].copy()
    apart[1] += [20.0, 0.0, 12.0]
    assert not judge(name, apart).passed


def test_half_the_frame_rate_gives_the_same_answer(scenes):
    passed = [judge(name, joints[:, ::2], 15.0).passed for name, joints in scenes.items()]
    assert sum(passed) >= len(passed) - 2


def test_a_verdict_tells_the_figure_that_decided(scenes):
    far = scenes["handshake"].copy()
    far[1, ..., 2] += 0.6
    verdict = judge("handshake", far)
    assert not verdict.passed
    assert "come within 0." in verdict.why
    assert verdict.why.endswith(".")


def test_the_shortest_clips_are_judged():
    for name in MEASURES:
        assert not judge(name, standing()[:, :2]).passed


def test_an_unknown_name_and_a_wrong_shape_are_told():
    with pytest.raises(IntermambaError, match="handshake"):
        judge("hand shake", standing())
    with pytest.raises(IntermambaError, match=r"\(2, frames, 22, 3\)"):
        judge("bow", standing()[0])


def test_related_names_are_measures():
    assert set(RELATED) <= set(MEASURES)
    assert {measure for related in RELATED.values() for measure in related} <= set(MEASURES)


def test_verdicts_combine():
    good, better, bad = at_least(1.2, 1.0, "a {}"), at_most(0.0, 1.0, "b {}"), at_most(1.2, 1.0, "c {}")
    assert all_of(good, better) == good
    assert all_of(good, bad, better) == bad
    assert any_of(bad, good) == good
    assert bad.why == "c 1.20, at most 1."
