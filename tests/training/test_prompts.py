"""The prompt library, and what tells known prompts from others, with a stand-in for the text encoder."""

import json
from zlib import crc32

import numpy as np
import pytest

from intermamba.bundles.bundle import read_prompts
from intermamba.errors import IntermambaError
from training import prompts as library
from training.prompts import calibrate, embed, foreign_prompts, load_interactions
from training.recipe import release_of

NAMES = ("walk_beside", "wave", "salsa")


class WordEncoder:
    """A token a word, each word a direction of its own."""

    def __init__(self, *_):
        pass

    def encode(self, prompts):
        rows = [[word.strip(".,").lower() for word in prompt.split()] for prompt in prompts]
        mask = np.arange(max(map(len, rows))) < np.array([[len(row)] for row in rows])
        tokens = np.zeros((*mask.shape, 64), np.float32)
        tokens[mask] = [np.random.default_rng(crc32(w.encode())).normal(size=64) for row in rows for w in row]
        return tokens, mask


@pytest.fixture(scope="module")
def interactions():
    return load_interactions(NAMES)


def test_every_released_interaction_has_prompts_and_captions():
    names = release_of("duet-mini").interactions
    known = load_interactions(names)
    assert tuple(interaction.name for interaction in known) == names
    prompts = [prompt for interaction in known for prompt in interaction.prompts]
    assert len(set(prompts)) == len(prompts)
    for interaction in known:
        assert len(interaction.prompts) >= 3
        assert interaction.title
        assert 2 <= interaction.seconds <= 10
        assert len(interaction.captions) >= 14
        assert len(interaction.unseen) >= 6
        assert not set(interaction.captions) & set(interaction.unseen)
        assert "{" not in "".join((*interaction.prompts, *interaction.captions, *interaction.unseen))


def test_reading_is_the_same_every_time(interactions):
    assert load_interactions(NAMES) == interactions


def test_what_has_no_prompts_is_named(tmp_path):
    (tmp_path / "prompts.toml").write_text("[wave]\nprompts = ['Two people wave']\n")
    with pytest.raises(IntermambaError, match=r"has no \[bow\]"):
        load_interactions(["wave", "bow"], tmp_path / "prompts.toml")


def test_foreign_prompts_that_measure_are_not_shown_to_the_bundle():
    examples, held_out = foreign_prompts()
    assert len(held_out) >= 60
    assert not {text.lower() for text in examples} & {text.lower() for text in held_out}


def test_calibration_accepts_what_training_never_saw(interactions):
    encoder = WordEncoder()
    known, report = calibrate(interactions, encoder)
    unseen = [phrase for interaction in interactions for phrase in interaction.unseen]
    foreign = foreign_prompts()[1]

    def share_warned(texts):
        return np.mean([bool(known.warning(text, embed([text], encoder)[0])) for text in texts])

    assert share_warned(unseen) <= 0.02
    assert report["accepted"] == pytest.approx(1 - share_warned(unseen), abs=0.001)
    assert report["caught"] == pytest.approx(share_warned(foreign), abs=0.001)
    assert share_warned(foreign) > 5 * share_warned(unseen)
    assert (report["unseen"], report["foreign"]) == (len(set(unseen)), len(foreign))


def test_an_offered_prompt_is_its_own_nearest(interactions):
    encoder = WordEncoder()
    known, _ = calibrate(interactions, encoder)
    for interaction in interactions:
        (embedding,) = embed(interaction.prompts[:1], encoder)
        assert known.prompts[known.shown[(known.known @ embedding).argmax()]] == interaction.prompts[0]


def test_a_bundle_stays_small(interactions, monkeypatch):
    monkeypatch.setattr(library, "MOST_KNOWN", 30)
    known, _ = calibrate(interactions, WordEncoder())
    assert len(known.known) == len(known.shown) == 30
    owners = [known.prompts[k] for k in known.shown]
    for interaction in interactions:
        assert sum(owner in interaction.prompts for owner in owners) == 10


def test_export_writes_prompts_and_what_warns(interactions, monkeypatch, tmp_path, capsys):
    export = pytest.importorskip("training.export")
    monkeypatch.setattr(export, "TextEncoder", WordEncoder)
    config = export.write_prompts(tmp_path, interactions)
    assert config["nearest"]["threshold"] > 0
    assert (tmp_path / "known.npz").stat().st_size < 1e6
    assert read_prompts(tmp_path) == [
        entry for interaction in interactions for entry in interaction.entries()
    ]
    assert set(json.loads((tmp_path / "prompts.json").read_text())[0]) == {
        "prompt",
        "seconds",
        "interaction",
        "title",
    }
    assert "unseen phrasings are accepted" in capsys.readouterr().out
    assert export.write_prompts(tmp_path, []) == {}
    assert not (tmp_path / "known.npz").exists()
