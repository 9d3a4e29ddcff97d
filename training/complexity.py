"""Parameters, multiply-accumulates and time of the models beside each other, as in the paper's Table III:
`python -m training.complexity [--models NAME ...] [--frames N ...] [--device NAME ...] [--repeat N] [-o FOLDER]`.

Prints Markdown; FOLDER gets it too, with the figures as JSON and a plot. After a stop the same command goes on: times
that FOLDER has of the same model on the same machine are not taken again. One model is in memory at a time.

A clip that is longer than a model's max_frames is measured on a model made for that length: an InterMamba's spatial
branches grow with it, and their linear layer from tokens to tokens costs its square, as attention does, where the scans
cost the length itself.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from intermamba.cli import machine
from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.model.config import ModelConfig, full, light, mini, transformer
from intermamba.model.network import make_network

from .progress import counted

MODELS = {"full": full(), "light": light(), "mini": mini(), "transformer": transformer()}
JSON = "complexity.json"
FRAMES = (60, 120, 210, 300, 600, 1200, 2400)
WORDS = 77
"""Text tokens of a prompt, as CLIP has them."""
TABLE_3 = {"full": (117, 33.53), "light": (66, 14.05), "transformer": (182, 68.33)}
"""The paper's millions of parameters and thousand millions of operations; the transformer is its row InterGen."""
CLIP_IN_TABLE_3 = ("full", "transformer")
"""The rows whose operations contain the frozen text encoder: UltraLight's can only be met without it."""


@dataclass(frozen=True)
class Operations:
    """Multiply-accumulates of one call."""

    dense: int
    """Linear layers, convolutions and layer norms: all that fvcore counts, and with it the paper."""
    attention: int
    """Products of queries with keys and of their weights with values."""
    scan: int
    """The recurrences of the state space models, four for each state of each channel at each step."""


