"""`intermamba models`: the installed models."""

import argparse
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ..bundles.bundle import Prompt, list_bundles, load_bundle
from ..errors import BundleError

WIDTH = 100
EXAMPLES = 8


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `models` to the command line."""
    parser = commands.add_parser("models", help="list the installed models", description=__doc__)
    parser.add_argument("--prompts", action="store_true", help="list every prompt that each model knows")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print every bundle, or what is wrong with it. Returns 1 when none can be used."""
    folders = list_bundles()
    usable = 0
    for folder in folders:
        try:
            print(describe(folder, all_prompts=arguments.prompts), end="\n\n")
            usable += 1
        except BundleError as error:
            print(f"{folder.name}  (cannot be used)\n  {error}\n")
    if not folders:
        print("No model is installed: install the package again.")
    return 0 if usable else 1


def describe(folder: Path, *, all_prompts: bool = False) -> str:
    """Name, size, licence, description and examples of a bundle, or all its prompts. Raises BundleError."""
    bundle = load_bundle(folder)
    size = sum(path.stat().st_size for path in bundle.files.values()) / 1e6
    seconds = bundle.max_frames / bundle.fps
    rows = [f"{bundle.name}  ({size:.0f} MB, up to {seconds:g} s at {bundle.fps:g} frames a second)"]
    rows.append(f"  {bundle.folder}")
    for title, key in (("", "description"), ("Licence: ", "licence"), ("Trained on: ", "training_data")):
        value = bundle.config.get(key)
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
        if text:
            rows.append(textwrap.fill(title + text, WIDTH, initial_indent="  ", subsequent_indent="    "))
    if all_prompts:
        return "\n".join([*rows, *_by_interaction(bundle.prompts)])
    interactions = {entry.title for entry in bundle.prompts if entry.title}
    if interactions:
        known = f"Knows {len(interactions)} interactions: {'; '.join(sorted(interactions))}"
        rows.append(textwrap.fill(known, WIDTH, initial_indent="  ", subsequent_indent="    "))
    firsts = {entry.interaction or entry.prompt: entry for entry in reversed(bundle.prompts)}
    examples = [entry for entry in bundle.prompts if entry in firsts.values()][:EXAMPLES]
    rows += [f'  try: "{entry.prompt}" ({entry.seconds:g} s)' for entry in examples]
    if len(examples) < len(bundle.prompts):
        rows.append(f"  all {len(bundle.prompts)} prompts: intermamba models --prompts")
    return "\n".join(rows)


def _by_interaction(prompts: list[Prompt]) -> Iterator[str]:
    """Lines: each interaction's title, and below it its prompts."""
    for title, entries in groupby(prompts, lambda entry: entry.title):
        yield ""
        yield f"  {title or 'Prompts'}"
        yield from (f'    "{entry.prompt}" ({entry.seconds:g} s)' for entry in entries)
