"""The paper's light model on InterHuman, with the paper's settings."""

from intermamba.model.config import light
from training.recipe import Recipe
from training.recipes._paper import INTERHUMAN, interhuman, release


def recipe() -> Recipe:
    """One block, 66 million parameters."""
    return interhuman("interhuman-light", light())


RELEASE = release("light", INTERHUMAN)
