"""`intermamba doctor`: what works here, what is slow, and why."""

import argparse
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata, util
from typing import Literal

from .. import __version__
from ..bundles.bundle import load_bundle
from ..errors import IntermambaError
from . import machine

REQUIRED = {
    "numpy": "all arithmetic",
    "onnxruntime": "runs the model",
    "tokenizers": "reads the prompt",
}
SMALL_MEMORY = 2e9


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `broken` keeps motions from being made; `absent` is only not installed."""

    state: Literal["ok", "slow", "absent", "broken"]
    text: str


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `doctor` to the command line."""
    parser = commands.add_parser("doctor", help="say what works here and what is slow", description=__doc__)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print all findings and a verdict. Returns 1 when no motion can be made."""
    broken = False
    for look in (_python, _packages, _model, _torch, _pictures, _computer):
        for finding in look():
            print(f"{finding.state:8}{finding.text}", flush=True)
            broken |= finding.state == "broken"
    print()
    print("Motions cannot be made: repair what is broken above." if broken else "Motions can be made here.")
    return int(broken)


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
        yield Finding("absent", 'torch: for GPUs and training alone; `pip install "intermamba[torch]"`')
        return
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("absent", f"torch is installed but cannot be imported: {error}")
        return
    yield Finding("ok", f"torch {torch.__version__}: for GPUs and training")
    if torch.cuda.is_available():
        yield Finding("ok", f"CUDA {torch.version.cuda} on {torch.cuda.get_device_name()}")
        yield _optional("mamba_ssm", "ok", "the scan's CUDA kernel", "the scan is slow on the GPU", "cuda")
    else:
        yield Finding(
            "absent", "CUDA: torch finds no NVIDIA GPU; motions are made on the CPU, which is fast enough"
        )
    yield _optional(
        "numba", "ok", "the scan's CPU kernel for training", "training on the CPU is slow", "torch"
    )


def _optional(name: str, state: Literal["ok"], purpose: str, without: str, extra: str) -> Finding:
    if util.find_spec(name):
        return Finding(state, f"{name}: {purpose}")
    return Finding("slow", f'{name} is not installed: {without}; `pip install "intermamba[{extra}]"`')


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
