"""The baseline, a transformer of InterGen's shape, on InterHuman, with the paper's settings."""

from intermamba.model.config import transformer
from training.recipe import Recipe
from training.recipes._paper import INTERHUMAN, interhuman, release


def recipe() -> Recipe:
    """Eight blocks, 183 million parameters."""
    return interhuman("interhuman-transformer", transformer())


RELEASE = release("baseline", INTERHUMAN)
