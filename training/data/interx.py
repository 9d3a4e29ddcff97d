"""Inter-X as released (Xu et al. 2024): its motions as our clips, and in its own representation for its evaluator."""

from pathlib import Path

from .clips import Clip


def load_interx(folder: str | Path, split: str) -> list[Clip]:
    """The clips of a split ("train", "val" or "test")."""
    raise NotImplementedError
