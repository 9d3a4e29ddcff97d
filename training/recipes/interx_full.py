"""The paper's full model on Inter-X, with the paper's settings."""

from intermamba.model.config import full
from training.recipe import Recipe
from training.recipes._paper import INTERX, interx, release


def recipe() -> Recipe:
    """Two blocks, 117 million parameters."""
    return interx("interx-full", full())


RELEASE = release("full", INTERX)
