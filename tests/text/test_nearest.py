import numpy as np
import pytest

from intermamba.text.nearest import KnownPhrasings, sentence_embedding

WALK, WAVE, SWIM, BETWEEN = np.eye(4)[0], np.eye(4)[1], np.eye(4)[2], np.array([0.8, 0.0, 0.6, 0.0])


def known(threshold=0.5):
    prompts = ["Two people wave.", "Two people walk side by side."]
    return KnownPhrasings(np.stack([WALK, WAVE]), np.array([1, 0]), SWIM[None], prompts, threshold=threshold)


def test_an_embedding_is_the_mean_of_the_tokens_that_count():
    tokens = np.array([[[3.0, 0.0], [0.0, 4.0], [100.0, 100.0]], [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]])
    mask = np.array([[True, True, False], [True, False, False]])
    np.testing.assert_allclose(sentence_embedding(tokens, mask), [[0.6, 0.8], [0.0, 0.0]])


def test_what_is_known_passes():
    assert known().warning("two people walk", WALK) == ""
    assert known().nearness(np.stack([WALK, SWIM])) == pytest.approx([1.0, -0.5])


def test_what_is_far_is_told_with_the_nearest_known_prompt():
    far = 0.3 * WALK + 0.2 * WAVE + 0.9 * SWIM
    assert known().warning("swim", far) == (
        '"swim" is far from what this model knows; nearest: "Two people walk side by side".'
    )


def test_being_near_a_foreign_example_counts_against_a_prompt():
    without = KnownPhrasings(np.stack([WALK, WAVE]), np.array([1, 0]), np.empty((0, 4)), ["a", "b"])
    assert without.nearness(BETWEEN[None]) == pytest.approx([0.8])
    assert known().nearness(BETWEEN[None]) == pytest.approx([0.8 - 0.5 * 0.6])


def test_a_long_prompt_is_cut():
    sentence = known().warning("swim " * 100, SWIM)
    assert sentence.startswith('"swim swim')
    assert " ..." in sentence
    assert len(sentence) < 160
