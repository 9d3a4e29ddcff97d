"""`nox -s demo` and `nox -s test` for everyone; `nox -s checks` for those who change the code."""

import hashlib
import json
from pathlib import Path

import nox

PYTHON = "3.11"  # what the bpy modules of Blender 4.2 to 5.0 are built for
BLENDERS = {"4.2": "4.2.23", "4.5": "4.5.15", "5.0": "5.0.1"}
TORCH = "torch==2.13.0"  # one exact version, so that a CPU build in a local wheel folder is taken

nox.options.sessions = ["test"]
nox.options.reuse_existing_virtualenvs = True
nox.options.envdir = ".venv/nox"


def install_once(session: nox.Session, *packages: str) -> None:
    """Install into the session's environment unless just this was installed before: a second run starts at once."""
    wanted = json.dumps([*packages, hashlib.sha256(Path("pyproject.toml").read_bytes()).hexdigest()])
    stamp = Path(session.virtualenv.location) / "installed.json"
    if not stamp.is_file() or stamp.read_text() != wanted:
        session.install("--quiet", *packages)
        stamp.write_text(wanted)


@nox.session(python=PYTHON)
def demo(session: nox.Session) -> None:
    """Two people dance salsa: files in out/."""
    install_once(session, "-e", ".[viz,blender]", f"bpy=={BLENDERS['5.0']}")
    session.run("python", "tools/demo.py", "out", *session.posargs)


@nox.session(python=PYTHON)
def gallery(session: nox.Session) -> None:
    """A clip of every interaction, on one sheet: docs/interactions.png."""
    install_once(session, "-e", ".[viz]")
    session.run("python", "tools/gallery.py", *session.posargs)


@nox.session(python=PYTHON)
def test(session: nox.Session) -> None:
    """All tests: the Python packages here, then the add-on on each Blender."""
    for version in BLENDERS:
        session.notify(f"blender({version})")
    install_once(session, "-e", ".[dev]", TORCH)
    session.run("python", "-m", "pytest", "-q", "--ignore=tests/blender", *session.posargs)


@nox.session(python=PYTHON)
@nox.parametrize("version", [nox.param(version, id=version) for version in BLENDERS])
def blender(session: nox.Session, version: str) -> None:
    """The add-on's tests on one Blender. The package itself is not installed: the zip's test brings its own."""
    packages = ("numpy==1.26.4", "onnxruntime", "tokenizers", "pytest", "pytest-timeout", "hatchling")
    install_once(session, f"bpy=={BLENDERS[version]}", *packages)
    session.run("python", "-m", "pytest", "-q", "tests/blender", *session.posargs)


@nox.session(python=PYTHON)
def checks(session: nox.Session) -> None:
    """Lint, format and types."""
    install_once(session, "-e", ".[dev]", TORCH)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("pyright")
