"""`intermamba doctor`: what works here, what is slow, and why."""

import argparse
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata, util
from typing import Any, Literal

from .. import __version__
from ..bundles.bundle import load_bundle
from ..errors import IntermambaError
from ..worker.process import clean_environment, command_in
from . import machine

REQUIRED = {
    "numpy": "all arithmetic",
    "onnxruntime": "runs the model",
    "tokenizers": "reads the prompt",
}
SMALL_MEMORY = 2e9
PLAIN_SCAN = "the scan runs in torch's own operations, more slowly than by a compiled kernel"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `broken` keeps motions from being made; `absent` is only not installed."""

    state: Literal["ok", "slow", "absent", "broken"]
    text: str


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `doctor` to the command line."""
    parser = commands.add_parser("doctor", help="say what works here and what is slow", description=__doc__)
    parser.add_argument(
        "--python", metavar="PATH", help="look at the environment of that Python instead, such as setup-gpu's"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print all findings and a verdict. Returns 1 when no motion can be made."""
    if arguments.python:
        return _elsewhere(arguments.python)
    broken = False
    for look in (_python, _packages, _model, _torch, _pictures, _computer):
        for finding in look():
            print(f"{finding.state:8}{finding.text}", flush=True)
            broken |= finding.state == "broken"
    print()
    print("Motions cannot be made: repair what is broken above." if broken else "Motions can be made here.")
    return int(broken)


def _elsewhere(python: str) -> int:
    """The same with another Python and its packages, as Blender would run it."""
    try:
        return subprocess.call(command_in(python, "doctor"), env=clean_environment())
    except OSError as error:
        raise IntermambaError(
            f"{python} cannot be run: {error.strerror}. Give the path of a Python."
        ) from error


def _python() -> Iterator[Finding]:
    yield Finding(
        "ok", f"intermamba {__version__} with Python {platform.python_version()} ({sys.executable})"
    )


def _packages() -> Iterator[Finding]:
    for name, purpose in REQUIRED.items():
        try:
            import_module(name)
        except ImportError as error:
            how = f"pip install --force-reinstall {name}"
            yield Finding("broken", f"{name} ({purpose}) cannot be imported: {error}. Run `{how}`.")
        else:
            yield Finding("ok", f"{name} {metadata.version(name)}: {purpose}")


def _model() -> Iterator[Finding]:
    try:
        bundle = load_bundle()
    except IntermambaError as error:
        yield Finding("broken", str(error))
        return
    size = sum(path.stat().st_size for path in bundle.files.values()) / 1e6
    yield Finding(
        "ok", f"model {bundle.name}: {len(bundle.files)} files, {size:.0f} MB, every checksum is right"
    )


def _torch() -> Iterator[Finding]:
    if not util.find_spec("torch"):
        yield Finding(
            "absent",
            'torch: for GPUs and training alone; `intermamba setup-gpu`, or `pip install "intermamba[torch]"`',
        )
        return
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("absent", f"torch is installed but cannot be imported: {error}")
        return
    yield Finding("ok", f"torch {torch.__version__}: for GPUs and training")
    if torch.cuda.is_available():
        yield from _cuda(torch)
    elif torch.backends.mps.is_available():
        yield Finding(
            "slow", f"Apple GPU (MPS): used with --device mps; {PLAIN_SCAN}, and we have not tried it"
        )
    else:
        yield Finding("absent", _why_no_gpu(torch))
    yield _optional("numba", "the scan's CPU kernel for training", "training on the CPU is slow", "torch")


def _cuda(torch: Any) -> Iterator[Finding]:
    """NVIDIA's GPUs, and AMD's, which torch calls cuda too."""
    name = torch.cuda.get_device_name()
    if torch.version.hip:
        yield Finding(
            "slow",
            f"ROCm {torch.version.hip} on {name}: used with --device cuda; {PLAIN_SCAN}, and we have not tried it",
        )
        return
    yield Finding(
        "ok", f"CUDA {torch.version.cuda} on {name}: motions are made there unless --device says otherwise"
    )
    yield _optional("mamba_ssm", "the scan's CUDA kernel", PLAIN_SCAN, "cuda")
    yield _optional(
        "causal_conv1d", "the convolution's CUDA kernel", "torch's own is used, a little slower", "cuda"
    )


def _why_no_gpu(torch: Any) -> str:
    """What stands between torch and a GPU, as far as can be seen."""
    kind = machine.gpu()
    built = "CUDA" if torch.version.cuda else "ROCm" if torch.version.hip else ""
    on_cpu = "motions are made on the CPU, which is fast enough"
    if kind == "none":
        return f"GPU: none that torch can use; {on_cpu}"
    if kind == "nvidia" and built != "CUDA":
        return f"GPU: NVIDIA's driver is here, but torch was built without CUDA: `intermamba setup-gpu`; {on_cpu}"
    if kind == "amd" and built != "ROCm":
        return f"GPU: AMD's ROCm is here, but torch was built without it: `intermamba setup-gpu`; {on_cpu}"
    return f"GPU: one is here, but torch cannot use it: its driver may be too old for it; {on_cpu}"


def _optional(name: str, purpose: str, without: str, extra: str) -> Finding:
    """A package that makes something fast. One that is installed is imported: it may not fit the torch beside it."""
    if not util.find_spec(name):
        return Finding("slow", f'{name} is not installed: {without}; `pip install "intermamba[{extra}]"`')
    try:
        import_module(name)
    except (ImportError, OSError) as error:
        return Finding("broken", f"{name} cannot be imported: {error}. Run `pip uninstall {name}`.")
    return Finding("ok", f"{name}: {purpose}")


def _pictures() -> Iterator[Finding]:
    try:
        from ..render import video

        yield Finding("ok", f"pillow {metadata.version('pillow')}: contact sheets and .gif")
        yield Finding("ok", f"ffmpeg at {video.find_ffmpeg()}: .mp4")
    except IntermambaError as error:
        yield Finding("absent", str(error))


def _computer() -> Iterator[Finding]:
    few = machine.cores() < 2
    yield Finding(
        "slow" if few else "ok",
        machine.description() + ("; with one core sampling takes about twice as long" if few else ""),
    )
    if machine.memory() < SMALL_MEMORY:
        yield Finding("slow", "Less than 2 GB of memory: close other programs, and make short motions.")
