"""The text transformer learns what a caption may describe, before motion teaches it the rest.

Captions are cheap and motion is not: in the time of a few hundred steps of motion it sees every phrasing of every
score several times, and then puts phrasings that it never saw to the right interaction far more often.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from intermamba.model.text import TextTransformer

from .clip_text import Tokens, pad
from .compose.captions import fill_template
from .compose.score import Score
from .pretraining import descend
from .progress import counted

BATCH = 128  # captions
RATE = 1e-3
WARMUP, DECAY = 50, 0.4  # steps, and the last part of all steps
WEIGHT_DECAY = 0.05
WORD_DROPOUT = 0.15  # of a caption's tokens, so that no single word decides
HEAD_DROPOUT = 0.2
SMOOTHING = 0.05  # of the targets
FILLINGS = 2  # sets of names for each template


@dataclass(frozen=True)
class Lesson:
    """Captions of one interaction: their tokens (S,K), and which plans (N,P) each may describe, as shares of 1."""

    tokens: list[NDArray[np.float16]]
    plans: NDArray[np.float32]


def lessons(scores: Sequence[Score], tokens: Tokens, seed: int = 0) -> list[Lesson]:
    """A lesson for each score. Its plans with the same captions count as one: no caption tells them apart."""
    rng = np.random.default_rng(seed)
    kinds = [{plan.captions: plan for plan in score.plans()} for score in scores]
    total, first, out = sum(map(len, kinds)), 0, []
    for plans in counted(kinds, "captions of the scores"):
        templates = {template: plan for plan in plans.values() for template in plan.captions}
        fits = np.array([[template in captions for captions in plans] for template in templates], np.float32)
        shares = np.zeros((len(templates), total), np.float32)
        shares[:, first : first + len(plans)] = fits / fits.sum(1, keepdims=True)
        first += len(plans)
        captions = [fill_template(t, p, rng) for _ in range(FILLINGS) for t, p in templates.items()]
        rows = [tokens([caption])[0][0].astype(np.float16) for caption in captions]
        out.append(Lesson(rows, np.tile(shares, (FILLINGS, 1))))
    return out


def pretrain_text(
    text: TextTransformer, taught: Sequence[Lesson], steps: int, seed: int = 0, *, half: bool = True
) -> float:
    """Train `text` to tell which plans a caption may describe; gives the mean loss of the last steps.

    A linear layer on the condition, which is thrown away afterwards, tells the plans apart. `half` computes the
    condition in bfloat16.
    """
    device = next(text.parameters()).device
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    head = nn.Linear(text.norm.normalized_shape[0], taught[0].plans.shape[1]).to(device)
    parameters = [*text.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=WEIGHT_DECAY, fused=True)

    def part_of_rate(step: int) -> float:
        return min(1.0, (step + 1) / WARMUP, (steps - step) / (DECAY * steps))

    def loss(_: int) -> tuple[Tensor, Tensor]:
        tokens, mask, plans = (x.to(device) for x in _draw(taught, rng))
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            condition = text(tokens, mask)
        condition = F.dropout(F.layer_norm(condition.float(), condition.shape[-1:]), HEAD_DROPOUT)
        entropy = F.cross_entropy(head(condition), plans, label_smoothing=SMOOTHING)
        return entropy, entropy

    text.train()
    mean = descend("text", steps, [LambdaLR(optimizer, part_of_rate)], loss)
    text.zero_grad(set_to_none=True)
    return mean


def _draw(taught: Sequence[Lesson], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens (B,S,K) and mask (B,S) of captions of interactions drawn alike, words left out, and their plans (B,P)."""
    drawn = [taught[n] for n in rng.integers(len(taught), size=BATCH)]
    rows = [int(rng.integers(len(lesson.tokens))) for lesson in drawn]
    tokens, mask = pad([lesson.tokens[row] for lesson, row in zip(drawn, rows, strict=True)])
    kept = mask & (rng.random(mask.shape) >= WORD_DROPOUT)
    kept[:, 0] = True  # the mark of the beginning, and that of the end, which CLIP's condition is read from
    kept[np.arange(len(rows)), mask.sum(1) - 1] = True
    plans = np.stack([lesson.plans[row] for lesson, row in zip(drawn, rows, strict=True)])
    return torch.from_numpy(tokens), torch.from_numpy(kept), torch.from_numpy(plans)