@dataclass(frozen=True)
class Row:
    """One model at one length."""

    model: str
    frames: int
    device: str
    parameters: int
    """All that are trained, the text transformer among them."""
    text_parameters: int
    call: Operations
    """One call of the denoiser for one pair."""
    text: Operations
    """The text transformer, for one prompt."""
    seconds: float | None
    """The median of a guided step, which is a call for two pairs: with the prompt and without; None: not measured."""


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, measure and report."""
    parser = argparse.ArgumentParser(prog="python -m training.complexity", description=__doc__)
    devices = ["cpu"] + ["cuda"] * torch.cuda.is_available()
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--frames", nargs="+", type=int, default=FRAMES, help="lengths of the clip")
    parser.add_argument(
        "--device", nargs="+", default=devices, help="torch devices; all there are if not given"
    )
    parser.add_argument(
        "--repeat", type=int, default=5, help="timed calls of each, the median counts; 0 for none"
    )
    parser.add_argument("-o", "--out", type=Path, help="folder of complexity.md, .json and .png")
    options = parser.parse_args(arguments)
    try:
        if min(options.frames) < 1 or options.repeat < 0:
            raise IntermambaError("Frames must be at least 1, and repeats at least 0.")
        models = {name: MODELS[name] for name in options.models}
        rows = measure(models, sorted(set(options.frames)), options.device, options.repeat, options.out)
        text = markdown(rows)
        print(text)
        if options.out:
            write(rows, text, options.out)
    except IntermambaError as error:
        print(f"complexity: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        way = "the same command goes on" if options.out else "with --out, the same command would go on"
        print(f"complexity: stopped; {way}.", file=sys.stderr)
        return 130
    return 0


def count(call: Callable[[], object]) -> Operations:
    """Give the multiply-accumulates of `call`, which runs modules of the meta device."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operator that hides all others
    try:
        with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=_FORMULAS) as counter:
            call()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
    found = {op: flops // 2 for op, flops in counter.get_flop_counts().get("Global", {}).items()}
    attention, scan = found.pop(torch.ops.aten.bmm, 0), found.pop(torch.ops.intermamba.selective_scan, 0)
    return Operations(sum(found.values()), attention, scan)


def _scan(u: Sequence[int], delta: Sequence[int], A: Sequence[int], *_: Any, **__: Any) -> int:
    batch, channels, length = u  # delta A, decay h, delta u B, C h
    return 2 * 4 * batch * channels * length * A[1]


def _conv(x: Sequence[int], weight: Sequence[int], *_: Any, **__: Any) -> int:
    batch, channels, length = x
    return 2 * batch * channels * length * weight[1]


def _layer_norm(x: Sequence[int], shape: Any, weight: Sequence[int] | None, *_: Any, **__: Any) -> int:
    elements = torch.Size(x).numel()
    return 2 * elements * (4 if weight is None else 5)  # fvcore's own convention


_FORMULAS: dict[Any, Callable[..., int]] = {
    torch.ops.intermamba.selective_scan: _scan,
    torch.ops.intermamba.causal_conv: _conv,
    torch.ops.aten.native_layer_norm: _layer_norm,
}


def count_call(config: ModelConfig, frames: int) -> Operations:
    """Give the operations of one call of the denoiser, for one pair of `frames`."""
    with torch.device("meta"):
        network = make_network(config).eval()
        x = torch.zeros(1, 2, frames, config.features)
        t, cond = torch.zeros(1, dtype=torch.long), torch.zeros(1, config.condition_width)
    return count(lambda: network(x, t, cond))


def count_text(config: ModelConfig) -> Operations:
    """Give the operations of the text transformer for one prompt of WORDS tokens."""
    with torch.device("meta"):
        text = make_network(config).text.eval()
        tokens, mask = torch.zeros(1, WORDS, config.text_width), torch.ones(1, WORDS, dtype=torch.bool)
    return count(lambda: text(tokens, mask))


def count_clip() -> Operations:
    """Give the operations of CLIP ViT-L/14's text tower: 12 layers of width 768 and a LayerNorm."""
    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(
            768, 12, 3072, activation="gelu", batch_first=True, norm_first=True
        )
        tower = nn.TransformerEncoder(layer, 12, nn.LayerNorm(768), enable_nested_tensor=False).eval()
        tokens = torch.zeros(1, WORDS, 768)
    return count(lambda: tower(tokens))


def count_parameters(config: ModelConfig) -> tuple[int, int]:
    """Give the parameters of a network, and of the text transformer in it."""
    with torch.device("meta"):
        network = make_network(config)
    whole, text = (sum(p.numel() for p in module.parameters()) for module in (network, network.text))
    return whole, text


def measure(
    models: Mapping[str, ModelConfig],
    frames: Sequence[int],
    devices: Sequence[str],
    repeat: int,
    out: Path | None = None,
) -> list[Row]:
    """Give the rows of every model at every length on every device; `out` has each as soon as it is timed."""
    known = known_times(out / JSON, devices) if out else {}
    rows: list[Row] = []
    jobs = [(device, name, length) for device in devices for name in models for length in frames]
    for device, name, length in counted(jobs, "models at a length"):
        sized = replace(models[name], max_frames=max(models[name].max_frames, length))
        operations = count_call(sized, length), count_text(sized)
        row = Row(name, length, device, *count_parameters(sized), *operations, seconds=None)
        seconds = known.get(row)
        if repeat and seconds is None:
            seconds = guided_step(sized, length, torch.device(device), repeat)
        rows.append(replace(row, seconds=seconds))
        if out and seconds != known.get(row):
            write_figures(rows, out / JSON)
    return rows


def known_times(path: Path, devices: Sequence[str]) -> dict[Row, float]:
    """The seconds that a report has of these devices as they are, by its rows without them."""
    if not path.is_file():
        return {}
    report = json.loads(path.read_text(encoding="utf-8"))
    same = [name for name in devices if report["devices"].get(name) == describe(name)]
    known = {}
    for row in report["rows"]:
        if row["device"] in same and row["seconds"] and report["torch"] == torch.__version__:
            operations = {name: Operations(**row[name]) for name in ("call", "text")}
            known[Row(**row | operations | {"seconds": None})] = row["seconds"]
    return known


@torch.inference_mode()
def guided_step(config: ModelConfig, frames: int, device: torch.device, repeat: int) -> float:
    """Give the median seconds of a call for two pairs, by a network with random weights."""
    network = make_network(config).eval().to(device)
    x = torch.randn(2, 2, frames, config.features, device=device)
    t, cond = torch.full((2,), 500, device=device), torch.randn(2, config.condition_width, device=device)
    seconds = []
    for _ in range(repeat + 1):  # the first compiles and fills the caches
        began = time.perf_counter()
        network(x, t, cond)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])


def markdown(rows: Sequence[Row]) -> str:
    """The report: Table III at the length next to the paper's 300 frames, then every length."""
    devices = list(dict.fromkeys(row.device for row in rows))
    frames = min({row.frames for row in rows}, key=lambda length: abs(length - 300))
    parts = [
        f"{date.today().isoformat()}; torch {torch.__version__}, Python {platform.python_version()}; "
        + "; ".join(f"{name}: {describe(name)}" for name in devices)
        + ". Random weights, float32.",
        f"## Sizes, at {frames} frames",
        _sizes([row for row in rows if row.frames == frames and row.device == devices[0]]),
        "## Multiply-accumulates of one call, 10⁹, with attention and scans",
        _grid(rows, devices[0], lambda row: f"{sum(asdict(row.call).values()) / 1e9:.2f}"),
    ]
    for name in devices:
        if any(row.seconds for row in rows if row.device == name):
            parts += [f"## Milliseconds of a guided step, {name}"]
            parts += [_grid(rows, name, lambda row: f"{1000 * row.seconds:.1f}" if row.seconds else "")]
    return "\n\n".join(parts) + "\n"


