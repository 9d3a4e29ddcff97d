"""What the measures answer on clips whose interaction is known: `python -m training.evaluate.confusion FOLDER`.

FOLDER holds clips as training.data.clips reads them, each with its `interaction`; what `handshake` says of pushes is a
row's cell. A measure should accept at least 95 of 100 clips of its own kind and at most 10 of another's, but for those
that may rightly show it (interactions.RELATED).
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from intermamba.errors import IntermambaError
from training.data.clips import Clip, load_clips

from .interactions import MEASURES, RELATED, judge

Rates = dict[str, dict[str, float]]
OWN, UNRELATED = 0.95, 0.10


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.confusion", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--only", nargs="+", default=list(MEASURES), choices=list(MEASURES), metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        clips = [clip for folder in options.folders for clip in load_clips(folder)]
        print(table(confusion(clips, options.only)))
    except IntermambaError as error:
        print(f"confusion: {error}", file=sys.stderr)
        return 1
    return 0


def confusion(clips: Iterable[Clip], measures: Iterable[str] = tuple(MEASURES)) -> Rates:
    """For every measure, the share of the clips of each interaction that it accepts."""
    kinds: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.interaction:
            kinds[clip.interaction].append(clip)
    if not kinds:
        raise IntermambaError("None of these clips says what its interaction is: compose some first.")
    return {
        measure: {
            kind: float(np.mean([judge(measure, clip.joints).passed for clip in group]))
            for kind, group in kinds.items()
        }
        for measure in measures
    }


def table(rates: Rates) -> str:
    """Markdown: each measure's own rate, the mean over unrelated kinds, and those above the bound."""
    lines = ["| measure | own kind | unrelated, mean | above 10 % |", "|---|---|---|---|"]
    for measure, row in rates.items():
        others = {
            kind: rate
            for kind, rate in row.items()
            if kind != measure and measure not in RELATED.get(kind, frozenset())
        }
        wrong = sorted(((rate, kind) for kind, rate in others.items() if rate > UNRELATED), reverse=True)
        own = f"{row[measure]:.0%}" if measure in row else "-"
        named = ", ".join(f"{kind} {rate:.0%}" for rate, kind in wrong)
        mean = f"{np.mean([*others.values()]):.1%}" if others else "-"
        lines.append(f"| {measure} | {own} | {mean} | {named} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
