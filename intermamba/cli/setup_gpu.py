"""`intermamba setup-gpu`: an environment outside Blender with torch for this computer's GPU.

uv makes it, in a folder of its own: `env` is the environment, and `setup-gpu.json` marks the folder as made here and
tells which steps are done, so that a second run goes on where the first stopped and --remove deletes nothing else.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import IntermambaError
from ..files import atomic_write
from ..worker.environment import environment_folder, environment_python
from ..worker.process import as_typed, clean_environment, command_in
from . import machine
from .console import FailedError
from .machine import Gpu

MARKER = "setup-gpu.json"
PYTHON = "3.12"
PACKAGES = ("numpy>=1.26", "onnxruntime>=1.20", "tokenizers>=0.20", "torch>=2.9", "safetensors>=0.5")
KERNELS = ("causal-conv1d>=1.5", "mamba-ssm>=2.2")
BUILD_TOOLS = ("setuptools", "wheel", "packaging", "ninja")
"""What the kernels' own setup needs where no ready-made wheel fits, as they are built against the torch installed."""
UV_VERSION = (0, 7, 14)
"""The first uv whose --torch-backend=auto knows AMD as well as NVIDIA."""
GET_UV = {"win32": "winget install astral-sh.uv", "darwin": "brew install uv"}
GIGABYTES: dict[Gpu, int] = {"nvidia": 7, "amd": 16, "apple": 1}
"""Roughly what the environment takes. On Linux 5.4 were measured for NVIDIA without kernels; AMD's is a guess."""
TITLES: dict[Gpu, str] = {
    "nvidia": "an NVIDIA GPU (CUDA)",
    "amd": "an AMD GPU (ROCm)",
    "apple": "an Apple GPU (MPS)",
}
Call = Callable[[list[str]], int]


@dataclass(frozen=True)
class Step:
    """Commands that end with 0 when all went well. `otherwise` undoes a step that may fail; without it none may."""

    name: str
    title: str
    commands: list[list[str]]
    otherwise: list[str] | None = None


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `setup-gpu` to the command line."""
    parser = commands.add_parser(
        "setup-gpu", help="make an environment that uses this computer's GPU", description=__doc__
    )
    parser.add_argument("--folder", type=Path, default=environment_folder(), help="default: %(default)s")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    parser.add_argument("--remove", action="store_true", help="delete the environment")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the plan, ask, and carry it out."""
    folder = arguments.folder.expanduser().absolute()
    if arguments.remove:
        return remove(folder, arguments.dry_run, arguments.yes)
    gpu = machine.gpu()
    steps = plan(gpu, sys.platform, folder, find_uv())
    done = read_done(folder)
    print(describe(gpu, folder, steps, done))
    if arguments.dry_run:
        return 0
    check_room(folder, gpu, started=bool(done))
    if not confirmed(arguments.yes, "Go on?"):
        return 0
    carry_out(folder, steps, done, _call)
    python = str(environment_python(folder))
    print()
    if _call(command_in(python, "doctor")):
        raise FailedError("The environment is made, but cannot make motions: see what is broken above.")
    print(f'\nIn Blender: Preferences > Add-ons > InterMamba, engine "GPU Environment", Python:\n{python}')
    return 0


def plan(gpu: Gpu, system: str, folder: Path, uv: str) -> list[Step]:
    """The steps for a kind of GPU and a sys.platform; nothing is run. Raises IntermambaError where a CPU is better."""
    if gpu == "none" or (gpu == "amd" and system != "linux"):
        raise IntermambaError(
            "No GPU that torch can use was found (NVIDIA, AMD with ROCm on Linux, Apple): stay with the CPU engine, "
            "which needs no set-up and makes the bundled model's motions in seconds."
        )
    python = str(environment_python(folder, system))
    install = [uv, "pip", "install", "--python", python]
    # Apple's torch is the ordinary one; the others have a build for each driver, which uv chooses.
    backend = [] if gpu == "apple" else ["--torch-backend", "auto"]
    steps = [
        Step(
            "environment",
            f"An environment with Python {PYTHON}",
            [[uv, "venv", "--quiet", "--python", PYTHON, "--allow-existing", str(folder / "env")]],
        ),
        Step("torch", f"torch for {TITLES[gpu]}, and what runs the model", [[*install, *backend, *PACKAGES]]),
    ]
    if gpu == "nvidia" and system == "linux":
        names = [re.split("[<>=]", package)[0] for package in KERNELS]
        steps.append(
            Step(
                "kernels",
                "Compiled kernels of the scan; where they cannot be had, torch's own operations do the same",
                [
                    [*install, *BUILD_TOOLS],
                    [*install, *backend, "--no-build-isolation", *KERNELS],
                    [
                        python,
                        "-c",
                        "from mamba_ssm.ops import selective_scan_interface; import causal_conv1d",
                    ],
                ],
                otherwise=[uv, "pip", "uninstall", "--python", python, *names],
            )
        )
    return steps