def describe(device: str) -> str:
    """The machine behind a torch device."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{machine.description()}, {torch.get_num_threads()} threads"


def _sizes(rows: Sequence[Row]) -> str:
    clip = count_clip().dense
    lines = [
        "| model | parameters, 10⁶ | paper | of the text transformer, 10⁶ | operations, 10⁹ | with CLIP | paper |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        dense = row.call.dense + row.text.dense
        parameters, operations = TABLE_3.get(row.model, ("", ""))
        cells = [f"{row.parameters / 1e6:.2f}", parameters, f"{row.text_parameters / 1e6:.2f}"]
        cells += [f"{dense / 1e9:.2f}", f"{(dense + clip) / 1e9:.2f}", operations]
        lines.append(f"| {row.model} | " + " | ".join(map(str, cells)) + " |")
    note = (
        f"Operations are counted as in the paper: one call of the denoiser for both people and one prompt of {WORDS}"
        " tokens, multiply-accumulates of linear layers, convolutions and layer norms alone. "
        f"The paper's figures of {' and '.join(CLIP_IN_TABLE_3)} are with CLIP, that of light without it."
    )
    return "\n".join([*lines, "", note])


def _grid(rows: Sequence[Row], device: str, cell: Callable[[Row], str]) -> str:
    """A table of lengths by models."""
    cells = {(row.frames, row.model): cell(row) for row in rows if row.device == device}
    models, frames = list(dict.fromkeys(model for _, model in cells)), sorted({n for n, _ in cells})
    lines = ["| frames | " + " | ".join(models) + " |", "|---:" * (len(models) + 1) + "|"]
    lines += [f"| {n} | " + " | ".join(cells[n, model] for model in models) + " |" for n in frames]
    return "\n".join(lines)


def write(rows: Sequence[Row], text: str, folder: Path) -> None:
    """Write complexity.md, complexity.json and complexity.png."""
    write_figures(rows, folder / JSON)
    with atomic_write(folder / "complexity.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    plot(rows, folder / "complexity.png")


def write_figures(rows: Sequence[Row], path: Path) -> None:
    """Write the rows, and what they were measured on, as JSON."""
    devices = {row.device: describe(row.device) for row in rows}
    report = {"date": date.today().isoformat(), "torch": torch.__version__, "devices": devices}
    report |= {"clip": asdict(count_clip()), "rows": [asdict(row) for row in rows]}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw operations and times against the length, both axes logarithmic, with the slopes of a line and a square."""
    from matplotlib.figure import Figure

    timed = list(dict.fromkeys(row.device for row in rows if row.seconds))
    figure = Figure(figsize=(5 * (len(timed) + 1), 4), layout="constrained")
    panels = figure.subplots(1, len(timed) + 1, squeeze=False)[0]
    counted = [row for row in rows if row.device == rows[0].device]
    _draw(panels[0], counted, lambda row: sum(asdict(row.call).values()) / 1e9)
    panels[0].set_title("multiply-accumulates of a call, 10⁹")
    for panel, device in zip(panels[1:], timed, strict=True):
        _draw(panel, [row for row in rows if row.device == device], lambda row: row.seconds)
        panel.set_title(f"seconds of a guided step, {device}")
    panels[0].legend()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _draw(panel: Any, rows: Sequence[Row], value: Callable[[Row], float | None]) -> None:
    """A curve for each model, and from the last one's beginning what is linear and what is quadratic."""
    begin: tuple[int, float] | None = None
    for model in dict.fromkeys(row.model for row in rows):
        points = [(row.frames, y) for row in rows if row.model == model and (y := value(row)) is not None]
        panel.loglog(*zip(*points, strict=True), marker="o", label=model)
        begin = points[0]
    frames = sorted({row.frames for row in rows})
    for power, style, label in ((1, ":", "linear"), (2, "--", "quadratic")):
        if begin:
            guide = [begin[1] * (length / begin[0]) ** power for length in frames]
            panel.loglog(frames, guide, style, color="grey", linewidth=1, label=label)
    panel.set_xlabel("frames")
    panel.grid(visible=True, which="both", alpha=0.2)


if __name__ == "__main__":
    sys.exit(main())
