"""Motion and its text: `python -m training.evaluate.text_motion --evaluator RUN --real FOLDER [FOLDER ...]`.

R-precision, multimodal distance, FID and diversity of generated motions beside those of real clips, as Markdown;
with --out also as files. Give real clips that the evaluator was not trained on. The motions come from --generated
(motion files that carry their prompts), else --bundle makes them here, for captions and lengths of the real clips;
those in OUT/motions are not made again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from intermamba.bundles.bundle import bundled_folder
from intermamba.engines.base import MIN_FRAMES, Engine, Request, load_engine
from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.motion.motion import Motion, load_motion, save_motion
from intermamba.text.encoder import TextEncoder
from training.data.clips import load_clips

from .embedding import CaptionTokens, Embedded, Stretch, embed, matching_scores, stretch_of, stretches
from .interclip import load_evaluator
from .scores import Interval, Scores, diversity, frechet_distance, multimodality, replicate
from .train_evaluator import BEST, POOL

SCALE = 6.0
"""InterGen takes FID of embeddings times 6, and diversity of embeddings times 6 divided by 2."""
DIVERSITY_PAIRS, MULTIMODALITY_PAIRS = 300, 10

Table = dict[str, dict[str, Interval]]


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate.text_motion", description=__doc__)
    parser.add_argument("--evaluator", type=Path, required=True, help="run of train_evaluator, or its file")
    parser.add_argument("--real", type=Path, nargs="+", required=True, help="folders of captioned clips")
    parser.add_argument("--generated", type=Path, help="folder of motion files (.npz)")
    parser.add_argument("--bundle", help="model that makes the motions; the bundled one without it")
    parser.add_argument("--count", type=int, default=128, help="captions to make motions for")
    parser.add_argument("--repeats", type=int, default=1, help="motions for each caption")
    parser.add_argument("--pool", type=int, default=POOL, help="motions that a text has to choose from")
    parser.add_argument("--replications", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for motions, text_motion.json and text_motion.md")
    options = parser.parse_args(arguments)
    try:
        print(_run(options))
    except IntermambaError as error:
        print(f"text_motion: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> str:
    path = options.evaluator / BEST if options.evaluator.is_dir() else options.evaluator
    model, tokens = load_evaluator(path), CaptionTokens(TextEncoder(bundled_folder()))
    real = stretches(clip for folder in options.real for clip in load_clips(folder))
    if options.generated:
        made = read_motions(options.generated)
    else:
        rng = np.random.default_rng(options.seed)
        requests = draw_requests(real, options.count, options.repeats, rng)
        made = make_motions(load_engine(options.bundle), requests, options.out)
    embedded = [embed(model, tokens, some) for some in (real, [stretch_of(motion) for motion in made])]
    table = measure(embedded[0], embedded[1], options.pool, options.replications, options.seed)
    text = markdown(table, len(real), len(made), options.pool)
    if options.out:
        counts = {"real": len(real), "generated": len(made), "pool": options.pool}
        values = {kind: {name: vars(v) for name, v in row.items()} for kind, row in table.items()}
        _write(options.out / "text_motion.json", json.dumps(counts | {"scores": values}, indent=2))
        _write(options.out / "text_motion.md", text)
    return text


def read_motions(folder: Path) -> list[Motion]:
    """The motion files of a folder; each needs the prompt that it was made for."""
    paths = sorted(folder.glob("*.npz"))
    motions = [load_motion(path) for path in paths]
    for path, motion in zip(paths, motions, strict=True):
        if not motion.prompt:
            raise IntermambaError(f"{path} carries no prompt: give motions that were generated from text.")
    if len(motions) < 2:
        raise IntermambaError(
            f"{folder} holds {len(motions)} motion files; the scores need many: 100 or more."
        )
    return motions


def draw_requests(
    real: Sequence[Stretch], captions: int, repeats: int, rng: np.random.Generator
) -> list[Request]:
    """Requests for captions of the real stretches in those stretches' lengths, each in `repeats` seeds."""
    chosen: dict[str, int] = {}
    for index in rng.permutation(np.tile(np.arange(len(real)), -(-captions // len(real)))):
        options = [caption for caption in real[index].captions if caption not in chosen]
        if options and len(chosen) < captions:
            chosen[options[int(rng.integers(len(options)))]] = real[index].joints.shape[1] - 1
    pairs = [(caption, frames) for caption, frames in chosen.items() for _ in range(repeats)]
    return [Request(prompt=prompt, frames=frames, seed=seed) for seed, (prompt, frames) in enumerate(pairs)]


def make_motions(engine: Engine, requests: list[Request], out: Path | None) -> list[Motion]:
    """A motion for each request, with the engine's defaults; kept in `out`/motions when there is an `out`."""
    most = engine.bundle.config["max_frames"]
    motions = []
    for request in track(requests, "motions", console=Console(stderr=True)):
        frames = int(np.clip(request.frames, MIN_FRAMES, most))
        path = out / "motions" / f"{request.seed:05d}.npz" if out else None
        motion = load_motion(path) if path and path.is_file() else None
        if motion is None or (motion.prompt, motion.frames) != (request.prompt, frames):
            motion = engine.sample(Request(prompt=request.prompt, frames=frames, seed=request.seed))
            if path:
                save_motion(path, motion)
        motions.append(motion)
    return motions


def measure(real: Embedded, made: Embedded, pool: int, replications: int = 20, seed: int = 0) -> Table:
    """Scores of real and of generated motions over replications.

    FID depends on how many motions there are, so n generated ones are compared with n real ones, and beside it
    n other real ones with the same n. Each replication draws captions, orders of the people, pools and halves anew.
    """
    count = min(len(real.motions) // 2, len(made.motions))

    def once(rng: np.random.Generator) -> Scores:
        scores: Scores = {}
        captions, text, motion = real.draw(rng)
        shuffled = rng.permutation(len(motion))
        reference, others = motion[shuffled[:count]], motion[shuffled[count : 2 * count]]
        for kind, embedded in (("real", real), ("generated", made)):
            if kind == "generated":
                captions, text, motion = embedded.draw(rng)
                others = motion[rng.permutation(len(motion))[:count]]
            found = matching_scores(captions, text, motion, pool, rng)
            found["FID"] = frechet_distance(SCALE * others, SCALE * reference)
            found["diversity"] = diversity(SCALE / 2 * motion, DIVERSITY_PAIRS, rng)
            scores |= {f"{kind}/{name}": value for name, value in found.items()}
        if groups := _same_caption(captions, motion):
            scores["generated/multimodality"] = multimodality(groups, MULTIMODALITY_PAIRS, rng)
        return scores

    table: Table = {"real": {}, "generated": {}}
    for name, value in replicate(once, replications, seed).items():
        kind, score = name.split("/")
        table[kind][score] = value
    return table


def markdown(table: Table, real: int, made: int, pool: int) -> str:
    """A row for each score: generated, real, and their ratio."""
    lines = [
        f"{made} generated motions beside {real} real ones; pools of {pool}; mean and 95 % interval.",
        "",
        "| score | generated | real | ratio |",
        "|---|---|---|---|",
    ]
    for name, value in table["generated"].items():
        other = table["real"].get(name)
        ratio = f"{value.mean / other.mean:.2f}" if other and abs(other.mean) > 1e-9 else ""
        lines.append(f"| {name} | {value} | {other or ''} | {ratio} |")
    return "\n".join(lines)


def _same_caption(captions: Sequence[str], motion: np.ndarray) -> list[np.ndarray]:
    """The motions of each caption that has several."""
    rows: dict[str, list[int]] = {}
    for row, caption in enumerate(captions):
        rows.setdefault(caption, []).append(row)
    return [motion[group] for group in rows.values() if len(group) > 1]


def _write(path: Path, content: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(content + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
