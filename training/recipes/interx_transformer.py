"""The baseline, a transformer of InterGen's shape, on Inter-X, with the paper's settings."""

from intermamba.model.config import transformer
from training.recipe import Recipe
from training.recipes._paper import INTERX, interx, release


def recipe() -> Recipe:
    """Eight blocks, 183 million parameters."""
    return interx("interx-transformer", transformer())


RELEASE = release("baseline", INTERX)
