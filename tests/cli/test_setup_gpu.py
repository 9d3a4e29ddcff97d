"""setup-gpu: its plan for each system and GPU, and whole runs with a program that pretends to be uv."""

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

from intermamba import cli
from intermamba.cli import machine, setup_gpu
from intermamba.cli.console import FailedError
from intermamba.cli.setup_gpu import KERNELS, PACKAGES, carry_out, plan, read_done
from intermamba.errors import IntermambaError

ROOT = Path(__file__).parents[2]
UV = """#!/bin/sh
echo "$@" >> {log}
case "$1" in
  --version) echo "uv ${{FAKE_VERSION:-0.9.0}}" ;;
  venv) for last; do :; done; mkdir -p "$last/bin"; cp {folder}/python "$last/bin" ;;
  pip) case "$*" in *"$FAKE_FAILS"*) exit 1 ;; esac ;;
esac
"""
PYTHON = """#!/bin/sh
if [ "$1" = -c ]; then exit ${{FAKE_CHECK:-0}}; fi
if [ "$FAKE_DOCTOR" ]; then exit 0; fi
exec {python} "$@"
"""
needs_sh = pytest.mark.skipif(os.name == "nt", reason="the pretended uv is a shell script")


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A pretended uv, first on PATH; gives the lines that it was called with.

    FAKE_FAILS names what it cannot install; its Python cannot import with FAKE_CHECK, and is real without FAKE_DOCTOR.
    """
    log, folder = tmp_path / "uv.log", tmp_path / "bin"
    folder.mkdir()
    (folder / "uv").write_text(UV.format(log=log, folder=folder))
    (folder / "python").write_text(PYTHON.format(python=sys.executable))
    for program in folder.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_FAILS", "nothing")
    monkeypatch.setenv("FAKE_DOCTOR", "1")
    monkeypatch.setattr(machine, "gpu", lambda: "nvidia")
    return lambda: log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "gpu"


def run(folder, *arguments):
    return cli.main(["setup-gpu", "--folder", str(folder), *arguments])


def flat(steps):
    return [" ".join(command) for step in steps for command in step.commands]


@pytest.mark.parametrize(
    ("gpu", "system", "names", "backend"),
    [
        ("nvidia", "linux", ["environment", "torch", "kernels"], True),
        ("nvidia", "win32", ["environment", "torch"], True),
        ("amd", "linux", ["environment", "torch"], True),
        ("apple", "darwin", ["environment", "torch"], False),
    ],
)
def test_the_plan_for_each_gpu(gpu, system, names, backend, folder):
    steps = plan(gpu, system, folder, "uv")
    assert [step.name for step in steps] == names
    python = folder / "env" / ("Scripts/python.exe" if system == "win32" else "bin/python")
    venv, torch = flat(steps)[:2]
    assert venv == f"uv venv --quiet --python 3.12 --allow-existing {folder / 'env'}"
    assert torch.startswith(f"uv pip install --python {python} ")
    assert ("--torch-backend auto" in torch) == backend
    assert "http" not in " ".join(flat(steps))
    assert [step.name for step in steps if step.otherwise] == names[2:]


@pytest.mark.parametrize(("gpu", "system"), [("none", "linux"), ("none", "win32"), ("amd", "win32")])
def test_without_a_gpu_the_cpu_is_the_better_choice(gpu, system, folder):
    with pytest.raises(IntermambaError, match="stay with the CPU engine"):
        plan(gpu, system, folder, "uv")


def test_it_installs_what_the_package_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(PACKAGES) == {*project["dependencies"], *extras["torch"]} - {"numba>=0.61"}  # for CPUs
    assert {*KERNELS, "intermamba[torch]"} == set(extras["cuda"])


@needs_sh
def test_a_dry_run_shows_everything_and_does_nothing(uv, folder, capsys):
    assert run(folder, "--dry-run") == 0
    text = capsys.readouterr().out
    assert "An NVIDIA GPU (CUDA) was found" in text
    assert "--torch-backend auto" in text
    assert "7 GB of disk" in text
    assert uv() == ["--version"]
    assert not folder.exists()


@needs_sh
def test_a_whole_run_ends_with_the_path_for_blender(uv, folder, capfd, monkeypatch):
    monkeypatch.delenv("FAKE_DOCTOR")
    assert run(folder, "--yes") == 0
    text = capfd.readouterr().out
    assert text.splitlines()[-1] == str(folder / "env/bin/python")
    assert "Motions can be made here." in text  # said by doctor, run in the environment
    assert [line.split()[:2] for line in uv()] == [
        ["--version"], ["venv", "--quiet"], ["pip", "install"], ["pip", "install"], ["pip", "install"]
    ]  # fmt: skip
    monkeypatch.setenv("FAKE_DOCTOR", "1")
    assert run(folder, "--yes") == 0
    assert uv()[5:] == ["--version"]  # nothing is done twice


@needs_sh
def test_it_goes_on_where_it_stopped(uv, folder, monkeypatch, capfd):
    monkeypatch.setenv("FAKE_FAILS", "torch>=")
    assert run(folder, "--yes") == 1
    assert "This step failed, see above: torch for" in capfd.readouterr().err
    assert list(read_done(folder)) == ["environment"]
    monkeypatch.setenv("FAKE_FAILS", "nothing")
    before = len(uv())
    assert run(folder, "--yes") == 0
    assert not any(line.startswith("venv") for line in uv()[before:])
    assert list(read_done(folder)) == ["environment", "torch", "kernels"]


@needs_sh
@pytest.mark.parametrize(("name", "value"), [("FAKE_FAILS", "mamba-ssm>="), ("FAKE_CHECK", "1")])
def test_kernels_that_cannot_be_had_are_done_without_and_tried_again(
    uv, folder, monkeypatch, capfd, name, value
):
    monkeypatch.setenv(name, value)
    assert run(folder, "--yes") == 0
    assert "works without it" in capfd.readouterr().out
    assert uv()[-1] == f"pip uninstall --python {folder / 'env/bin/python'} causal-conv1d mamba-ssm"
    assert "kernels" not in read_done(folder)


def test_a_step_whose_commands_changed_is_done_again(folder):
    ran = []
    carry_out(folder, plan("apple", "darwin", folder, "uv"), {}, lambda command: ran.append(command) or 0)
    steps = plan("nvidia", "win32", folder, "uv")
    carry_out(folder, steps, read_done(folder), lambda command: ran.append(command) or 0)
    assert [command[1] for command in ran] == ["venv", "pip", "pip"]
    carry_out(folder, steps, read_done(folder), lambda command: pytest.fail("ran again"))


def test_a_step_that_is_done_again_is_followed_by_all_later_ones(folder):
    ran = []
    steps = plan("apple", "darwin", folder, "uv")
    done = {"environment": [["another"]], "torch": steps[1].commands}
    carry_out(folder, steps, done, lambda command: ran.append(command) or 0)
    assert len(ran) == 2


def test_a_failed_step_is_not_recorded(folder):
    with pytest.raises(FailedError, match="goes on here"):
        carry_out(folder, plan("apple", "darwin", folder, "uv"), {}, lambda command: 1)
    assert read_done(folder) == {}


@needs_sh
def test_nobody_is_surprised(uv, folder, capsys, monkeypatch):
    assert run(folder) == 2  # pytest's stdin is no terminal
    assert "add --yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer in ("", "n"):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert run(folder) == 0
    assert not folder.exists()


@needs_sh
def test_a_full_disk_is_told_before_anything_is_done(uv, folder, capsys, monkeypatch):
    monkeypatch.setitem(setup_gpu.GIGABYTES, "nvidia", 10**9)
    assert run(folder, "--yes") == 2
    assert "are needed: make room" in capsys.readouterr().err
    assert not folder.exists()


@needs_sh
def test_only_what_it_made_is_used_or_removed(uv, folder, capsys):
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    assert run(folder, "--yes") == 2
    assert "not made by setup-gpu" in capsys.readouterr().err
    assert run(folder, "--remove", "--yes") == 2
    assert "nothing is removed" in capsys.readouterr().err
    assert (folder / "thesis.txt").exists()


@needs_sh
def test_removing(uv, folder, capfd):
    run(folder, "--yes")
    (folder / "thesis.txt").write_text("years of work")
    assert run(folder, "--remove", "--dry-run") == 0
    assert (folder / "env").exists()
    assert run(folder, "--remove", "--yes") == 0
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    (folder / "thesis.txt").unlink()
    run(folder, "--yes")
    run(folder, "--remove", "--yes")
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"done"'])
def test_a_damaged_record_is_told(folder, text):
    folder.mkdir()
    (folder / setup_gpu.MARKER).write_text(text)
    with pytest.raises(IntermambaError, match="cannot be read"):
        read_done(folder)


@needs_sh
def test_uv_is_needed_and_not_an_old_one(uv, folder, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_VERSION", "0.7.13")
    assert run(folder, "--dry-run") == 2
    assert "0.7.14 is needed" in capsys.readouterr().err
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert run(folder, "--dry-run") == 2
    assert "uv, which makes the environment, is not installed: run `" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("system", "programs", "kind"),
    [
        ("darwin", {}, "apple"),
        ("linux", {"nvidia-smi": ["GPU 0: NVIDIA RTX"]}, "nvidia"),
        ("win32", {"nvidia-smi": ["GPU 0: NVIDIA RTX"]}, "nvidia"),
        ("linux", {"rocm_agent_enumerator": ["gfx000", "gfx1100"]}, "amd"),
        ("linux", {"rocm_agent_enumerator": ["gfx000"]}, "none"),
        ("win32", {"rocm_agent_enumerator": ["gfx1100"]}, "none"),
        ("linux", {}, "none"),
    ],
)
def test_the_gpu_is_known_by_its_driver(monkeypatch, system, programs, kind):
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr(machine.Path, "exists", lambda _: False)
    monkeypatch.setattr(machine, "_lines", lambda program, *_: programs.get(program, []))
    assert machine.gpu() == kind


def test_programs_that_are_missing_or_fail_say_nothing():
    assert machine._lines("no-such-program") == []
    assert machine._lines(sys.executable, "-c", "print('a'); raise SystemExit(1)") == []
    assert machine._lines(sys.executable, "-c", "print('a')") == ["a"]


def test_the_record_is_json(folder):
    carry_out(folder, [], {}, lambda command: 0)
    assert json.loads((folder / setup_gpu.MARKER).read_text()) == {"done": {}}
