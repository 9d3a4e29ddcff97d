"""Generated beside real motion: what is embedded, what is drawn, and the table."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from intermamba.errors import IntermambaError  # noqa: E402
from intermamba.motion.motion import save_motion  # noqa: E402
from tests.clips import synthetic_pair  # noqa: E402
from training.data.clips import Clip, Segment  # noqa: E402
from training.evaluate.embedding import CaptionTokens, Embedded, embed, stretch_of, stretches  # noqa: E402
from training.evaluate.interclip import InterCLIP  # noqa: E402
from training.evaluate.text_motion import (  # noqa: E402
    draw_requests,
    make_motions,
    markdown,
    measure,
    read_motions,
)

from .test_interclip import WordVectors, tiny  # noqa: E402


def clip(frames, captions=(), segments=()):
    motion = synthetic_pair(40)
    tiles = -(-frames // 40)
    joints, rotations = (np.tile(x, (1, tiles, 1, 1))[:, :frames] for x in (motion.joints, motion.rotations))
    good = np.ones(frames, bool)
    return Clip("clip", joints, rotations, motion.rest, good, captions, segments)


def lengths(found):
    return [(s.joints.shape[1], s.captions) for s in found]


def test_a_short_clip_is_one_stretch_with_all_that_is_said_of_it():
    segment = Segment(10, 40, ("They bow.",))
    assert lengths(stretches([clip(60, ("Two people.",), (segment,))])) == [
        (60, ("Two people.", "They bow."))
    ]
    assert lengths(stretches([clip(60, (), (segment,))])) == [(60, ("They bow.",))]


def test_a_long_clip_is_its_segments_or_else_windows():
    segments = (Segment(0, 50, ("They bow.",)), Segment(60, 400, ("They dance.",)), Segment(5, 9, ("No.",)))
    assert lengths(stretches([clip(420, ("Two people.",), segments)])) == [
        (50, ("They bow.",)), (301, ("They dance.",)),
    ]  # fmt: skip
    assert lengths(stretches([clip(620, ("Two people.",))])) == [(301, ("Two people.",))] * 2


def test_motions_of_any_length_are_embedded_in_both_orders_as_if_alone():
    torch.manual_seed(0)
    model, tokens = InterCLIP(tiny()), CaptionTokens(WordVectors())
    some = stretches([clip(60, ("Two people dance.", "They dance.")), clip(33, ("They dance.",))])
    found = embed(model, tokens, some)
    assert found.motions.shape == (2, 2, 4)
    assert sorted(found.texts) == ["They dance.", "Two people dance."]
    alone = embed(model, tokens, some[1:])
    np.testing.assert_allclose(found.motions[1:], alone.motions, atol=1e-5)
    features = torch.from_numpy(some[0].features(swap=True))[None]
    expected = model.encode_motion(features, torch.ones(1, 59, dtype=torch.bool))[0]
    np.testing.assert_allclose(found.motions[0, 1], expected.detach(), atol=1e-5)
    assert not np.allclose(found.motions[0, 0], found.motions[0, 1], atol=1e-4)


def test_unsound_frames_are_not_seen():
    torch.manual_seed(0)
    model, tokens = InterCLIP(tiny()), CaptionTokens(WordVectors())
    [sound] = stretches([clip(40, ("They dance.",))])
    sound.good[20:24] = False
    before = embed(model, tokens, [sound]).motions
    sound.rotations[0, 21:23] = [1, 0, 0, 0]
    np.testing.assert_allclose(embed(model, tokens, [sound]).motions, before, atol=1e-6)


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


def embedded(rng, spread=0.3, count=60, repeats=1):
    texts = {f"caption {i}": rng.normal(size=6) for i in range(count)}
    captions = [(caption,) for caption in texts for _ in range(repeats)]
    centres = np.stack([texts[options[0]] for options in captions])
    motions = centres[:, None] + spread * rng.normal(size=(len(captions), 2, 6))
    return Embedded(motions, captions, texts)


def test_motion_as_good_as_the_real_one_scores_alike_and_noise_scores_worse():
    rng = np.random.default_rng(0)
    real, alike, noise = embedded(rng), embedded(rng), embedded(rng, spread=3.0)
    table = measure(real, alike, pool=16, replications=5)
    assert table["generated"]["R-precision top 3"].mean > 0.95
    assert table["generated"]["FID"].mean < 3 * table["real"]["FID"].mean
    worse = measure(real, noise, pool=16, replications=5)
    assert worse["real"] == table["real"]
    assert worse["generated"]["R-precision top 3"].mean < 0.7
    for name in ("FID", "MM dist", "diversity"):
        assert worse["generated"][name].mean > 2 * table["generated"][name].mean


def test_motions_equal_to_the_real_ones_have_a_real_fid():
    rng = np.random.default_rng(1)
    real = embedded(rng, count=400)
    fid = {kind: row["FID"].mean for kind, row in measure(real, real, 16, 5).items()}
    assert fid["generated"] <= fid["real"] * 1.2


def test_multimodality_needs_captions_with_several_motions():
    rng = np.random.default_rng(2)
    real = embedded(rng)
    assert "multimodality" not in measure(real, embedded(rng), 16, 2)["generated"]
    found = measure(real, embedded(rng, spread=0.5, repeats=4), 16, 10)["generated"]["multimodality"].mean
    apart = 0.5 * np.linalg.norm(rng.normal(size=(2000, 6)) - rng.normal(size=(2000, 6)), axis=1).mean()
    assert found == pytest.approx(apart, rel=0.1)


def test_the_table_has_a_row_for_each_score_and_the_real_one_beside_it():
    rng = np.random.default_rng(3)
    real = embedded(rng)
    lines = markdown(measure(real, embedded(rng, repeats=2), 16, 2), 60, 120, 16).splitlines()
    assert lines[0].startswith("120 generated motions beside 60 real ones; pools of 16")
    names = [line.split("|")[1].strip() for line in lines[4:]]
    assert names == [
        *(f"R-precision top {k}" for k in (1, 2, 3)),
        "MM dist",
        "FID",
        "diversity",
        "multimodality",
    ]


def test_requests_take_different_captions_and_the_lengths_of_their_clips():
    real = stretches([clip(60, ("They bow.", "A bow.")), clip(80, ("They dance.",))])
    found = draw_requests(real, 3, 2, np.random.default_rng(0))
    assert sorted({r.prompt for r in found}) == ["A bow.", "They bow.", "They dance."]
    assert all(r.frames == (79 if r.prompt == "They dance." else 59) for r in found)
    assert [r.seed for r in found] == list(range(6))
    assert len(draw_requests(real, 9, 1, np.random.default_rng(0))) == 3


def test_motions_are_made_once_and_found_again(tmp_path):
    made = []

    def sample(request):
        made.append(request.frames)
        motion = synthetic_pair(request.frames, request.seed)
        motion.prompt = request.prompt
        return motion

    engine = SimpleNamespace(bundle=SimpleNamespace(config={"max_frames": 50}), sample=sample)
    requests = draw_requests(stretches([clip(40, ("They bow.",)), clip(70, ("A bow.",))]), 2, 1,
                             np.random.default_rng(0))  # fmt: skip
    first = make_motions(engine, requests, tmp_path)
    again = make_motions(engine, requests, tmp_path)
    assert sorted(made) == [39, 50]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.joints, other.joints)
    assert [m.prompt for m in read_motions(tmp_path / "motions")] == [r.prompt for r in requests]


def test_a_motion_without_a_prompt_is_named(tmp_path):
    motion = synthetic_pair(20)
    motion.prompt = ""
    save_motion(tmp_path / "silent.npz", motion)
    with pytest.raises(IntermambaError, match=r"silent\.npz carries no prompt"):
        read_motions(tmp_path)
    with pytest.raises(IntermambaError, match="holds 0 motion files"):
        read_motions(tmp_path / "empty")


def test_a_generated_motion_is_measured_at_30_frames_a_second():
    motion = synthetic_pair(41)
    motion.fps = 60.0
    assert stretch_of(motion).joints.shape[1] == pytest.approx(20, abs=1)
