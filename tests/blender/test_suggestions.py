"""What the prompt field offers, read from a bundle without a worker."""

import json

import bpy
import pytest

from blender_addon import jobs, suggestions
from blender_addon.suggestions import known_prompts, matching
from intermamba.bundles.bundle import bundled_folder, read_prompts

ENTRIES = [
    {"prompt": "Two people embrace each other", "seconds": 3.5, "interaction": "embrace", "title": "Hug"},
    {"prompt": "Two people wave hello", "seconds": 2.5, "interaction": "wave", "title": "Wave"},
    {"prompt": "Two people dance salsa", "seconds": 7.0},
]


@pytest.fixture
def model(scene, tmp_path, monkeypatch):
    """A model folder, as far as suggestions look into it, that the preferences name."""
    (tmp_path / "prompts.json").write_text(json.dumps(ENTRIES))
    monkeypatch.setattr(suggestions, "model_folder", lambda: str(tmp_path))
    return tmp_path


def test_words_are_found_anywhere_in_any_order(model):
    assert matching("PEOPLE two wav") == [("Two people wave hello", "2.5 s")]
    assert [prompt for prompt, _ in matching("hug")] == ["Two people embrace each other"]
    assert [prompt for prompt, _ in matching("")] == [entry["prompt"] for entry in ENTRIES]
    assert matching("swim") == []


def test_a_field_that_is_not_changed_yet_offers_everything(model):
    from blender_addon.properties import _suggest

    settings = bpy.context.scene.intermamba
    settings.prompt = "Two people dance salsa"
    assert len(_suggest(settings, bpy.context, "Two people dance salsa")) == 3
    assert len(_suggest(settings, bpy.context, "Two people dance")) == 1


def test_a_suggestion_brings_its_length(model):
    settings = bpy.context.scene.intermamba
    settings.seconds = 9.0
    settings.prompt = "Two people wave at a ship"
    assert settings.seconds == 9.0
    settings.prompt = "Two people wave hello"
    assert settings.seconds == 2.5


def test_any_text_may_be_typed(model):
    settings = bpy.context.scene.intermamba
    settings.prompt = "Something else"
    assert settings.prompt == "Something else"


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_model_that_cannot_be_read_offers_nothing(model, text):
    (model / "prompts.json").write_text(text)
    assert matching("") == []
    bpy.context.scene.intermamba.prompt = "Two people wave hello"


def test_the_bundled_model_is_read_and_no_worker_started(scene):
    assert list(known_prompts().values()) == read_prompts(bundled_folder())
    assert jobs.session._client is None
