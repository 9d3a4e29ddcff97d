"""How the weights of the branches change while a model trains, the paper's Figure 9:
`python -m training.fusion_plot RUN -o PNG`.

RUN is a folder that training writes its curves into.
"""

import argparse
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write

GROUP = "fusion/"
WEIGHTS = {"w_alpha": "w_alpha, of the temporal branch", "w_beta": "w_beta, of the spatial branch"}


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(prog="python -m training.fusion_plot", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="PNG to write")
    options = parser.parse_args(arguments)
    try:
        plot(fusion_curves(options.run), options.out)
    except IntermambaError as error:
        print(f"fusion_plot: {error}", file=sys.stderr)
        return 1
    return 0


def fusion_curves(run: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Give the steps and values of every fusion weight, by its name in the network.

    Raises IntermambaError when the run has none.
    """
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})  # 0 keeps them all
    events.Reload()
    curves = {}
    for tag in events.Tags()["scalars"]:
        if tag.startswith(GROUP):
            points = events.Scalars(tag)
            curves[tag.removeprefix(GROUP)] = [p.step for p in points], [p.value for p in points]
    if not curves:
        raise IntermambaError(
            f"{run} has no curves of fusion weights: give the folder of a run that has saved a checkpoint, "
            "of a model with adaptive fusion."
        )
    return curves


def plot(curves: dict[str, tuple[list[int], list[float]]], path: Path) -> None:
    """Draw the weights of both branches, a line for each ASTM."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, (weight, title) in zip(panels, WEIGHTS.items(), strict=True):
        for name, (steps, values) in sorted(curves.items()):
            if name.endswith(weight):
                panel.plot(steps, values, label=astm_name(name))
        panel.set(title=title, xlabel="step")
        panel.grid(visible=True, alpha=0.2)
    panels[0].legend()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def astm_name(parameter: str) -> str:
    """Say in words what blocks.0.self_astm.1.astm.w_alpha belongs to; roles are the people, in their order."""
    _, block, kind, role, *_ = parameter.split(".")
    return f"block {int(block) + 1}, {kind.removesuffix('_astm')}, role {int(role) + 1}"


if __name__ == "__main__":
    sys.exit(main())
