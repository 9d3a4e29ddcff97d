"""The prompt library: for each interaction that a model may know, what users type for it and what training says of it.

The first is in `prompts.toml`, the second in the scores of training/compose; `foreign.toml` has what no model knows.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from intermamba.bundles.bundle import Prompt
from intermamba.errors import IntermambaError
from intermamba.text.nearest import KnownPhrasings, sentence_embedding

from .compose.captions import fill_captions
from .compose.score import Score, load_scores

LIBRARY = Path(__file__).with_name("prompts.toml")
FOREIGN = Path(__file__).with_name("foreign.toml")
FILLINGS = 3  # sets of names that each caption is tried with
MOST_KNOWN = 1000  # phrasings in a bundle: 0.75 MB
ACCEPTED = 0.98  # share of the phrasings that training never used which must not be warned of


class Encoder(Protocol):
    """What intermamba.text.encoder.TextEncoder does."""

    def encode(self, prompts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True)
class Interaction:
    """One thing that two people do."""

    name: str
    title: str
    seconds: float
    """A length that suits it."""
    prompts: tuple[str, ...]
    """What an animator would type; a bundle offers them."""
    short: tuple[str, ...]
    """What one types in haste; known as well, but not offered."""
    captions: tuple[str, ...]
    """Of training, with names in them."""
    unseen: tuple[str, ...]
    """Phrasings that training never uses, with names in them."""

    def entries(self) -> list[Prompt]:
        """Return what a bundle's prompts.json says of it."""
        return [Prompt(prompt, self.seconds, self.name, self.title) for prompt in self.prompts]


def load_interactions(names: Sequence[str], library: Path = LIBRARY) -> list[Interaction]:
    """Read interactions by the names of their scores. Raises IntermambaError for one that lacks prompts or a score."""
    told = tomllib.loads(library.read_text(encoding="utf-8"))
    if missing := [name for name in names if name not in told]:
        raise IntermambaError(
            f"{library} has no [{missing[0]}]: write prompts for it there, or leave it out."
        )
    return [_interaction(told[score.name], score) for score in (load_scores(names) if names else [])]


def foreign_prompts(path: Path = FOREIGN) -> tuple[list[str], list[str]]:
    """Return prompts that no model here knows: those that a bundle may learn from, and those that it may not."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return told["examples"], told["held_out"]


def calibrate(interactions: Sequence[Interaction], encoder: Encoder) -> tuple[KnownPhrasings, dict[str, Any]]:
    """Return what tells known prompts from others, and how well it does so on phrasings that it was not shown.

    The second is a bundle's `nearest`: threshold, and of how many unseen and foreign prompts which share was accepted
    and caught.
    """
    examples, foreign = foreign_prompts()
    prompts = [entry.prompt for interaction in interactions for entry in interaction.entries()]
    known, owner = _thinned(interactions)
    embeddings = embed(known, encoder)
    shown = _stand_ins(embeddings, owner, interactions, encoder)
    phrasings = KnownPhrasings(embeddings, shown, embed(examples, encoder), prompts)
    unseen = list(dict.fromkeys(phrase for interaction in interactions for phrase in interaction.unseen))
    near, far = (phrasings.nearness(embed(texts, encoder)) for texts in (unseen, foreign))
    threshold = float(np.sort(near)[int((1 - ACCEPTED) * len(near))])
    report = {
        "threshold": round(threshold - 0.0005, 3),  # embeddings are stored in half precision
        "unseen": len(unseen),
        "accepted": round(float((near >= threshold).mean()), 3),
        "foreign": len(foreign),
        "caught": round(float((far < threshold).mean()), 3),
    }
    return replace(phrasings, threshold=report["threshold"]), report


def embed(texts: Sequence[str], encoder: Encoder) -> np.ndarray:
    """Return the sentence embeddings (N, C) of texts."""
    return sentence_embedding(*encoder.encode(texts))


def _stand_ins(
    embeddings: np.ndarray, owner: np.ndarray, interactions: Sequence[Interaction], encoder: Encoder
) -> np.ndarray:
    """The prompt (N,) of its own interaction that is nearest to each phrasing (N, C), as an index into all prompts."""
    of = np.repeat(np.arange(len(interactions)), [len(i.prompts) for i in interactions])
    prompts = embed([prompt for interaction in interactions for prompt in interaction.prompts], encoder)
    cosines = np.where(owner[:, None] == of, embeddings @ prompts.T, -2.0)
    return cosines.argmax(axis=1)


def _thinned(interactions: Sequence[Interaction]) -> tuple[list[str], np.ndarray]:
    """At most MOST_KNOWN phrasings, evenly of all interactions, and the number (N,) of the one that each belongs to."""
    rng = np.random.default_rng(0)
    share = MOST_KNOWN // len(interactions)
    known, owner = [], []
    for number, interaction in enumerate(interactions):
        sure = (*interaction.prompts, *interaction.short)
        captions = [text for text in rng.permutation(interaction.captions).tolist() if text not in sure]
        kept = [*sure, *captions][:share]
        known += kept
        owner += [number] * len(kept)
    return known, np.array(owner)


def _interaction(entry: dict[str, Any], score: Score) -> Interaction:
    seconds = entry.get("seconds", round(sum(score.table["seconds"])) / 2)
    rng = np.random.default_rng(0)
    return Interaction(
        score.name,
        score.table["title"],
        float(seconds),
        tuple(entry["prompts"]),
        tuple(entry.get("short", ())),
        tuple(dict.fromkeys(_phrasings(score, rng, FILLINGS))),
        tuple(dict.fromkeys(_phrasings(score, rng, 1, unseen=True))),
    )


def _phrasings(
    score: Score, rng: np.random.Generator, fillings: int, *, unseen: bool = False
) -> Iterator[str]:
    """The templates of all plans of a score, each with `fillings` sets of names."""
    key = "unseen" if unseen else "captions"
    plans = {template: plan for plan in score.plans() for template in getattr(plan, key)}
    for template, plan in plans.items():
        alone = replace(plan, **{key: (template,)})
        for _ in range(fillings):
            yield from fill_captions(alone, rng, 1, unseen=unseen)
