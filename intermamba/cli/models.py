"""`intermamba models`: the installed models."""

import argparse
import textwrap
from pathlib import Path

from ..bundles.bundle import list_bundles, load_bundle
from ..errors import BundleError

WIDTH = 100


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `models` to the command line."""
    parser = commands.add_parser("models", help="list the installed models", description=__doc__)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print every bundle, or what is wrong with it. Returns 1 when none can be used."""
    folders = list_bundles()
    usable = 0
    for folder in folders:
        try:
            print(describe(folder), end="\n\n")
            usable += 1
        except BundleError as error:
            print(f"{folder.name}  (cannot be used)\n  {error}\n")
    if not folders:
        print("No model is installed: install the package again.")
    return 0 if usable else 1


def describe(folder: Path) -> str:
    """Name, size, licence, description and examples of a bundle, some lines. Raises BundleError."""
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
    rows += [f'  try: "{example["prompt"]}" ({example["seconds"]:g} s)' for example in bundle.prompts[:8]]
    return "\n".join(rows)
