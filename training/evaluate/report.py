"""An evaluation as Markdown, as JSON and as plots."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from intermamba.files import atomic_write

from . import paper
from .protocol import COLUMNS, Protocol, Row
from .quality import CONTACT, Figures, table


@dataclass
class Evaluation:
    """All that was found. `rows` are those of the scores, by name: the real one first, then the model's."""

    dataset: str
    model: str
    settings: dict[str, Any]
    """What tells this evaluation from others: evaluator, numbers of motions, protocol."""
    notes: list[str] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    made: Figures = field(default_factory=dict)
    real: Figures = field(default_factory=dict)


def write(evaluation: Evaluation, folder: Path) -> str:
    """Write evaluation.md, evaluation.json and the plots into `folder`; give the Markdown."""
    text = markdown(evaluation)
    for name, content in (
        ("evaluation.md", text),
        ("evaluation.json", json.dumps(asdict(evaluation), indent=2)),
    ):
        with atomic_write(folder / name) as temporary:
            temporary.write_text(content + "\n", encoding="utf-8", newline="\n")
    if evaluation.rows:
        plot_scores(evaluation, folder / "scores.png")
    plot_quality(evaluation, folder / "quality.png")
    return text


def markdown(evaluation: Evaluation) -> str:
    """The paper's table with our rows in it, then what its metrics do not see."""
    parts = []
    if evaluation.rows:
        printed = paper.rows(evaluation.dataset)
        title = paper.TITLES.get(evaluation.dataset, "Scores")
        notes = [paper.REMARKS[evaluation.dataset]] if printed else []
        parts += [f"## {title}", scores_table(printed, evaluation.rows)]
        parts += ["\n".join(f"- {note}" for note in [*notes, *evaluation.notes])]
    counts = {name: len(values) for name, values in evaluation.made.items()}
    parts += [
        "## What these scores do not see" if evaluation.rows else "## Measures",
        table(evaluation.made, evaluation.real),
        f"{max(counts.values(), default=0)} generated motions, {counts.get(CONTACT, 0)} of them with captions that "
        f"speak of contact; {max(map(len, evaluation.real.values()), default=0)} real ones.",
    ]
    return "\n\n".join(part for part in parts if part)


def scores_table(printed: Mapping[str, Row], ours: Mapping[str, Row]) -> str:
    """Markdown: a row for each method, the printed ones first."""
    arrows = ("↑", "↑", "↑", "↓", "↓", "→", "↑")
    head = [f"{name} {arrow}" for name, arrow in zip(COLUMNS, arrows, strict=True)]
    lines = ["| method | " + " | ".join(head) + " |", "|---|" + "---|" * len(COLUMNS)]
    for rows, mark in ((printed, ""), (ours, "**")):
        for method, row in rows.items():
            cells = [str(row[name]) if name in row else "-" for name in COLUMNS]
            lines.append(f"| {mark}{method}{mark} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def deviations(protocol: Protocol, full: Protocol) -> list[str]:
    """A sentence for every setting that is not the protocol's."""
    pairs = ((name, getattr(protocol, name), wanted) for name, wanted in vars(full).items())
    return [
        f"{name} {value} instead of the protocol's {wanted}."
        for name, value, wanted in pairs
        if value != wanted
    ]


def plot_scores(evaluation: Evaluation, path: Path) -> None:
    """FID against R-precision top 1, ours and the paper's, with their intervals; up and left is better."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for rows, style in ((paper.rows(evaluation.dataset), "o"), (evaluation.rows, "*")):
        for method, row in rows.items():
            x, y = row["FID"], row["R top 1"]
            ours = style == "*"
            axes.errorbar(
                x.mean, y.mean, y.half, x.half, fmt=style, markersize=12 if ours else 6,
                color="tab:red" if ours else "tab:blue",
            )  # fmt: skip
            axes.annotate(method, (x.mean, y.mean), xytext=(6, 4), textcoords="offset points", fontsize=8)
    axes.set(xlabel="FID", ylabel="R-precision, top 1", title=paper.TITLES.get(evaluation.dataset, ""))
    axes.margins(0.15)
    axes.set_xscale("symlog", linthresh=1)
    axes.grid(visible=True, alpha=0.2)
    _save(figure, path)


def plot_quality(evaluation: Evaluation, path: Path) -> None:
    """The spread of every measure, generated beside real."""
    from matplotlib.figure import Figure

    names = [name for name in evaluation.made if name != CONTACT]
    figure = Figure(figsize=(12, 2.6 * -(-len(names) // 4)), layout="constrained")
    panels = np.ravel(figure.subplots(-(-len(names) // 4), 4, squeeze=False))
    for panel, name in zip(panels, names, strict=False):
        values: Sequence[list[float]] = [evaluation.made[name], evaluation.real.get(name, [])]
        panel.boxplot(values, tick_labels=["generated", "real"], showfliers=False)
        panel.set_title(name, fontsize=9)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
