"""How often a bundle does what it is asked: `python -m training.evaluate.success [BUNDLE] -o OUT.json`.

Makes a clip for every interaction, phrasing that training never saw, and seed, at the bundle's default settings, and
judges it by the interaction's measure. OUT.json grows by each clip, and a run that was stopped goes on where it was;
OUT.md is the table.
"""

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, get_args
from zlib import crc32

import numpy as np

from intermamba.bundles.bundle import Bundle
from intermamba.engines.base import MIN_FRAMES, Device, Engine, Request, load_engine
from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.motion.motion import save_motion
from training.compose.captions import fill_captions
from training.compose.score import Plan, Score, load_scores

from .generate import identity
from .interactions import MEASURES, judge

FRAMES_MULTIPLE = 4
Clip = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One clip to be made and judged."""

    interaction: str
    prompt: str
    frames: int
    seed: int

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What tells it from every other."""
        return self.interaction, self.prompt, self.frames, self.seed


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, make, judge, print the table."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.success", description=__doc__)
    parser.add_argument("bundle", nargs="?", help="name or folder; the bundled model without it")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.json")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these interactions alone")
    parser.add_argument("--phrasings", type=int, default=5, help="how many of each interaction")
    parser.add_argument("--seeds", type=int, default=4, help="how many clips of each phrasing")
    parser.add_argument("--first-seed", type=int, default=0, help="seeds count from here")
    parser.add_argument(
        "--frames", type=int, help="length of every clip; its interaction's usual one without it"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the motions in this folder")
    parser.add_argument("--device", default="cpu", choices=get_args(Device))
    options = parser.parse_args(arguments)
    try:
        engine = load_engine(options.bundle, options.device)
        scores = load_scores(options.only)
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        tasks = list_tasks(scores, engine.bundle, options.phrasings, seeds, options.frames)
        clips = run(engine, tasks, options.out, options.keep)
        with atomic_write(options.out.with_suffix(".md")) as temporary:
            temporary.write_text(table(clips) + "\n", encoding="utf-8")
    except IntermambaError as error:
        print(f"success: {error}", file=sys.stderr)
        return 1
    print(table(clips))
    return 0


def list_tasks(
    scores: Iterable[Score],
    bundle: Bundle,
    phrasings: int,
    seeds: Sequence[int],
    frames: int | None = None,
) -> list[Task]:
    """The clips to make: for every score, its first unseen phrasings with each of the seeds."""
    return [
        Task(score.name, prompt, frames or _usual_frames(plan, bundle), seed)
        for score in scores
        if score.name in MEASURES
        for prompt, plan in unseen_prompts(score, phrasings)
        for seed in seeds
    ]


def unseen_prompts(score: Score, count: int) -> list[tuple[str, Plan]]:
    """The first `count` unseen phrasings of a score, drawn from its variants in turn, each with its plan."""
    plans = list(score.plans())
    columns = [[(phrase, plan) for phrase in plan.unseen] for plan in plans]
    woven = [pair for row in zip_longest(*columns) for pair in row if pair is not None]
    prompts: dict[str, Plan] = {}
    for phrase, plan in woven:
        # The names in a phrase hang on the phrase alone, so that every run asks the same.
        rng = np.random.default_rng(crc32(phrase.encode()))
        (prompt,) = fill_captions(replace(plan, unseen=(phrase,)), rng, 1, unseen=True)
        prompts.setdefault(prompt, plan)
    return list(prompts.items())[:count]


def run(engine: Engine, tasks: list[Task], out: Path, keep: Path | None = None) -> list[Clip]:
    """Make and judge every clip that `out` does not hold yet; `out` is written anew after each one.

    Gives the clips of `tasks` alone. Raises IntermambaError when `out` holds another bundle's results.
    """
    record = _read(out, identity(engine))
    done = {(c["interaction"], c["prompt"], c["frames"], c["seed"]): c for c in record["clips"]}
    for number, task in enumerate(tasks, 1):
        if task.key in done:
            continue
        clip = done[task.key] = _make(engine, task, keep)
        record["clips"].append(clip)
        with atomic_write(out) as temporary:
            temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")
        passed = "passed" if clip["passed"] else "failed"
        print(
            f"{number}/{len(tasks)} {task.interaction} {passed}: {clip['why']} ({task.prompt})",
            file=sys.stderr,
        )
    return [done[task.key] for task in tasks]


def table(clips: list[Clip]) -> str:
    """Markdown: of each interaction, how many clips passed, and why the others mostly did not."""
    lines = ["| interaction | passed | of | share | mostly failed because |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(clip["interaction"] for clip in clips):
        own = [clip for clip in clips if clip["interaction"] == name]
        lines.append(f"| {name} | {_counts(own)} | {_main_failure(own)} |")
    return "\n".join([*lines, f"| **all** | {_counts(clips)} | |"])


def _counts(clips: list[Clip]) -> str:
    passed = sum(clip["passed"] for clip in clips)
    return f"{passed} | {len(clips)} | {passed / max(len(clips), 1):.0%}"


def _main_failure(clips: list[Clip]) -> str:
    """The reason that clips failed for most often, with its figure left out."""
    reasons = Counter(re.sub(r"-?\d+\.\d\d", "…", c["why"], count=1) for c in clips if not c["passed"])
    return reasons.most_common(1)[0][0] if reasons else ""


def _make(engine: Engine, task: Task, keep: Path | None) -> Clip:
    motion = engine.sample(Request(prompt=task.prompt, frames=task.frames, seed=task.seed))
    if keep is not None:
        digest = hashlib.sha256(task.prompt.encode()).hexdigest()[:6]
        save_motion(keep / f"{task.interaction}_{digest}_{task.frames}_{task.seed}.npz", motion)
    verdict = judge(task.interaction, motion.joints, motion.fps)
    return {
        "interaction": task.interaction,
        "prompt": task.prompt,
        "frames": task.frames,
        "seed": task.seed,
        "passed": verdict.passed,
        "score": round(verdict.score, 3),
        "why": verdict.why,
    }


def _usual_frames(plan: Plan, bundle: Bundle) -> int:
    """The interaction's mean length in frames, a multiple of 4 that the bundle can make."""
    steps = round((plan.seconds.low + plan.seconds.high) / 2 * bundle.fps / FRAMES_MULTIPLE)
    return min(max(FRAMES_MULTIPLE * steps, MIN_FRAMES), bundle.max_frames)


def _read(out: Path, identity: dict[str, str]) -> dict[str, Any]:
    """What an earlier run left, or the beginning of a record."""
    if not out.exists():
        return {**identity, "clips": []}
    try:
        record = json.loads(out.read_text(encoding="utf-8"))
        same = {name: record[name] for name in identity} == identity and isinstance(record["clips"], list)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntermambaError(f"{out} is not a record of results: give another -o, or delete it.") from error
    if not same:
        raise IntermambaError(f"{out} holds the results of another bundle: give another -o, or delete it.")
    return record


if __name__ == "__main__":
    sys.exit(main())
