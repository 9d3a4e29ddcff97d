"""Every command that the documents show has a program behind it that takes these arguments."""

import argparse
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("matplotlib")

from training.recipe import load_recipe

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("training/**/README.md")),
]
# An indented line, or one with arguments in a line of text; torchrun's own options are left out.
COMMAND = re.compile(
    r"^    (?:python|torchrun [^\n]*?)[ ]((?:-m )?(?:training|tools)[./].*)$|^    (intermamba .*)$"
    r"|`python[ ]((?:-m )?(?:training|tools)[./][^ `\[]* [^`\[]*)`",
    re.MULTILINE,
)


class ParsedError(Exception):
    """Raised where a program would begin its work."""


def commands(document):
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    return ["".join(filter(None, found)) for found in COMMAND.findall(text)]


def test_they_are_found():
    found = commands(ROOT / "training/README.md")
    assert "-m training.clip_bundle INTERHUMAN/clip clip-text" in found
    assert any(command.startswith("intermamba generate") for command in found)
    assert sum("training.train interhuman-full" in command for command in found) >= 4


@pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_commands_are_understood(document, monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def parse_alone(parser, arguments=None):
        options = parse(parser, arguments)
        if parser.prog == "python -m training.train" and options.recipe != "my-duets":
            load_recipe(options.recipe)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_alone)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    for command in commands(document):
        words = shlex.split(command, comments=True)
        module = words[1] if words[0] == "-m" else words[0]
        monkeypatch.setattr(sys, "argv", [module, *words[1 + (words[0] == "-m") :]])
        run = runpy.run_path if module.endswith(".py") else runpy.run_module
        with pytest.raises(ParsedError):
            run(str(ROOT / module) if module.endswith(".py") else module, run_name="__main__")
