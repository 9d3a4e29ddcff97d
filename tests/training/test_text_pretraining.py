"""What the text transformer learns of captions alone: which plans of which scores they may describe."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from intermamba.model.config import ModelConfig  # noqa: E402
from intermamba.model.text import TextTransformer  # noqa: E402
from training import text_pretraining  # noqa: E402
from training.compose.score import load_scores  # noqa: E402
from training.text_pretraining import lessons, pretrain_text  # noqa: E402

from .test_prompts import WordEncoder  # noqa: E402


@pytest.fixture(scope="module")
def taught():
    return lessons(load_scores(["bow", "wave", "push"]), WordEncoder().encode)


def test_every_caption_has_shares_of_the_plans_that_it_fits(taught):
    for lesson in taught:
        assert len(lesson.tokens) == len(lesson.plans)
        np.testing.assert_allclose(lesson.plans.sum(1), 1, rtol=1e-6)
    plans = [set(np.flatnonzero(lesson.plans.any(0))) for lesson in taught]
    assert not plans[0] & plans[1]  # no caption of one interaction describes another
    assert not plans[1] & plans[2]
    assert set.union(*plans) == set(range(taught[0].plans.shape[1]))


def test_pretraining_tells_interactions_apart_and_repeats_itself(taught, monkeypatch):
    for name, value in (("BATCH", 16), ("RATE", 5e-3), ("WARMUP", 5)):
        monkeypatch.setattr(text_pretraining, name, value)
    config = ModelConfig(text_width=64, condition_width=32, text_heads=4, text_ff=32, text_layers=1)
    trained = []
    for _ in range(2):
        torch.manual_seed(0)
        text = TextTransformer(config)
        loss = pretrain_text(text, taught, steps=40)
        trained.append((loss, text.in_proj.weight.detach().clone()))
    assert trained[0][0] < np.log(taught[0].plans.shape[1]) - 0.3  # better than chance
    assert torch.equal(trained[0][1], trained[1][1])


def test_words_are_left_out_but_never_the_marks_of_beginning_and_end(taught):
    for seed in range(3):
        tokens, kept, plans = text_pretraining._draw(taught, np.random.default_rng(seed))
        real = tokens.abs().sum(-1) > 0
        rows = torch.arange(len(real))
        assert kept[:, 0].all()
        assert kept[rows, real.sum(1) - 1].all()
        assert not kept[~real].any()
        assert kept.sum() < real.sum()
        assert len(plans) == len(real)
