import json
import os
import sys

import numpy as np
import pytest

from intermamba import cli
from intermamba.cli import generate
from intermamba.engines.base import Request
from intermamba.engines.fake import FakeEngine
from intermamba.errors import BundleError, IntermambaError
from intermamba.motion.motion import load_motion


@pytest.fixture(autouse=True)
def engine(monkeypatch, tmp_path):
    """A fake engine in place of the bundle's, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(cli.DEBUG, raising=False)
    made = []

    def load(model, device):
        made.append((model, device, FakeEngine()))
        return made[-1][2]

    monkeypatch.setattr(generate, "load_engine", load)
    return made


def run(*arguments):
    """Exit code of `intermamba generate`."""
    try:
        return cli.main(["generate", *arguments])
    except SystemExit as end:
        return end.code


def said(capsys):
    """What was printed on stdout, and on stderr."""
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_the_default_is_one_motion_file(tmp_path, capsys):
    assert run("two people march", "--frames", "20", "--seed", "5", "--steps", "4") == 0
    motion = load_motion(tmp_path / "motion.npz")
    expected = FakeEngine().sample(Request(prompt="two people march", frames=20, seed=5, steps=4))
    np.testing.assert_array_equal(motion.joints, expected.joints)
    assert (motion.seed, motion.prompt, motion.settings["steps"]) == (5, "two people march", 4)
    assert said(capsys) == ("motion.npz\n", "")


def test_every_format_is_written(tmp_path, capsys):
    names = ["a.npz", "deep/b.bvh", "c.png", "e.gif"]
    assert run("march", "--frames", "16", *(word for name in names for word in ("-o", name))) == 0
    out, _ = said(capsys)
    written = [line.replace("\\", "/") for line in out.splitlines()]
    assert written == ["a.npz", "deep/b_a.bvh", "deep/b_b.bvh", "c.png", "e.gif"]
    assert all((tmp_path / name).stat().st_size for name in written)


def test_takes_count_names_and_seeds(tmp_path, capsys):
    assert run("march", "--frames", "16", "--takes", "3", "--seed", "7", "-o", "m.npz") == 0
    assert said(capsys)[0].split() == ["m_1.npz", "m_2.npz", "m_3.npz"]
    assert [load_motion(tmp_path / f"m_{take}.npz").seed for take in (1, 2, 3)] == [7, 8, 9]


def test_a_prompt_that_is_not_known_is_told_once_and_made(tmp_path, capsys):
    assert run("they swim", "--frames", "16", "--takes", "2") == 0
    out, err = said(capsys)
    warning = '"they swim" is far from what this model knows; nearest: "Two people march".'
    assert out.split() == ["motion_1.npz", "motion_2.npz"]
    assert err == f"intermamba: {warning}\n"
    assert load_motion(tmp_path / "motion_2.npz").settings["warning"] == warning


def test_model_and_device_reach_the_engine(engine):
    assert run("march", "--frames", "16", "--model", "mine", "--device", "cpu") == 0
    assert engine[0][:2] == ("mine", "cpu")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["  "], "The prompt is empty"),
        (["march", "--frames", "0"], "0 was given"),
        (["march", "--frames", "100000"], "100000 was given"),
        (["march", "--steps", "0"], "0 was given"),
        (["march", "--guidance", "-1"], "-1.0 was given"),
        (["march", "--takes", "0"], "0 was given"),
        (["march", "-o", "motion.fbx"], "no known ending"),
        (["march", "-o", "motion"], "no known ending"),
        (["march", "-o", "folder.npz"], "is a folder"),
        (["march", "-o", "file/motion.npz"], "not a folder"),
        (["march", "--frames", "many"], "invalid int value"),
        ([], "prompt"),
        (["march", "--device", "abacus"], "abacus"),
    ],
)
def test_bad_input_gets_one_sentence_and_code_2(tmp_path, capsys, monkeypatch, arguments, words):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(FakeEngine, "denoise", lambda *_: pytest.fail("sampled before the check"))
    assert run(*arguments) == 2
    out, err = said(capsys)
    assert out == ""
    assert words in err
    assert err.startswith("intermamba")
    assert err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.npz"]


def test_a_missing_model_is_bad_input(monkeypatch, capsys):
    def missing(model, device):
        raise BundleError("There is no model 'x': give a folder.")

    monkeypatch.setattr(generate, "load_engine", missing)
    assert run("march") == 2
    assert said(capsys)[1] == "intermamba: There is no model 'x': give a folder.\n"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "intermamba: Cancelled."),
        (IntermambaError("The text encoder broke."), 1, "intermamba: The text encoder broke."),
        (ValueError("odd"), 1, "intermamba: ValueError: odd (set INTERMAMBA_DEBUG=1 to see where)"),
    ],
)
def test_what_goes_wrong_while_sampling_has_its_exit_code(monkeypatch, tmp_path, capsys, error, code, words):
    def denoise(*_):
        raise error

    monkeypatch.setattr(FakeEngine, "denoise", denoise)
    assert run("march") == code
    assert said(capsys)[1] == words + "\n"
    assert os.listdir(tmp_path) == []
    monkeypatch.setenv(cli.DEBUG, "1")
    if isinstance(error, ValueError):
        with pytest.raises(ValueError, match="odd"):
            run("march")


def test_a_file_that_cannot_be_written_in_the_end_is_a_failure(monkeypatch, capsys):
    def full(path, motion):
        raise IntermambaError("Cannot write motion.npz: No space left on device.")

    monkeypatch.setattr(generate, "save_motion", full)
    assert run("march", "--frames", "16") == 1
    assert "No space left" in said(capsys)[1]


def test_pictures_without_pillow_say_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith(("PIL", "intermamba.render"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("intermamba.render", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert run("march", "-o", "sheet.png") == 2
    assert 'pip install "intermamba[viz]"' in said(capsys)[1]


def test_mp4_without_ffmpeg_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert run("march", "-o", "film.mp4") == 2
    assert 'pip install "intermamba[viz]"' in said(capsys)[1]


def test_progress_is_for_terminals_alone(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run("march", "--frames", "16", "--takes", "2", "-o", "m.gif") == 0
    _, err = said(capsys)
    assert "loading the model" in err
    assert "take 2 of 2, sampling  [" in err
    assert "10/10" in err
    assert "take 1 of 2, m_1.gif" in err
    assert err.endswith("\x1b[K")


def test_the_motion_file_is_plain_data(tmp_path):
    assert run("march", "--frames", "16") == 0
    with np.load(tmp_path / "motion.npz", allow_pickle=False) as file:
        assert json.loads(file["settings"].item())["engine"] == "fake"
