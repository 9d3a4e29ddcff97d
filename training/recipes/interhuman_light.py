"""The paper's light model on InterHuman, with the paper's settings."""

from training.recipe import Recipe
from training.recipes._paper import INTERHUMAN, interhuman, light, release


def recipe() -> Recipe:
    """One block, 66 million parameters."""
    return interhuman("interhuman-light", light())


RELEASE = release("light", INTERHUMAN)
