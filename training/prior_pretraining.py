"""The prior learns the mean motion of each caption before the denoiser takes its first step: plain regression."""

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from intermamba.errors import IntermambaError
from intermamba.model.denoiser import Denoiser, to_patches

from .clip_text import Tokens
from .data.batches import Batches

POOL = 100  # batches, gone through in turn
RATE = 2e-3


@dataclass(frozen=True)
class Shown:
    """A batch as the prior sees it: conditions (B,C), clean tokens (B,2,L,K), and which of them count (B,L)."""

    condition: Tensor
    target: Tensor
    counts: Tensor


def pretrain_prior(
    network: Denoiser,
    batches: Batches,
    tokens: Tokens,
    statistics: tuple[Tensor, Tensor],
    steps: int,
    dropout: float,
    seed: int = 0,
    *,
    half: bool = True,
) -> float:
    """Train the network's prior on clean motion; gives the mean squared error, of normalised features, of the end.

    `statistics` are mean and deviation (F,); `dropout` is the share of prompts that are hidden, as in training;
    `half` computes in bfloat16.
    """
    if network.prior is None:
        raise IntermambaError("This model has no prior: leave prior_steps at 0.")
    device = statistics[0].device
    pool = [_shown(network, batches, tokens, statistics, n) for n in range(min(POOL, steps))]
    optimizer = torch.optim.AdamW(network.prior.parameters(), lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    torch.manual_seed(seed)
    losses = []
    for step in range(steps):
        shown = pool[step % len(pool)]
        keep = (torch.rand(len(shown.condition), 1) >= dropout).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            mean = network.prior(shown.condition * keep, network.positions_LD[: shown.target.shape[2]])
        error = (mean.float() - shown.target).square().mean((1, 3))
        loss = (error * shown.counts).sum() / shown.counts.sum().clamp(min=1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            print(f"prior: step {step + 1} of {steps}, error {np.mean(losses[-100:]):.3f}", file=sys.stderr)
    return float(np.mean(losses[-100:]))


@torch.no_grad()
def _shown(
    network: Denoiser, batches: Batches, tokens: Tokens, statistics: tuple[Tensor, Tensor], number: int
) -> Shown:
    mean, std = statistics
    batch, patch = batches.batch(number), network.config.patch
    target = (torch.from_numpy(batch.features).to(mean.device) - mean) / std
    was_training = network.text.training
    condition = network.text.eval()(*(torch.from_numpy(x).to(mean.device) for x in tokens(batch.captions)))
    network.text.train(was_training)
    counts = torch.from_numpy(batch.mask).to(mean.device).unflatten(1, (-1, patch)).all(-1).float()
    return Shown(condition, to_patches(target, patch), counts)
