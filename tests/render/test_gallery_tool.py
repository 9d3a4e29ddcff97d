"""tools/gallery.py with an engine that knows the answer: a strip and a video of each interaction."""

import importlib.util
from pathlib import Path

import pytest

from intermamba.bundles.bundle import Prompt
from intermamba.engines.fake import FakeEngine

FILE = Path(__file__).parents[2] / "tools" / "gallery.py"
PROMPTS = [
    Prompt("Two people bow", 0.6, "bow", "Bow to each other"),
    Prompt("A couple bows", 0.6, "bow", "Bow to each other"),
    Prompt("Two people wave", 0.6, "wave", "Wave hello / goodbye"),
]


@pytest.fixture
def tool(monkeypatch):
    spec = importlib.util.spec_from_file_location("gallery_tool", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "load_engine", lambda *_: FakeEngine())
    monkeypatch.setattr(module, "video", lambda motion, path, **_: path.write_text(motion.prompt))
    return module


def test_all_has_a_strip_and_a_video_of_each_interaction(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "every_prompt", lambda: PROMPTS)
    sheet = tmp_path / "all.png"
    arguments = ["--all", "-o", str(sheet), "--videos", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["gallery.py", *arguments])
    assert tool.main() == 0
    assert "2 interactions" in capsys.readouterr().out
    assert sheet.is_file()
    videos = {path.name: path.read_text() for path in tmp_path.glob("*.mp4")}
    assert videos == {
        "bow_to_each_other.mp4": "Two people bow",
        "wave_hello_goodbye.mp4": "Two people wave",
    }


def test_all_does_not_replace_the_sheet_of_what_is_known(tool, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gallery.py", "--all"])
    with pytest.raises(SystemExit):
        tool.main()
    assert "--all needs -o" in capsys.readouterr().err


def test_every_score_has_prompts_and_a_title_of_its_own(tool):
    titles = {entry.interaction: entry.title for entry in tool.every_prompt()}
    assert len(titles) >= 28
    assert len(set(titles.values())) == len(titles)  # which the videos are named after
