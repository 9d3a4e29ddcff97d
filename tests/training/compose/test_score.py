import numpy as np
import pytest

from intermamba.errors import IntermambaError
from training.compose.score import Range, load_score, load_scores

from .troupe import BOW, CAPTIONS, SHAKE, WALK, write_score


def test_a_score_is_read_with_its_ranges_and_defaults(tmp_path):
    plan = load_score(write_score(tmp_path, SHAKE)).draw(np.random.default_rng(0))
    assert plan.place is not None
    assert plan.place.distance == Range(0.85, 0.9)
    assert plan.place.heading == Range(180.0, 180.0)
    assert plan.first.fill == ("stand",)
    assert plan.beats() == ["grip", "release"]
    assert plan.touches[0].share is None


def test_a_variant_is_laid_over_the_score(tmp_path):
    text = BOW + '\n[[variant]]\n[[variant]]\nweight = 0.0\nfits = "near"\nplace = { distance = 0.9 }\n'
    score = load_score(write_score(tmp_path, text))
    far, near = score.plans()
    assert far.place is not None
    assert near.place is not None
    assert near.place.distance == Range(0.9, 0.9)
    assert score.variant(far) == score.variant(near) == 0  # in the same words
    assert near.place.bearing == far.place.bearing
    assert all(score.draw(np.random.default_rng(k)).place == far.place for k in range(5))


def test_a_choice_goes_into_phrases_and_captions(tmp_path):
    text = BOW.replace("hold = [0.1, 0.3]", 'side = "{hand}"') + '\n[choose]\nhand = ["left", "right"]\n'
    path = write_score(tmp_path, text)
    path.write_text(path.read_text().replace("way 0", "the {hand}, not the {other_hand}"))
    left, right = load_score(path).plans()
    assert (left.first.phrases[0].side, right.first.phrases[0].side) == ("left", "right")
    assert left.captions[0].endswith("the left, not the right.")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("distance", "distanse", "distanse"),
        ('beat = "bow", delay', 'beat = "nod", delay', "no gap ties"),
        ("[1.4, 1.8]", "[1.8, 1.4]", "a number or"),
        ("hold = [0.1, 0.3]", 'over = "nose"', "is no part"),
        ("[place]", "[walk]\nsecond = { beside = 1.0 }\n[place]", "not both"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, old, new, message):
    with pytest.raises(IntermambaError, match=message):
        load_score(write_score(tmp_path, BOW.replace(old, new)))


def test_a_touch_of_no_point_is_an_error(tmp_path):
    with pytest.raises(IntermambaError, match="right_tail"):
        load_score(write_score(tmp_path, SHAKE.replace('on = "right_hand"', 'on = "right_tail"')))


def test_a_walk_needs_one_relation(tmp_path):
    with pytest.raises(IntermambaError, match="one of beside"):
        load_score(write_score(tmp_path, WALK.replace("beside =", "behind = 1.0, beside =")))


def test_few_captions_are_an_error(tmp_path):
    path = write_score(tmp_path, BOW)
    path.write_text(path.read_text().replace(repr(CAPTIONS), repr(CAPTIONS[:3])))
    with pytest.raises(IntermambaError, match="14 captions"):
        load_score(path)


def test_an_unknown_name_lists_the_known(tmp_path):
    with pytest.raises(IntermambaError, match="no score 'quadrille'"):
        load_scores(["quadrille"])


def test_every_score_of_the_composer_reads():
    assert len({score.name for score in load_scores()}) >= 28


def test_phrasings_beside_a_score_widen_its_captions(tmp_path):
    own = "\n[[variant]]\n[[variant]]\nfits = 'sits'\ncaptions = " + str([f"Seated {n}." for n in range(14)])
    path = write_score(tmp_path, BOW + own)
    (tmp_path / "phrasings").mkdir()
    wider = tmp_path / "phrasings" / path.name
    wider.write_text('captions = ["{two} salute."]\n[variants]\nsits = ["{one} salutes from a chair."]\n')
    stands, sits = load_score(path).plans()
    assert [load_score(path).variant(plan) for plan in (stands, sits)] == [0, 1]
    assert "{two} salute." in stands.captions
    assert "{two} salute." not in sits.captions
    assert "{one} salutes from a chair." in sits.captions
    wider.write_text('[variants]\nlies = ["{one} salutes lying."]\n')
    with pytest.raises(IntermambaError, match=r"no variant with captions of its own fits 'lies'"):
        load_score(path)
    wider.write_text('caption = ["{two} salute."]\n')
    with pytest.raises(IntermambaError, match=r"'caption' is not a key here"):
        load_score(path)


def test_a_score_without_captions_is_told_so_where_phrasings_lie_beside_it(tmp_path):
    path = write_score(tmp_path, 'name = "bow"\nseconds = [2, 4]\n')
    (tmp_path / "phrasings").mkdir()
    (tmp_path / "phrasings" / path.name).write_text('captions = ["{two} salute."]\n')
    with pytest.raises(IntermambaError, match="captions"):
        load_score(path)


def test_no_phrasing_that_training_sees_is_one_that_it_is_judged_by():
    for score in load_scores([]):
        for plan in score.plans():
            assert not set(plan.captions) & set(plan.unseen), score.name
