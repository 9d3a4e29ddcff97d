"""`intermamba bench`: how long motions take on this computer."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

from .. import __version__
from ..engines.base import Engine, Request, load_engine
from ..errors import IntermambaError
from ..files import atomic_write
from . import machine
from .console import FailedError, Progress
from .generate import add_engine_options, check_output

LENGTHS = (60, 120, 210, 300)
COLD_FRAMES = 210
PROMPT = "Two people dance salsa"


@dataclass(frozen=True)
class Row:
    """One measurement: seconds from request to motion, milliseconds of a sampling step."""

    what: str
    frames: int
    seconds: float
    step_ms: float | None = None


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `bench` to the command line."""
    parser = commands.add_parser("bench", help="measure how long motions take here", description=__doc__)
    add_engine_options(parser)
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of each, the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print a Markdown table."""
    if not 1 <= arguments.repeat <= 100:
        raise IntermambaError(f"Ask for 1 to 100 runs; {arguments.repeat} was given.")
    if arguments.json:
        check_output(arguments.json, (".json",))
    progress = Progress()
    try:
        progress.show("loading the model")
        engine = load_engine(arguments.model, arguments.device)
        rows = [_cold(arguments, progress)]
        lengths = sorted({min(frames, engine.bundle.max_frames) for frames in LENGTHS})
        rows += [_warm(engine, frames, arguments.repeat, progress) for frames in lengths]
    finally:
        progress.clear()
    report = _facts(engine) | {"rows": [asdict(row) for row in rows], "peak_memory": machine.peak_memory()}
    print(table(report))
    if arguments.json:
        with atomic_write(arguments.json) as temporary:
            temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def _cold(arguments: argparse.Namespace, progress: Progress) -> Row:
    """From the command line to a motion file, in a process of its own; the median of the runs."""
    times = []
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "intermamba", "generate", PROMPT, "--frames", str(COLD_FRAMES)]
        command += ["--device", arguments.device, "-o", str(Path(folder) / "motion.npz")]
        command += ["--model", arguments.model] if arguments.model else []
        for repeat in range(arguments.repeat):
            progress.show("cold start", repeat, arguments.repeat)
            began = time.perf_counter()
            done = subprocess.run(
                command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
            )
            times.append(time.perf_counter() - began)
            if done.returncode:
                raise FailedError(f"The cold start failed: {done.stderr.strip()}")
    return Row("cold start to motion file", COLD_FRAMES, statistics.median(times))


def _warm(engine: Engine, frames: int, repeat: int, progress: Progress) -> Row:
    """With everything loaded; one run more, before those that count, fills the caches."""
    times, steps = [], []
    for run_number in range(-1, repeat):
        progress.show(f"{frames} frames", max(run_number, 0), repeat)
        ticks: list[float] = []
        began = time.perf_counter()
        engine.sample(
            Request(prompt=PROMPT, frames=frames), lambda step, t=ticks: t.append(time.perf_counter())
        )
        if run_number >= 0:
            times.append(time.perf_counter() - began)
            steps += [after - before for before, after in pairwise(ticks)]
    return Row("warm", frames, statistics.median(times), 1000 * statistics.median(steps) if steps else None)


def _facts(engine: Engine) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "machine": machine.description(),
        "intermamba": __version__,
        "python": platform.python_version(),
        "onnxruntime": metadata.version("onnxruntime"),
        "model": engine.bundle.name,
        "engine": engine.name,
        **engine.bundle.defaults,
    }


def table(report: dict[str, Any]) -> str:
    """The report in Markdown."""
    lines = [
        f"{report['model']} by {report['engine']}, {report['steps']} steps of {report['sampler']}, on "
        f"{report['machine']}; intermamba {report['intermamba']}, Python {report['python']}, "
        f"onnxruntime {report['onnxruntime']}; {report['date']}.",
        "",
        "| what | frames | seconds | ms per step |",
        "|---|---:|---:|---:|",
    ]
    for row in report["rows"]:
        step = "" if row["step_ms"] is None else f"{row['step_ms']:.1f}"
        lines.append(f"| {row['what']} | {row['frames']} | {row['seconds']:.2f} | {step} |")
    lines += ["", f"Peak memory: {report['peak_memory'] / 1e6:.0f} MB."]
    return "\n".join(lines)