def describe(gpu: Gpu, folder: Path, steps: list[Step], done: dict[str, list[list[str]]]) -> str:
    """The plan in words, with every command."""
    lines = [f"{TITLES[gpu][0].upper()}{TITLES[gpu][1:]} was found. This is made in {folder}:", ""]
    for number, step in enumerate(steps, 1):
        state = " (done)" if _is_done(step, done) else ""
        lines.append(f"{number}. {step.title}{state}")
        lines += [f"     {as_typed(command)}" for command in step.commands]
    lines += [
        "",
        f"It takes roughly {GIGABYTES[gpu]} GB of disk, most of it downloaded. A run that was stopped goes on with the",
        "same command, and --remove deletes it all. The bundled model takes seconds on a CPU already; a GPU is for",
        "larger ones.",
    ]
    return "\n".join(lines)


def carry_out(folder: Path, steps: list[Step], done: dict[str, list[list[str]]], call: Call) -> None:
    """Run what is not done yet and record each step. Raises FailedError at one that fails and must not."""
    write_done(folder, done)
    for number, step in enumerate(steps):
        if _is_done(step, done):
            continue
        for later in steps[number:]:
            done.pop(later.name, None)
        print(f"\n{step.title}", flush=True)
        if not any(call(command) for command in step.commands):
            done[step.name] = step.commands
            write_done(folder, done)
        elif step.otherwise is None:
            raise FailedError(
                f"This step failed, see above: {step.title}. Put it right and run setup-gpu again: it goes on here."
            )
        else:
            call(step.otherwise)
            print("That could not be had here; the environment works without it.", flush=True)


def remove(folder: Path, dry_run: bool, yes: bool) -> int:
    """Delete an environment that was made here, and nothing else."""
    if not (folder / MARKER).is_file():
        raise IntermambaError(f"There is no environment that setup-gpu made in {folder}: nothing is removed.")
    env = folder / "env"
    size = sum(path.lstat().st_size for path in env.rglob("*")) / 1e9
    print(f"{env} is to be deleted: {size:.1f} GB.")
    if dry_run or not confirmed(yes, "Delete it?"):
        return 0
    if env.exists():
        shutil.rmtree(env)
    (folder / MARKER).unlink()  # last, so that what could not be deleted can be tried again
    with suppress(OSError):  # something else was put there
        folder.rmdir()
    print("Deleted.")
    return 0


def read_done(folder: Path) -> dict[str, list[list[str]]]:
    """The steps that are done, and the commands that did them.

    Raises IntermambaError for a folder with something in it that was not made here.
    """
    try:
        return json.loads((folder / MARKER).read_text(encoding="utf-8"))["done"]
    except FileNotFoundError:
        if folder.exists() and any(folder.iterdir()):
            raise IntermambaError(
                f"{folder} is not empty and was not made by setup-gpu: name another with --folder."
            ) from None
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntermambaError(f"{folder / MARKER} cannot be read: delete {folder} and run again.") from error


def write_done(folder: Path, done: dict[str, list[list[str]]]) -> None:
    """Mark the folder as made here, with the steps that are done."""
    with atomic_write(folder / MARKER) as temporary:
        temporary.write_text(json.dumps({"done": done}, indent=1), encoding="utf-8")


def find_uv() -> str:
    """The path of uv. Raises IntermambaError, saying how to get it."""
    uv = shutil.which("uv")
    if not uv:
        how = GET_UV.get(sys.platform, "pipx install uv")
        raise IntermambaError(
            f"uv, which makes the environment, is not installed: run `{how}`, then this again."
        )
    said = subprocess.run([uv, "--version"], capture_output=True, text=True).stdout
    version = tuple(map(int, re.findall(r"\d+", said)[:3]))
    if version < UV_VERSION:
        least = ".".join(map(str, UV_VERSION))
        raise IntermambaError(f"{said.strip() or uv} is too old: {least} is needed; run `uv self update`.")
    return uv


def check_room(folder: Path, gpu: Gpu, started: bool) -> None:
    """Raise IntermambaError where the disk has no room for what is not there yet."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1e9
    if not started and free < GIGABYTES[gpu]:
        raise IntermambaError(
            f"{place} has {free:.1f} GB free and about {GIGABYTES[gpu]} GB are needed: make room, or name a folder "
            "on another disk with --folder."
        )


def confirmed(yes: bool, question: str) -> bool:
    """Whether the user agrees. Raises IntermambaError where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise IntermambaError("Nobody can be asked here: add --yes to agree.")
    return input(f"\n{question} [y/N] ").strip().lower() in ("y", "yes")


def _is_done(step: Step, done: dict[str, list[list[str]]]) -> bool:
    return done.get(step.name) == step.commands


def _call(command: list[str]) -> int:
    return subprocess.call(command, env=clean_environment())
