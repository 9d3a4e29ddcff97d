"""How good a bundle is: `python -m training.evaluate BUNDLE --data FOLDER [FOLDER ...] --evaluator RUN -o OUT`.

FOLDERs hold captioned clips that neither the bundle nor the evaluator was trained on (see training.data.clips), or it
is one folder, of InterHuman or Inter-X as released, whose test split is taken. Prints the paper's table with our rows
in it, and what its scores do not see; OUT gets both as Markdown, the figures as JSON, plots, and in OUT/motions all
that was generated: Ctrl-C stops at any time, and the same command goes on. Without --evaluator there are no scores,
and with --motions those files are judged and nothing is made.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar, get_args

import numpy as np

from intermamba.diffusion.samplers import SAMPLERS
from intermamba.engines.base import Device, load_engine
from intermamba.errors import IntermambaError
from intermamba.motion.motion import load_motion
from training.data.clips import FPS
from training.progress import counted
from training.train import choose_device

from .datasets import PROTOCOLS, load_split, told
from .embedding import Array, Footage, Judge, stretches
from .generate import draw_orders, make_motions
from .judges import open_judge
from .protocol import Protocol, Row, measure_made, measure_real
from .quality import gather, judge_motion
from .report import Evaluation, deviations, write

MOST_JUDGED = 400  # motions, by the measures beside the scores
Take = tuple[Path, Footage | None]
"""A motion file, and the real clip that it was made after."""
Item = TypeVar("Item")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, evaluate, print."""
    options = _parser().parse_args(arguments)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        print(evaluate(options))
    except IntermambaError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"evaluate: stopped; what was made is kept in {options.out}. Give the same command to go on.",
            file=sys.stderr,
        )
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("bundle", nargs="?", help="name or folder; the bundled model without it")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="real clips")
    parser.add_argument("--evaluator", type=Path, help="run of train_evaluator, or a published checkpoint")
    parser.add_argument(
        "--text", type=Path, help="folder of text.onnx for the evaluator; the bundled one without it"
    )
    parser.add_argument("--motions", type=Path, metavar="FOLDER", help="judge these motion files")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the results and the motions")
    parser.add_argument(
        "--only", nargs="+", metavar="ID", help="of one's own clips those whose ids start with these"
    )
    parser.add_argument("--count", type=int, help="so many of the clips, drawn at random; all without it")
    parser.add_argument("--device", default="auto", choices=get_args(Device))
    parser.add_argument("--seed", type=int, default=0)
    own = parser.add_argument_group("instead of the protocol's own numbers")
    own.add_argument("--pool", type=int, help="motions that a text has to choose from")
    own.add_argument("--replications", type=int)
    own.add_argument("--sets", type=int, help="motions of each clip, which replications take in turn")
    own.add_argument("--texts", type=int, help="captions of multimodality")
    own.add_argument("--repeats", type=int, help="motions of each of them")
    own.add_argument("--rounds", type=int, help="how often multimodality is measured; 0 leaves it out")
    own.add_argument("--steps", type=int, help="of the sampler")
    own.add_argument("--guidance", type=float)
    own.add_argument("--sampler", choices=tuple(SAMPLERS))
    return parser


def evaluate(options: argparse.Namespace) -> str:
    """Evaluate as the command line says; give the Markdown."""
    dataset = told(options.data)
    full = PROTOCOLS[dataset]
    protocol = _asked(full, options)
    clips = load_split(options.data, "test")
    if options.only:
        if dataset != "folders":
            raise IntermambaError("--only chooses among one's own clips: leave it out for a data set.")
        clips = [clip for clip in clips if clip.id.startswith(tuple(options.only))]
    real = stretches(clips, protocol.longest)
    judge: Judge | None = None
    footage: Sequence[Footage] = real
    if options.evaluator:
        device = choose_device("cpu" if options.device == "torch" else options.device)
        judge = open_judge(options.evaluator, options.data[0], device, options.text)
        footage = judge.footage(real)
    footage = _some(footage, options.count, options.seed)
    if not footage:
        raise IntermambaError(f"No clip of {', '.join(map(str, options.data))} is chosen and long enough.")
    model, sets, rounds = _takes(options, protocol if judge else replace(protocol, sets=1, rounds=0), footage)
    evaluation = Evaluation(dataset, model, {"clips": len(footage), "seed": options.seed, **asdict(protocol)})
    evaluation.notes = deviations(protocol, full)
    if judge:
        evaluation.notes.append(_comparable(options.evaluator, dataset))
        evaluation.rows["Real, here"] = measure_real(judge, footage, protocol, options.seed)
        evaluation.rows[model] = _score(judge, footage, sets, rounds, protocol, options.seed)
    takes = counted(_some(sets[0], MOST_JUDGED, 0), "measures")
    evaluation.made = gather([_judge_take(path) for path, _ in takes])
    chosen = counted(
        _some(_some(real, options.count, options.seed), MOST_JUDGED, 0), "measures of real clips"
    )
    evaluation.real = gather([judge_motion(s.joints, FPS, s.captions) for s in chosen])
    return write(evaluation, options.out)


