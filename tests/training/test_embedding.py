"""What an evaluator sees of clips and motions, and that it embeds each once."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dataclasses import replace  # noqa: E402

from tests.clips import synthetic_pair  # noqa: E402
from training.data.batches import crop_features  # noqa: E402
from training.data.clips import Clip, Segment  # noqa: E402
from training.evaluate.embedding import (  # noqa: E402
    CaptionTokens,
    InterCLIPJudge,
    View,
    stretch_of,
    stretches,
)
from training.evaluate.interclip import InterCLIP  # noqa: E402

from .test_interclip import WordVectors, tiny  # noqa: E402


def clip(frames, captions=(), segments=()):
    motion = synthetic_pair(40)
    tiles = -(-frames // 40)
    joints, rotations = (np.tile(x, (1, tiles, 1, 1))[:, :frames] for x in (motion.joints, motion.rotations))
    good = np.ones(frames, bool)
    return Clip("clip", joints, rotations, motion.rest, good, captions, segments)


def lengths(found):
    return [(s.frames, s.captions) for s in found]


@pytest.fixture
def judge():
    torch.manual_seed(0)
    return InterCLIPJudge(InterCLIP(tiny()), CaptionTokens(WordVectors()))


def test_a_short_clip_is_one_stretch_with_all_that_is_said_of_it():
    segment = Segment(10, 40, ("They bow.",))
    assert lengths(stretches([clip(60, ("Two people.",), (segment,))])) == [
        (60, ("Two people.", "They bow."))
    ]
    assert lengths(stretches([clip(60, (), (segment,))])) == [(60, ("They bow.",))]


def test_a_long_clip_is_its_segments_or_else_whole():
    segments = (Segment(0, 50, ("They bow.",)), Segment(60, 400, ("They dance.",)), Segment(5, 9, ("No.",)))
    assert lengths(stretches([clip(420, ("Two people.",), segments)])) == [
        (50, ("They bow.",)), (300, ("They dance.",)),
    ]  # fmt: skip
    assert lengths(stretches([clip(620, ("Two people.",))])) == [(620, ("Two people.",))]


@pytest.mark.parametrize("own_floor", [False, True])
def test_features_are_those_of_the_generators_crops(own_floor):
    source = replace(clip(60, ("They dance.",)), own_floor=own_floor)
    (stretch,) = stretches([source])
    found = stretch.features(7, 31, swap=True)
    np.testing.assert_array_equal(found, crop_features(source, 7, 30, swap=True))


def test_views_of_any_length_are_embedded_in_either_order_as_if_alone(judge):
    some = stretches([clip(60, ("Two people dance.",)), clip(33, ("They dance.",))])
    views = [View(some[0], 0, 60), View(some[0], 0, 60, swap=True), View(some[1], 2, 30)]
    found = judge.motions(views)
    alone = InterCLIPJudge(judge.model, judge.tokens).motions(views[2:])
    np.testing.assert_allclose(found[2:], alone, atol=1e-5)
    features = torch.from_numpy(some[0].features(0, 60, swap=True))[None]
    expected = judge.model.encode_motion(features, torch.ones(1, 59, dtype=torch.bool))[0]
    np.testing.assert_allclose(found[1], expected.detach(), atol=1e-5)
    assert not np.allclose(found[0], found[1], atol=1e-4)


def test_unsound_frames_are_not_seen(judge):
    [sound] = stretches([clip(40, ("They dance.",))])
    sound.good[20:24] = False
    before = judge.embed([View(sound, 5, 33)])
    sound.rotations[0, 21:23] = [1, 0, 0, 0]
    after = judge.embed([View(sound, 5, 33)])
    np.testing.assert_allclose([*after.values()], [*before.values()], atol=1e-6)


def test_views_and_captions_are_embedded_once(judge, monkeypatch):
    (stretch,) = stretches([clip(40, ("They dance.",))])
    judge.motions([View(stretch, 0, 40), View(stretch, 0, 40)])
    judge.texts(["They dance."])
    for name in ("embed_motions", "embed_texts"):
        monkeypatch.setattr(judge, name, None)
    assert judge.motions([View(stretch, 0, 40)]).shape == (1, 4)
    assert judge.texts(["They dance.", "They dance."]).shape == (2, 4)


def test_a_caption_is_encoded_once():
    encoder, asked = WordVectors(), []
    tokens = CaptionTokens(
        SimpleNamespace(encode=lambda prompts: asked.append(prompts) or encoder.encode(prompts))
    )
    features, mask = tokens(["they bow", "two people bow", "they bow"])
    tokens(["they bow"])
    assert asked == [["they bow"], ["two people bow"]]
    np.testing.assert_allclose(features[0, :2], encoder.encode(["they bow"])[0][0], atol=2e-3)
    assert mask.sum(1).tolist() == [2, 3, 2]


def test_a_generated_motion_is_seen_at_30_frames_a_second_and_300_of_them(judge):
    motion = synthetic_pair(41)
    motion.fps = 60.0
    assert stretch_of(motion).frames == pytest.approx(20, abs=1)
    assert judge.view(synthetic_pair(320), None).frames == 300


def test_a_generated_motion_stands_on_a_floor_like_that_of_the_real_one(judge):
    released = replace(clip(40, ("They dance.",)), own_floor=True)
    (real,) = stretches([released])
    assert judge.view(synthetic_pair(30), real).footage.own_floor
    assert not judge.view(synthetic_pair(30), None).footage.own_floor
