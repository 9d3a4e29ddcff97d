"""The model card that a bundle carries: `python -m training.model_card BUNDLE [--success FILE]`.

Export writes it; this command writes it again with what was measured since: FILE is from training.evaluate.success. The
known failures are those of the recipe's Release; each is made anew and drawn.
"""

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from intermamba.bundles.bundle import Prompt, find_bundle, load_bundle, read_prompts, write_config
from intermamba.errors import IntermambaError
from intermamba.files import atomic_write

from .recipe import Failure, release_of

CARD = "MODEL_CARD.md"
PICTURE = "failure_{}.png"


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write the card."""
    parser = argparse.ArgumentParser(prog="python -m training.model_card", description=__doc__)
    parser.add_argument("bundle", help="name or folder")
    parser.add_argument("--success", type=Path, metavar="FILE", help="results of training.evaluate.success")
    options = parser.parse_args(arguments)
    try:
        bundle = load_bundle(options.bundle)
        success = read_success(options.success, bundle.name) if options.success else ""
        draw_failures(bundle.folder, release_of(bundle.config["name"]).failures)
        write_card(bundle.folder, bundle.config, success)
    except IntermambaError as error:
        print(f"model_card: {error}", file=sys.stderr)
        return 1
    return 0


def write_card(folder: Path, config: dict[str, Any], success: str = "") -> None:
    """Write MODEL_CARD.md, with a table of `success` where there is one, and config.json of a finished bundle."""
    failures = release_of(config["name"]).failures
    for picture in folder.glob(PICTURE.format("*")):
        if picture.name not in [PICTURE.format(number) for number in range(1, len(failures) + 1)]:
            picture.unlink()
    drawn = {path.name for path in folder.glob(PICTURE.format("*"))}
    text = model_card(config, read_prompts(folder), failures, drawn, success)
    with atomic_write(folder / CARD) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    write_config(folder, config)


def read_success(path: Path, model: str) -> str:
    """Return the table of a file of training.evaluate.success. Raises IntermambaError for one of another model."""
    from .evaluate.success import table

    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        measured, text = record["bundle"], table(record["clips"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntermambaError(f"{path} is not a file of training.evaluate.success.") from error
    if measured != model:
        raise IntermambaError(f"{path} is about {measured}, not about {model}: measure that one.")
    return text


def draw_failures(folder: Path, failures: Sequence[Failure]) -> None:
    """Make each failure with the bundle, and draw it into the folder."""
    if not failures:
        return
    from intermamba.engines.base import Request, load_engine
    from intermamba.render.sheet import contact_sheet

    engine = load_engine(find_bundle(folder), "cpu")
    for number, failure in enumerate(failures, start=1):
        frames = round(failure.seconds * engine.bundle.fps)
        motion = engine.sample(Request(prompt=failure.prompt, frames=frames, seed=failure.seed))
        contact_sheet(motion, folder / PICTURE.format(number), pictures=4, columns=4, cell=(240, 220))


def model_card(
    config: dict[str, Any],
    prompts: Sequence[Prompt] = (),
    failures: Sequence[Failure] = (),
    drawn: Collection[str] = (),
    success: str = "",
) -> str:
    """Markdown for people who wonder whether they may use the model, and for what; `drawn` are pictures there are."""
    parts = [
        _facts(config),
        _interactions(prompts),
        _success(success),
        _warnings(config.get("nearest")),
        _failures(failures, drawn, config["fps"]),
        _data(config),
        _retraining(config["name"], bool(prompts)),
    ]
    return "\n".join(part for part in parts if part)


def _facts(config: dict[str, Any]) -> str:
    model, defaults = config["model"], config["defaults"]
    return f"""# {config["name"]} {config["version"]}

{config["description"]}

Makes the motion of two people from a sentence: up to {config["max_frames"]} frames at {config["fps"]} a second.

| | |
|---|---|
| Architecture | InterMamba (Wu et al., TVCG 2026): {model["blocks"]} blocks of width {model["width"]}, state {model["state"]}, {model["patch"]} frames a token, {"one set of weights for both people" if model["shared_people"] else "weights of their own for each person"} |
| Text encoder | {config["text_encoder"]}, and a trained {model["text_layers"]}-layer transformer |
| Trained | {config["steps_trained"]} steps of the recipe `{config["name"]}`, code at `{config["git_commit"][:12]}` |
| Sampling | {defaults["sampler"]}, {defaults["steps"]} steps, guidance {defaults["guidance"]} (from diffusion step {config.get("guided_from", 0)} on), contrast {config["contrast"]}, pelvises at least about {config["least_distance"]} m apart |
| Licence | {config["licence"]} |
"""


def _interactions(prompts: Sequence[Prompt]) -> str:
    if not prompts:
        return ""
    rows = []
    for _, group in groupby(prompts, lambda entry: entry.interaction):
        entries = list(group)
        rows.append(f"| {entries[0].title} | {entries[0].prompt} | {entries[0].seconds:g} s |")
    return "\n".join(
        ["## What it knows", "", "| interaction | prompt | length |", "|---|---|---|", *rows, ""]
    )


def _success(table: str) -> str:
    if not table:
        return ""
    return f"""## How often it does what it is asked

Phrasings that training never saw, several seeds each, at the default settings; whether it happened is told by a measure of
the geometry (`training/evaluate/interactions`), not by eye.

{table}
"""


def _warnings(nearest: dict[str, Any] | None) -> str:
    if not nearest:
        return ""
    return f"""## Prompts that it does not know

A prompt far from all of the above gets a warning that names the nearest one, and is sampled all the same. Of
{nearest["unseen"]} phrasings that training never saw, {nearest["accepted"]:.1%} pass without a warning; of {nearest["foreign"]} prompts about
other things ("two people swim"), {nearest["caught"]:.1%} get one.
"""


def _failures(failures: Sequence[Failure], drawn: Collection[str], fps: float) -> str:
    if not failures:
        return ""
    parts = ["## Known failures", ""]
    for number, failure in enumerate(failures, start=1):
        picture = PICTURE.format(number)
        parts += [failure.sentence, ""]
        if picture in drawn:
            parts += [f"![{failure.prompt}]({picture})", ""]
        frames = round(failure.seconds * fps)
        parts += [f'    intermamba generate "{failure.prompt}" --frames {frames} --seed {failure.seed}', ""]
    return "\n".join(parts)


def _data(config: dict[str, Any]) -> str:
    rows = [
        f"| `{source['folder']}` | [{source['title']}]({source['url']}) | {source['content']} | "
        f"{' '.join(filter(None, (source['licence'] + '.', source['terms'])))} |"
        for source in config.get("sources", ())
    ]
    table = ["", "| folder | source | what was used | licence |", "|---|---|---|---|", *rows] if rows else []
    return "\n".join(["## Data", "", config["training_data"], *table, "", config["acknowledgement"], ""])


def _retraining(name: str, composed: bool) -> str:
    compose = [
        "    python -m training.compose --clips DATA -o DATA/duets --count 4800 --seed 200 --seconds 5 9.5",
        "    python -m training.compose --clips DATA -o DATA/held_out --count 400 --seed 900 --held-out",
    ]
    lines = [
        f"    python -m training.train {name} --data DATA --out runs/{name}",
        f"    python -m training.export runs/{name}/last.safetensors BUNDLE",
        "    python -m training.evaluate.success BUNDLE -o success.json",
        "    python -m training.model_card BUNDLE --success success.json",
    ]
    head = ["## Retrain it", "", "`DATA` holds the folders named above.", ""]
    return "\n".join([*head, *(compose if composed else ()), *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
