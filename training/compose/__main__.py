"""Compose duets: `python -m training.compose [SCORES ...] --clips FOLDER -o DUETS --count N --seed S`.

Writes DUETS/<id>.npz and DUETS/captions.jsonl, which training reads. A run that was cut short goes on where it
stopped. Prints how many draws each check rejected.
"""

import argparse
import json
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write

from .body import FPS
from .compose import Duet, Rejection, compose
from .library import ACTIONS_FILE, Library, load_library, load_packed
from .score import Score, load_scores

# Draws for one duet before its score is given up.
MOST_DRAWS = 40
# Duets after which their captions are written, so that a run that is cut short has lost little.
OFTEN = 200


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and compose."""
    parser = argparse.ArgumentParser(prog="python -m training.compose", description=__doc__)
    parser.add_argument("scores", nargs="*", help="names or paths of scores (default: all)")
    parser.add_argument(
        "--clips", type=Path, required=True, help="folder of clips, or a packed library (.npz)"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the duets")
    parser.add_argument("--count", type=int, default=100, help="duets in all, shared evenly by the scores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--seconds", type=float, nargs=2, metavar=("LOW", "HIGH"), help="lengths, instead of the scores' own"
    )
    parser.add_argument(
        "--held-out", action="store_true", help="clips and phrasings that training never sees"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--actions", type=Path, default=ACTIONS_FILE, help="which cut of which clip shows what"
    )
    parser.add_argument("--sheets", type=int, default=0, help="contact sheets of the first so many duets")
    options = parser.parse_args(arguments)
    try:
        scores = [score for score in load_scores(options.scores) if not score.table.get("real")]
        if options.seconds:
            scores = [replace(score, table={**score.table, "seconds": options.seconds}) for score in scores]
        library = _library(options.clips, options.actions)
        run(scores, library, options)
    except IntermambaError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _library(clips: Path, actions: Path) -> Library:
    return load_packed(clips) if clips.suffix == ".npz" else load_library(clips, actions)


def run(scores: list[Score], library: Library, options: argparse.Namespace) -> None:
    """Compose what is missing in the folder, and print the rejections."""
    captions = options.out / "captions.jsonl"
    entries = {entry["id"]: entry for entry in _entries(captions)}
    todo = [k for k in range(options.count) if _name(options, scores, k) not in entries]
    rejections: Counter[tuple[str, str]] = Counter()
    made: Counter[str] = Counter()
    found = _composed(scores, library, options, todo)
    try:
        for index, duet, failures in track(
            found, "Composing", total=len(todo), disable=not sys.stderr.isatty()
        ):
            rejections.update((failure.interaction, failure.check) for failure in failures)
            if duet is None:
                continue
            name = _name(options, scores, index)
            entries[name] = _write(options.out, name, duet)
            made[duet.interaction] += 1
            if sum(made.values()) % OFTEN == 0:
                _write_captions(captions, entries)
            if index < options.sheets:
                _sheet(options.out / f"{name}.png", duet)
    finally:
        _write_captions(captions, entries)
    print(_table(made, rejections))


def _write_captions(path: Path, entries: dict[str, dict[str, Any]]) -> None:
    lines = [json.dumps(entries[name]) for name in sorted(entries)]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _name(options: argparse.Namespace, scores: list[Score], index: int) -> str:
    kind = "h" if options.held_out else "s"
    return f"{scores[index % len(scores)].name}_{kind}{options.seed}_{index:06d}"


def _entries(captions: Path) -> list[dict[str, Any]]:
    if not captions.is_file():
        return []
    return [json.loads(line) for line in captions.read_text(encoding="utf-8").splitlines() if line.strip()]


Found = tuple[int, Duet | None, list[Rejection]]
_shared: dict[str, Any] = {}


def draw(
    score: Score, library: Library, seed: int, index: int, *, held_out: bool
) -> tuple[Duet | None, list[Rejection]]:
    """The duet of a seed and an index, always the same one, and the draws rejected on the way to it."""
    rng = np.random.default_rng((seed, index))
    failures = []
    for _ in range(MOST_DRAWS):
        result = compose(score, library, rng, held_out=held_out)
        if isinstance(result, Duet):
            return result, failures
        failures.append(result)
    return None, failures


def _composed(
    scores: list[Score], library: Library, options: argparse.Namespace, todo: list[int]
) -> Iterator[Found]:
    _shared.update(scores=scores, library=library, seed=options.seed, held_out=options.held_out)
    if options.workers <= 1:
        yield from map(_one, todo)
        return
    context = multiprocessing.get_context("fork" if sys.platform != "win32" else "spawn")
    with context.Pool(options.workers, _share, (dict(_shared),)) as pool:
        yield from pool.imap(_one, todo, chunksize=4)


def _share(shared: dict[str, Any]) -> None:
    _shared.update(shared)


def _one(index: int) -> Found:
    scores = _shared["scores"]
    score = scores[index % len(scores)]
    duet, failures = draw(score, _shared["library"], _shared["seed"], index, held_out=_shared["held_out"])
    return index, duet, failures


def _write(folder: Path, name: str, duet: Duet) -> dict[str, Any]:
    """Write one duet's arrays; gives its line of captions.jsonl."""
    with atomic_write(folder / f"{name}.npz") as temporary, temporary.open("wb") as file:
        rest = np.stack([duet.rest, duet.rest])
        np.savez_compressed(
            file, joints=duet.joints, rotations=duet.rotations, rest=rest, fps=np.float32(FPS)
        )
    first, stop = duet.core
    captions = list(duet.captions)
    return {
        "id": name,
        "interaction": duet.interaction,
        "variant": duet.variant,
        "segments": [{"f0": first, "f1": stop, "captions": captions}],
    }


def _sheet(path: Path, duet: Duet) -> None:
    from intermamba.motion.features import foot_contacts
    from intermamba.motion.motion import Motion
    from intermamba.render.sheet import contact_sheet

    contacts = foot_contacts(duet.joints)
    contacts = np.concatenate([contacts, contacts[:, -1:]], axis=1)
    rest = np.stack([duet.rest, duet.rest])
    prompt = f"{duet.interaction}: {duet.captions[0]}"
    motion = Motion(duet.joints, duet.rotations, duet.joints[:, :, 0], rest, contacts, FPS, prompt)
    contact_sheet(motion, path)


def _table(made: Counter[str], rejections: Counter[tuple[str, str]]) -> str:
    """Duets and rejected draws by score and check."""
    names = sorted({*made, *(name for name, _ in rejections)})
    lines = [f"{'score':18s} {'duets':>6s}  rejected draws"]
    for name in names:
        parts = [f"{check} {count}" for (other, check), count in sorted(rejections.items()) if other == name]
        lines.append(f"{name:18s} {made[name]:6d}  {', '.join(parts) or '-'}")
    lines.append(f"{'all':18s} {sum(made.values()):6d}  {sum(rejections.values())}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
