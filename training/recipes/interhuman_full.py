"""The paper's full model on InterHuman, with the paper's settings."""

from intermamba.model.config import full
from training.recipe import Recipe
from training.recipes._paper import INTERHUMAN, interhuman, release


def recipe() -> Recipe:
    """Two blocks, 117 million parameters."""
    return interhuman("interhuman-full", full())


RELEASE = release("full", INTERHUMAN)