def _asked(protocol: Protocol, options: argparse.Namespace) -> Protocol:
    """The protocol with what the command line says instead."""
    given = {name: value for name, value in vars(options).items() if value is not None}
    sampling = {name: given[name] for name in ("steps", "guidance", "sampler") if name in given}
    numbers = {
        name: given[name]
        for name in ("pool", "replications", "sets", "texts", "repeats", "rounds")
        if name in given
    }
    least = {"pool": 2, "rounds": 0, "repeats": 2}
    for name, value in numbers.items():
        if value < least.get(name, 1):
            raise IntermambaError(f"--{name} must be at least {least.get(name, 1)}; {value} was given.")
    return replace(protocol, **numbers, sampling=protocol.sampling | sampling)


def _takes(
    options: argparse.Namespace, protocol: Protocol, footage: Sequence[Footage]
) -> tuple[str, list[list[Take]], list[list[list[Take]]]]:
    """The model's name, its sets of motion files and its rounds of several for a caption, made where need be."""
    if options.motions:
        found: list[Take] = [(path, None) for path in sorted(options.motions.rglob("*.npz"))]
        captions: dict[str, list[Take]] = {}
        for take in found:
            prompt = load_motion(take[0]).prompt
            if not prompt:
                raise IntermambaError(
                    f"{take[0]} carries no prompt: give motions that were generated from text."
                )
            captions.setdefault(prompt, []).append(take)
        if not found:
            raise IntermambaError(f"{options.motions} holds no motion files (.npz).")
        several = [takes for takes in captions.values() if len(takes) > 1]
        return str(options.motions), [found], [several] if several else []
    engine, folder = load_engine(options.bundle, options.device), options.out / "motions"
    orders = draw_orders(footage, protocol, engine.bundle.max_frames, folder, options.seed)
    make_motions(engine, orders, folder)
    sets: list[list[Take]] = [[(order.path, order.footage) for order in some] for some in orders.sets]
    rounds: list[list[list[Take]]] = [
        [[(order.path, order.footage) for order in group] for group in groups] for groups in orders.rounds
    ]
    return engine.bundle.name, sets, rounds


def _score(
    judge: Judge,
    footage: Sequence[Footage],
    sets: list[list[Take]],
    rounds: list[list[list[Take]]],
    protocol: Protocol,
    seed: int,
) -> Row:
    embedded = [_embed(judge, takes) for takes in counted(sets, "sets embedded")]
    groups = [[_embed(judge, takes)[1] for takes in some] for some in counted(rounds, "rounds embedded")]
    return measure_made(judge, footage, embedded, groups, protocol, seed)


def _embed(judge: Judge, takes: list[Take]) -> tuple[list[str], Array]:
    """Captions and embeddings (N,E) of motion files."""
    views = [judge.view(load_motion(path), real) for path, real in takes]
    found = judge.embed(views)
    return [view.footage.captions[0] for view in views], np.stack([found[view] for view in views])


def _judge_take(path: Path) -> dict[str, float]:
    motion = load_motion(path)
    return judge_motion(motion.joints, motion.fps, [motion.prompt])


def _some(items: Sequence[Item], count: int | None, seed: int) -> list[Item]:
    """`count` of the items, drawn at random, in their order; all without a count."""
    if count is None or count >= len(items):
        return list(items)
    chosen = np.random.default_rng((seed, 5)).permutation(len(items))[:count]
    return [items[i] for i in sorted(chosen)]


def _comparable(evaluator: Path, dataset: str) -> str:
    """What the rows may be compared with."""
    if dataset != "folders" and evaluator.suffix in (".ckpt", ".tar"):
        return (
            f"Evaluator: {evaluator.name}, the published one: our rows are comparable with the printed ones."
        )
    return (
        f"Evaluator: {evaluator}, trained by ourselves: our rows are comparable with each other, and only the real row "
        "says what they could be."
    )


if __name__ == "__main__":
    sys.exit(main())
