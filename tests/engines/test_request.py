import pytest

from intermamba.engines.base import Request
from intermamba.engines.fake import FakeEngine
from intermamba.errors import IntermambaError

BUNDLE = FakeEngine().bundle


@pytest.mark.parametrize("prompt", ["", "  \n\t"])
def test_empty_prompts_are_refused(prompt):
    with pytest.raises(IntermambaError, match="prompt is empty"):
        Request(prompt=prompt).validate(BUNDLE)


@pytest.mark.parametrize("frames", [0, -5, 15, 301, 100000, 30.5, "210"])
def test_impossible_lengths_are_told_what_is_possible(frames):
    message = rf"^Ask for 16 to 300 frames \(0\.5 to 10 seconds\); {frames} was given\.$"
    with pytest.raises(IntermambaError, match=message):
        Request(prompt="Hug.", frames=frames).validate(BUNDLE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "1 to 1000 sampling steps; 0 was given"),
        ({"steps": 1001}, "1 to 1000 sampling steps; 1001 was given"),
        ({"steps": 2.5}, "sampling steps"),
        ({"guidance": -1.0}, r"guidance from 0 to 20; -1\.0 was given"),
        ({"guidance": float("nan")}, "guidance from 0 to 20; nan"),
        ({"guidance": float("inf")}, "guidance from 0 to 20; inf"),
        ({"guidance": "3"}, "guidance from 0 to 20"),
        ({"sampler": "euler"}, r"ddim or dpm\+\+ as the sampler; euler was given"),
        ({"seed": -1}, "whole number from 0 as the seed; -1 was given"),
        ({"seed": 2**63}, "as the seed"),
        ({"seed": 0.5}, "as the seed"),
    ],
)
def test_impossible_settings_are_named(settings, message):
    with pytest.raises(IntermambaError, match=message):
        Request(prompt="Hug.", **settings).validate(BUNDLE)


@pytest.mark.parametrize("frames", [16, 300])
def test_the_limits_are_possible(frames):
    Request(prompt="Hug.", frames=frames, steps=1000, guidance=0, seed=2**63 - 1).validate(BUNDLE)


def test_what_is_left_open_comes_from_the_bundle():
    assert Request(prompt="Hug.").settings(BUNDLE) == BUNDLE.defaults
    asked = Request(prompt="Hug.", steps=3, sampler="ddim").settings(BUNDLE)
    assert asked == {**BUNDLE.defaults, "steps": 3, "sampler": "ddim"}
    assert Request(prompt="Hug.", guidance=0).settings(BUNDLE)["guidance"] == 0
