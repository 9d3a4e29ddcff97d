"""The paper's light model on Inter-X, with the paper's settings."""

from intermamba.model.config import light
from training.recipe import Recipe
from training.recipes._paper import INTERX, interx, release


def recipe() -> Recipe:
    """One block, 66 million parameters."""
    return interx("interx-light", light())


RELEASE = release("light", INTERX)
