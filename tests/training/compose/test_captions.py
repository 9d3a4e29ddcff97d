import numpy as np
import pytest

from training.compose.captions import fill, fill_captions
from training.compose.score import load_score

from .troupe import BOW, write_score

GENERAL = ("one person", "the other person")
BOXERS = ("a boxer", "the opponent")


@pytest.mark.parametrize(
    ("template", "pair", "text"),
    [
        ("{one} pushes {other}.", GENERAL, "One person pushes the other person."),
        ("{other} is pushed by {one}.", GENERAL, "One person is pushed by the other person."),
        ("{one} hits {other}, and {one} steps back.", BOXERS, "A boxer hits the opponent, and the boxer steps back."),
        ("{other} sees {one's} fist.", BOXERS, "The opponent sees a boxer's fist."),
        ("{one's} arm is held.", ("someone", "someone else"), "Someone's arm is held."),
        ("{two} bow, then {two} part.", GENERAL, "Two friends bow, then they part."),
        ("a bow between {two}", GENERAL, "a bow between two friends"),
        ("{one} meets {other}; {other} smiles.", ("one woman", "another woman"),
         "One woman meets another woman; the other woman smiles."),
    ],
)  # fmt: skip
def test_a_template_is_filled(template, pair, text):
    assert fill(template, pair, "two friends") == text


def test_captions_are_different_and_complete(tmp_path):
    plan = load_score(write_score(tmp_path, BOW)).draw(np.random.default_rng(0))
    captions = fill_captions(plan, np.random.default_rng(1), 8)
    assert len({caption.rpartition("way ")[2] for caption in captions}) == 8
    assert not any("{" in caption for caption in captions)
    assert all(caption[0].isupper() for caption in captions)


def test_unseen_phrasings_are_apart(tmp_path):
    plan = load_score(write_score(tmp_path, BOW)).draw(np.random.default_rng(0))
    assert all("meet" in c for c in fill_captions(plan, np.random.default_rng(1), 8, unseen=True))
    assert all("greets" in c for c in fill_captions(plan, np.random.default_rng(1), 8))
