"""Does an evaluator know good from bad: `python -m training.evaluate.probe --evaluator RUN --data FOLDER [FOLDER ...]`.

FOLDERs hold clips that it was not trained on (or it is the one folder of InterHuman, whose test split is taken). Each
is spoilt in three ways: its frames in random order, the first person's partner taken from another clip, and its middle
frame held. Prints, as Markdown, how often a caption is nearer to its own clip than to the spoilt one (chance is half),
and the scores of each.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.motion.placement import place_pair
from training.train import choose_device

from .datasets import PROTOCOLS, load_split, told
from .embedding import InterCLIPJudge, Judge, Stretch, View, stretches
from .judges import open_judge
from .protocol import Protocol, Row, look, measure_made, random_pass
from .report import scores_table
from .scores import Interval, Scores, replicate

Spoil = Callable[[Stretch, Stretch, np.random.Generator], Stretch]
"""spoil(clip, another clip, generator) -> the clip, spoilt."""


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.probe", description=__doc__)
    parser.add_argument("--evaluator", type=Path, required=True, help="run of train_evaluator, or its file")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="real clips")
    parser.add_argument("--text", type=Path, help="folder of text.onnx; the bundled one without it")
    parser.add_argument("--pool", type=int, help="motions that a text has to choose from")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("-o", "--out", type=Path, metavar="OUT.md", help="write the table there too")
    options = parser.parse_args(arguments)
    try:
        dataset = told(options.data)
        judge = open_judge(options.evaluator, options.data[0], choose_device(options.device), options.text)
        if not isinstance(judge, InterCLIPJudge):
            raise IntermambaError("Only evaluators of the kind small or interclip can be probed.")
        protocol = PROTOCOLS[dataset]
        protocol = replace(protocol, pool=options.pool or protocol.pool)
        text = probe(judge, stretches(load_split(options.data, "test"), protocol.longest), protocol)
        if options.out:
            with atomic_write(options.out) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
    except IntermambaError as error:
        print(f"probe: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


def probe(judge: Judge, real: Sequence[Stretch], protocol: Protocol) -> str:
    """Both tables, as Markdown."""
    if len(real) < 2:
        raise IntermambaError("A probe needs at least two clips: a partner comes from another one.")
    lines = ["| spoilt how | captions nearer to the real clip |", "|---|---|"]
    rows: dict[str, Row] = {}
    for name, spoil in SPOILT.items():
        spoilt = spoil_all(real, spoil)
        if spoil is not _as_it_is:
            lines.append(f"| {name} | {preference(judge, real, spoilt, protocol)} |")
        sets = [
            random_pass(judge, spoilt, protocol, np.random.default_rng((6, turn)))
            for turn in range(protocol.replications)
        ]
        rows[name] = measure_made(judge, real, sets, [], protocol)
    chance = "; ".join(f"top {k} {k / protocol.pool:.3f}" for k in (1, 2, 3))
    note = f"{len(real)} clips, pools of {protocol.pool} (R-precision at chance: {chance})."
    return "\n\n".join(("\n".join(lines), scores_table({}, rows), note))


def preference(
    judge: Judge, real: Sequence[Stretch], spoilt: Sequence[Stretch], protocol: Protocol
) -> Interval:
    """Share of the captions that are nearer to their own clip than to the same view of it spoilt."""

    def once(_: int, rng: np.random.Generator) -> Scores:
        views, captions = zip(*(look(stretch, protocol, rng) for stretch in real), strict=True)
        others = [View(s, view.start, view.frames, view.swap) for s, view in zip(spoilt, views, strict=True)]
        text, own, other = judge.texts(captions), judge.motions(views), judge.motions(others)
        return {"share": float(np.mean(_distance(text, own) < _distance(text, other)))}

    return replicate(once, protocol.replications)["share"]


def spoil_all(real: Sequence[Stretch], spoil: Spoil) -> list[Stretch]:
    """Every clip spoilt, where another is needed with that of another caption, where there is one."""
    rng = np.random.default_rng(0)
    spoilt = []
    for stretch in real:
        others = [other for other in real if other.captions != stretch.captions] or list(real)
        spoilt.append(spoil(stretch, others[int(rng.integers(len(others)))], rng))
    return spoilt


def shuffled(stretch: Stretch, _: Stretch, rng: np.random.Generator) -> Stretch:
    """Its frames in random order."""
    return _at(stretch, rng.permutation(stretch.frames))


def frozen(stretch: Stretch, _: Stretch, __: np.random.Generator) -> Stretch:
    """Its middle frame, held."""
    return _at(stretch, np.full(stretch.frames, stretch.frames // 2))


def with_partner_of(stretch: Stretch, other: Stretch, _: np.random.Generator) -> Stretch:
    """Its first person with the second one of another clip, who stands to the first as there; repeated if shorter."""
    frames = np.arange(stretch.frames) % other.frames
    pairs = [place_pair(s.joints, s.rotations) for s in (stretch, _at(other, frames))]
    joints, rotations = (np.stack([pairs[0][k][0], pairs[1][k][1]]) for k in range(2))
    return replace(stretch, joints=joints, rotations=rotations)


def _as_it_is(stretch: Stretch, _: Stretch, __: np.random.Generator) -> Stretch:
    return stretch


SPOILT: dict[str, Spoil] = {
    "real": _as_it_is,
    "frames shuffled": shuffled,
    "another clip's partner": with_partner_of,
    "frozen": frozen,
}


def _at(stretch: Stretch, frames: np.ndarray) -> Stretch:
    joints, rotations = stretch.joints[:, frames], stretch.rotations[:, frames]
    return replace(stretch, joints=joints, rotations=rotations, good=stretch.good[frames])


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.linalg.norm(first - second, axis=-1)


if __name__ == "__main__":
    sys.exit(main())
