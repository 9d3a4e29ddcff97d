"""Whether a prompt is among what a model knows, and which known prompt is nearest to it.

A prompt's place is the mean of its token features, at unit length; how near two are is the cosine. A prompt counts as
known when it is nearer to some phrasing that the model was trained on than to examples of what no such model knows
("two people swim"): by how much, a threshold says that was calibrated on phrasings that training never used.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FOREIGN_WEIGHT = 0.5  # of 0, 0.25, ... 1 the best: docs/measurements.md
SHOWN = 60  # characters of a prompt that a warning repeats


def sentence_embedding(tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the mean (B, C), at unit length, of token features (B, S, C) where mask (B, S) is true."""
    total = (tokens * mask[..., None]).sum(axis=1)
    return total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-9)


@dataclass(frozen=True, eq=False)
class KnownPhrasings:
    """Sentence embeddings of what a model was trained on, and of what it was not."""

    known: np.ndarray
    """(N, C), N phrasings that training used."""
    shown: np.ndarray
    """(N,) which of `prompts` stands for each."""
    foreign: np.ndarray
    """(F, C), F examples of other things; may be none."""
    prompts: Sequence[str]
    """What a warning names."""
    threshold: float = 0.0
    """The nearness under which a prompt is far."""

    def nearness(self, embeddings: np.ndarray) -> np.ndarray:
        """Return how near (B,) sentence embeddings (B, C) are to what is known rather than to what is not."""
        known = (embeddings @ self.known.T).max(axis=1)
        foreign = (embeddings @ self.foreign.T).max(axis=1, initial=0.0)
        return known - FOREIGN_WEIGHT * foreign

    def warning(self, prompt: str, embedding: np.ndarray) -> str:
        """Return one sentence for a prompt that is far, its embedding being (C,); for any other one, nothing."""
        if self.nearness(embedding[None])[0] >= self.threshold:
            return ""
        nearest = self.prompts[int(self.shown[(self.known @ embedding).argmax()])].rstrip(".")
        prompt = textwrap.shorten(prompt, SHOWN, placeholder=" ...")
        return f'"{prompt}" is far from what this model knows; nearest: "{nearest}".'
