import dataclasses
import json

import pytest

from intermamba.bundles import bundle as bundles
from intermamba.bundles.bundle import Prompt
from intermamba.engines import base
from intermamba.engines.fake import FakeEngine
from intermamba.errors import IntermambaError
from intermamba.model.config import ModelConfig
from training import model_card as cards
from training.model_card import draw_failures, model_card, read_success, write_card
from training.recipe import Failure, Release
from training.sources import ALL

FAILURE = Failure("Hands miss in a handshake.", "Two people shake hands", 2.0, 3)
RELEASE = Release(description="", licence="", training_data="", failures=(FAILURE,))
CONFIG = {
    "name": "duet-mini",
    "version": "2",
    "description": "Two people meet.",
    "model": dataclasses.asdict(ModelConfig()),
    "fps": 30,
    "max_frames": 300,
    "text_encoder": "MiniLM",
    "licence": "CC0-1.0",
    "acknowledgement": "Thanks.",
    "training_data": "Captured and composed duets.",
    "sources": [dataclasses.asdict(source) for source in ALL],
    "steps_trained": 5,
    "git_commit": "abcdef",
    "contrast": 0.1,
    "least_distance": 0.4,
    "nearest": {"threshold": 0.3, "unseen": 200, "accepted": 0.98, "foreign": 61, "caught": 0.967},
    "defaults": {"steps": 20, "guidance": 3.5, "sampler": "dpm++"},
}
PROMPTS = [Prompt("Two people wave", 2.5, "wave", "Wave"), Prompt("Waving", 2.5, "wave", "Wave")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A bundle without a card."""
    monkeypatch.setattr(cards, "release_of", lambda name: RELEASE)
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in bundles.REQUIRED:
        (folder / name).write_bytes(b"")
    (folder / "prompts.json").write_text(json.dumps([dataclasses.asdict(entry) for entry in PROMPTS]))
    return folder


def test_the_card_says_what_a_user_may_do_and_expect():
    card = model_card(CONFIG, PROMPTS, [FAILURE], {"failure_1.png"}, "| wave | 19 | 20 | 95% | |")
    for words in (
        "| Wave | Two people wave | 2.5 s |",
        "| wave | 19 | 20 | 95% | |",
        "98.0% pass without a warning",
        "96.7% get one",
        "Hands miss in a handshake.",
        "![Two people shake hands](failure_1.png)",
        'intermamba generate "Two people shake hands" --frames 60 --seed 3',
        "| `accad` | [Open Motion Project](https://accad.osu.edu",
        "may not be resold",
        "python -m training.compose",
        "python -m training.train duet-mini",
    ):
        assert words in card
    assert card.count("## ") == 6


def test_a_card_leaves_out_what_is_not_known():
    config = {key: value for key, value in CONFIG.items() if key not in ("sources", "nearest")}
    card = model_card(config, [], [FAILURE])
    assert [line for line in card.splitlines() if line.startswith("## ")] == [
        "## Known failures",
        "## Data",
        "## Retrain it",
    ]
    assert "failure_1.png" not in card  # it is not drawn yet
    assert "training.compose" not in card


def test_a_written_card_is_among_the_bundles_files(folder):
    for name in ("failure_1.png", "failure_2.png"):
        (folder / name).write_bytes(b"")
    write_card(folder, CONFIG, "| a table |")
    assert "| a table |" in (folder / "MODEL_CARD.md").read_text()
    files = json.loads((folder / "config.json").read_text())["files"]
    assert "MODEL_CARD.md" in files
    assert "failure_1.png" in files
    assert "failure_2.png" not in files  # of a failure that is gone


def test_failures_are_made_and_drawn(folder, monkeypatch):
    pytest.importorskip("PIL")
    monkeypatch.setattr(base, "load_engine", lambda bundle, device: FakeEngine())
    draw_failures(folder, [FAILURE])
    assert (folder / "failure_1.png").read_bytes().startswith(b"\x89PNG")


def test_success_is_read_and_belongs_to_the_model(tmp_path):
    clip = {
        "interaction": "wave",
        "prompt": "p",
        "frames": 60,
        "seed": 0,
        "passed": True,
        "score": 1,
        "why": "",
    }
    path = tmp_path / "success.json"
    path.write_text(json.dumps({"bundle": "duet-mini 2", "config": "x", "clips": [clip]}))
    assert "wave | 1 | 1 | 100%" in read_success(path, "duet-mini 2")
    with pytest.raises(IntermambaError, match="about duet-mini 2, not about duet-mini 3"):
        read_success(path, "duet-mini 3")
    for text in ("", "[]", '{"bundle": "duet-mini 2"}'):
        path.write_text(text)
        with pytest.raises(IntermambaError, match="not a file of training"):
            read_success(path, "duet-mini 2")
