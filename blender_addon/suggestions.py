"""What the model knows, read from its bundle without starting the worker."""

import numpy as np

from intermamba.bundles.bundle import Prompt, find_bundle, read_prompts, read_stats
from intermamba.errors import IntermambaError
from intermamba.motion.skeleton import DEFAULT_REST

from .engines import model_folder


def known_prompts() -> dict[str, Prompt]:
    """The model's prompts by their text, in its order; none where the model cannot be read."""
    try:
        return {entry.prompt: entry for entry in read_prompts(find_bundle(model_folder() or None))}
    except IntermambaError:
        return {}  # the worker says what is wrong with it


def rest_of_people() -> np.ndarray:
    """Rest offsets (22,3) of the people that the model makes, in metres; an adult's where it cannot be read."""
    try:
        return read_stats(find_bundle(model_folder() or None))[2]
    except IntermambaError:
        return DEFAULT_REST


def matching(typed: str) -> list[tuple[str, str]]:
    """Prompts, each with what Blender shows beside it, that have every typed word in text or title."""
    words = typed.lower().split()
    return [
        (entry.prompt, f"{entry.seconds:g} s")
        for entry in known_prompts().values()
        if all(word in f"{entry.title} {entry.prompt}".lower() for word in words)
    ]
